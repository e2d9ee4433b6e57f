"""What a provider's question says: its code, its link and the inbox that is to forward."""

import pytest

from gateway.reading.confirmation import PROVIDERS, is_known_link, read_confirmation
from gateway.reading.mail import Mail, Person

GMAIL = """\
support@company.example has requested to automatically forward mail to your email
address support.k2v7@in.desk.example.
Confirmation code: 123456789

To allow support@company.example to automatically forward mail to your address,
please click the link below to confirm the request:

https://mail-settings.google.com/mail/vf-%5BANGjdJ9%5D-abc_def

If you click the link and it appears to be broken, please copy and paste it
into a new browser window. To cancel this request: https://mail-settings.google.com/mail/uf-%5BANGjdJ9%5D-xyz
"""

# A provider, who writes for him, and where his links lead.
QUESTIONS = [
    ("Gmail", "forwarding-noreply@google.com", "mail-settings.google.com"),
    ("Zoho", "noreply@zoho.eu", "mail.zoho.eu"),
    ("Yahoo", "no-reply@cc.yahoo-inc.com", "login.yahoo.com"),
    ("iCloud", "no_reply@email.apple.com", "www.icloud.com"),
    ("Fastmail", "noreply@fastmail.com", "app.fastmail.com"),
    ("Yandex", "noreply@yandex.ru", "mail.yandex.ru"),
    ("GMX", "noreply@gmx.net", "www.gmx.net"),
    ("Mail.ru", "noreply@mail.ru", "e.mail.ru"),
    ("Proton", "no-reply@proton.me", "mail.proton.me"),
    ("Cloudflare", "noreply@cloudflare.com", "dash.cloudflare.com"),
]


def asked(sender: str, subject: str, text: str) -> Mail:
    """A mail of which only this was read."""
    return Mail(message_id="<a@b.example>", author=Person("", sender), subject=subject, text=text)


def test_gmails_question_is_read() -> None:
    """The code of the subject, the link that confirms and not the one that takes it back, and the asking inbox."""
    subject = "(#123456789) Gmail Forwarding Confirmation - Receive Mail from support@company.example"
    found = read_confirmation(asked("forwarding-noreply@google.com", subject, GMAIL))
    assert found is not None
    assert (found.provider, found.code) == ("Gmail", "123456789")
    assert found.link == "https://mail-settings.google.com/mail/vf-%5BANGjdJ9%5D-abc_def"
    assert found.addresses[0] == "support@company.example"


def test_question_with_a_link_only_has_no_code() -> None:
    """Some providers send a link and nothing to type."""
    text = "Please verify that mail of ann@yahoo.com may be forwarded:\nhttps://login.yahoo.com/confirm?x=1.\n"
    found = read_confirmation(asked("no-reply@cc.yahoo-inc.com", "Verify your forwarding address", text))
    assert found is not None
    assert (found.code, found.link) == ("", "https://login.yahoo.com/confirm?x=1")
    assert found.addresses == ("ann@yahoo.com",)


def test_question_with_a_code_only_has_no_link() -> None:
    """Zoho's code stands in the text."""
    text = "Use this verification code to confirm the forward of info@company.example: 448812\n"
    found = read_confirmation(asked("noreply@zoho.com", "Confirm email forwarding", text))
    assert found is not None
    assert (found.provider, found.code, found.link) == ("Zoho", "448812", "")


@pytest.mark.parametrize(("provider", "sender", "host"), QUESTIONS)
def test_question_of_every_provider_is_read(provider: str, sender: str, host: str) -> None:
    """Its code, and its link where that leads to the provider's own host."""
    text = f"Confirm that info@company.example may forward.\nCode: 448812\nhttps://{host}/mail/vf-confirm?x=1\n"
    found = read_confirmation(asked(sender, "Confirm email forwarding", text))
    assert found is not None
    assert (found.provider, found.code, found.link) == (provider, "448812", f"https://{host}/mail/vf-confirm?x=1")
    assert found.addresses == ("info@company.example",)


def test_no_provider_is_without_a_test() -> None:
    """The table above names them all."""
    assert {name for name, _, _ in QUESTIONS} == {one.name for one in PROVIDERS}


@pytest.mark.parametrize(
    "link",
    [
        "http://mail-settings.google.com/mail/vf-1",
        "https://mail-settings.google.com.evil.example/mail/vf-1",
        "https://evil.example/mail-settings.google.com/mail/vf-1",
        "https://mail-settings.google.com@evil.example/mail/vf-1",
        "https://mail-settings.google.com:8443/mail/vf-1",
        "https://accounts.google.com/mail/vf-1",
        "javascript:alert(1)//mail.google.com/mail/vf-1",
        "https://[mail.google.com/vf-",
    ],
)
def test_link_to_anywhere_else_is_none(link: str) -> None:
    """Only https, only a host that Gmail confirms on; what looks like it is dropped, and the code stays."""
    subject = "(#123456789) Gmail Forwarding Confirmation"
    found = read_confirmation(asked("forwarding-noreply@google.com", subject, f"confirm: {link}\n"))
    assert found is not None
    assert (found.link, found.code) == ("", "123456789")
    assert not is_known_link("Gmail", link)


def test_mail_of_anybody_else_is_no_question() -> None:
    """The sender's address fits exactly or not at all."""
    assert read_confirmation(asked("forwarding-noreply@google.com.evil.example", "(#123456789) Gmail", GMAIL)) is None


def test_long_texts_take_time_in_proportion() -> None:
    """A mail of a megabyte of near-links and near-codes is read at once."""
    text = "https://" * 60_000 + "code: " * 60_000 + "a@b." * 60_000
    assert read_confirmation(asked("forwarding-noreply@google.com", "(#123456789) x", text)) is not None
