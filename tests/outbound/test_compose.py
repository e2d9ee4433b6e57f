"""Bytes that say what was meant, whatever somebody typed or wrote to us (T40)."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from config.errors import AskedWrongly, GatewayError
from outbound.compose import File, Letter, Thread, compose
from outbound.writing import MAX_NAME, Person, body_lines, file_name, one_line, written_address

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OWN_ID = "<own@in.desk.example>"
NASTY = st.text(
    st.one_of(
        st.sampled_from("\r\n\0\t \x0b\x0c\x1b\x7f\x85\u2028\u2029\u202e\ufeff\ud800,;:<>()[]@\\\"'=?._-%+&"),
        st.characters(),
    ),
    max_size=120,
)
INJECTIONS = st.sampled_from(
    [
        "\r\nBcc: spy@evil.example",
        "\nBcc: spy@evil.example\n\nbody",
        "x\r\n\r\n<script>",
        "=?utf-8?q?a=0D=0ABcc:_spy@evil.example?=",
        '"<spy@evil.example>, ',
        "a, spy@evil.example",
        "\u2028Bcc: spy@evil.example",
        "\x85Bcc: spy@evil.example",
    ]
)
ANYTHING = st.one_of(NASTY, INJECTIONS, st.builds(str.__add__, NASTY, INJECTIONS))


def _letter(**parts: object) -> Letter:
    usual = {
        "author": Person("Support", "support@company.example"),
        "to": (Person("Ann", "ann@customer.example"),),
        "subject": "Hello",
        "text": "Hello\n",
        "date": AT,
        "thread": Thread(OWN_ID),
    }
    return Letter(**(usual | parts))  # type: ignore[arg-type]


def _parsed(letter: Letter) -> EmailMessage:
    mail = message_from_bytes(compose(letter), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


@settings(max_examples=300, deadline=None)
@given(name=ANYTHING, subject=ANYTHING, text=ANYTHING, file=ANYTHING)
def test_whatever_was_typed_the_mail_has_the_meant_fields_and_no_other(
    name: str, subject: str, text: str, file: str
) -> None:
    """Names, subjects, texts and file names never add a field, a recipient or a line to the header."""
    person = Person(name, "ann@customer.example")
    letter = _letter(to=(person,), reply_to=person, subject=subject, text=text, files=(File(file, file, b"x"),))
    built = compose(letter)
    assert b"\r\n\r\n" in built
    assert built.replace(b"\r\n", b"").count(b"\r") == built.replace(b"\r\n", b"").count(b"\n") == 0
    assert all(len(line) <= 998 for line in built.split(b"\r\n"))
    assert built.isascii()
    mail = message_from_bytes(built)
    expected = ["Date", "From", "To", "Reply-To", "Subject", "Message-ID", "Content-Type", "MIME-Version"]
    assert sorted(mail.keys()) == sorted(expected)
    assert [address for _, address in getaddresses(mail.get_all("To"))] == ["ann@customer.example"]
    body, attached = mail.get_payload()
    assert body.get_payload(decode=True).decode("utf-8").replace("\r\n", "\n") == body_lines(text)
    assert attached.get_payload(decode=True) == b"x"


@settings(max_examples=200, deadline=None)
@given(name=ANYTHING, id_=ANYTHING, loop=ANYTHING)
@example(name="", id_="", loop="\ud800")
def test_whatever_others_wrote_their_names_and_ids_add_nothing(name: str, id_: str, loop: str) -> None:
    """Cc, In-Reply-To, References and the loop mark hold what is sound of it, or the letter is refused."""
    strange = f"<{id_}>"
    thread = Thread(OWN_ID, strange, (strange, "<good@x.example>", id_))
    people = (Person(name, "ben@customer.example"), Person(name, "cid@customer.example"))
    try:
        built = compose(_letter(cc=people, thread=thread, loop_value=loop))
    except GatewayError:
        return
    mail = message_from_bytes(built)
    usual = ["Date", "From", "To", "Cc", "Subject", "Message-ID", "References", "Content-Type", "MIME-Version"]
    automatic = ["Auto-Submitted", "X-Auto-Response-Suppress", "Precedence", "X-Gateway-Loop"] if loop else []
    optional = {"Content-Transfer-Encoding", "In-Reply-To"}
    assert sorted(set(mail.keys()) - optional) == sorted([*usual, *automatic])
    assert len(mail.keys()) == len(set(mail.keys()))
    assert [address for _, address in getaddresses(mail.get_all("Cc"))] == [person.email for person in people]
    assert "<good@x.example>" in mail["References"].split()


@settings(max_examples=200, deadline=None)
@given(text=ANYTHING, html=ANYTHING, file=ANYTHING)
def test_whatever_was_typed_all_parts_are_there_and_no_other(text: str, html: str, file: str) -> None:
    """Text, HTML, a picture in it and a file beside it: each reads back, under the one header."""
    picture = File(file, file, b"p", "1@in.desk.example")
    built = compose(_letter(text=text, html=f"<p>{html}</p>", files=(picture, File(file, file, b"x"))))
    assert built.isascii()
    assert all(len(line) <= 998 for line in built.split(b"\r\n"))
    mail = message_from_bytes(built)
    leaves = [part for part in mail.walk() if not part.is_multipart()]
    assert [part.get_payload(decode=True) for part in leaves[2:]] == [b"p", b"x"]
    read = [part.get_payload(decode=True).decode().replace("\r\n", "\n") for part in leaves[:2]]
    assert read == [body_lines(text), body_lines(f"<p>{html}</p>")]
    assert [part.get_content_type() for part in leaves[:2]] == ["text/plain", "text/html"]
    assert leaves[2]["Content-ID"] == "<1@in.desk.example>"
    assert sorted(mail.keys()) == sorted(
        ["Date", "From", "To", "Subject", "Message-ID", "Content-Type", "MIME-Version"]
    )


@settings(max_examples=300, deadline=None)
@given(name=ANYTHING, subject=ANYTHING)
def test_names_and_subjects_read_back_as_they_were_meant(name: str, subject: str) -> None:
    """A stranger's parser sees the same name and subject, without their control characters."""
    mail = _parsed(_letter(author=Person(name, "support@company.example"), subject=subject))
    assert str(mail["Subject"]) == one_line(subject, 400)
    [author] = mail["From"].addresses
    assert author.addr_spec == "support@company.example"
    # Python's own parser puts a space between two encoded words of a name, against RFC 2047 section 6.2.
    assert "".join(author.display_name.split()) == "".join(one_line(name, MAX_NAME).split())


@settings(max_examples=300, deadline=None)
@given(local=NASTY, domain=st.one_of(NASTY, st.just("customer.example")))
def test_addresses_are_written_safely_or_refused(local: str, domain: str) -> None:
    """An address either stands alone in its field and reads back as itself, or is an error."""
    try:
        built = compose(_letter(to=(Person("Ann", f"{local}@{domain}"),)))
    except GatewayError:
        return
    field = built.split(b"\r\nSubject:")[0].split(b"\r\nTo: ")[1].decode()
    [(name, address)] = getaddresses([field.replace("\r\n", "")])
    assert name == "Ann"
    assert address == written_address(f"{local}@{domain}")


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("Ann@Customer.EXAMPLE", "Ann@customer.example"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ('"a;b"@x.example', None),
        ('"a@b"@x.example', '"a@b"@x.example'),
        ("a@b@x.example", None),
        ("ann@x.example\r\nRCPT TO:<spy@evil.example>", None),
        ("<ann@x.example>", None),
        ("ann", None),
    ],
)
def test_address_is_written_for_the_wire(typed: str, written: str | None) -> None:
    """Domains become A-labels, odd local parts are quoted, and what is no address is refused."""
    if written is None:
        with pytest.raises(AskedWrongly):
            written_address(typed)
    else:
        assert written_address(typed) == written


def test_long_ids_stay_whole_in_references() -> None:
    """Ids of 90 octets and more are neither encoded nor broken; In-Reply-To has one of them."""
    ids = tuple(f"<{'x' * 90}{place}@mail.example>" for place in range(20))
    built = compose(_letter(thread=Thread(OWN_ID, ids[-1], ids)))
    mail = message_from_bytes(built)
    assert mail["References"].split() == list(ids)
    assert mail["In-Reply-To"] == ids[-1]
    assert b"=?" not in built


def test_ids_that_would_break_a_header_are_left_out() -> None:
    """An id with a line break, a space or a thousand octets stands in no header of ours."""
    bad = ("<a\r\nBcc: spy@evil.example>", "<a b@x>", "<" + "x" * 990 + "@y>", "no brackets", "<good@x>")
    mail = message_from_bytes(compose(_letter(thread=Thread(OWN_ID, bad[0], bad))))
    assert mail["References"] == "<good@x>"
    assert mail["In-Reply-To"] is None


def test_automatic_mail_tells_machines_not_to_answer() -> None:
    """Auto-Submitted, X-Auto-Response-Suppress and our loop mark stand on automatic mail, and on no other."""
    automatic = message_from_bytes(compose(_letter(loop_value="me;mac", thread=Thread(OWN_ID, "<in@x>"))))
    assert automatic["Auto-Submitted"] == "auto-replied"
    assert automatic["X-Auto-Response-Suppress"] == "All"
    assert automatic["X-Gateway-Loop"] == "me;mac"
    plain = message_from_bytes(compose(_letter()))
    assert not {"auto-submitted", "x-auto-response-suppress", "x-gateway-loop", "precedence"} & {
        name.lower() for name in plain
    }


def test_local_part_in_another_alphabet_makes_an_utf8_mail() -> None:
    """An address that has no ASCII form is written as it is (RFC 6532), and reads back."""
    built = compose(_letter(to=(Person("Дарья", "дарья@почта.example"),)))
    assert not built.isascii()
    assert "дарья@xn--80a1acny.example".encode() in built


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\x.txt", "C__x.txt"),
        ("a\u202egpj.exe", "a gpj.exe"),
        ("", "attachment"),
        ("x" * 5000 + ".pdf", "x" * 146 + ".pdf"),
    ],
)
def test_name_of_a_file_is_only_a_name(given_name: str, kept: str) -> None:
    """No path, no control characters, no endless name."""
    assert file_name(given_name) == kept


def test_attached_mail_and_large_file_survive() -> None:
    """A mail as attachment goes as a plain file, and every byte of a file arrives."""
    content = bytes(range(256)) * 5000
    mail = _parsed(
        _letter(files=(File("a.eml", "message/rfc822", b"From: x\r\n\r\n"), File("b.bin", "application/x-y", content)))
    )
    first, second = mail.iter_attachments()
    assert (first.get_content_type(), first.get_filename()) == ("application/octet-stream", "a.eml")
    assert (second.get_content_type(), second.get_content()) == ("application/x-y", content)
