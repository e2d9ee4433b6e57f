"""Signatures, seals and policies of strangers that do not count, each for its own reason."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from fakes.signing import key_zone, seal, sign

from gateway.reading.answers import TROUBLE, Answer, Answers, Question
from gateway.reading.arc_check import Chain, _flaw, check_chain, key_names, vouches
from gateway.reading.dkim_check import check_signature, read_field, signature_fields
from gateway.reading.dmarc import Walk
from gateway.reading.sender_policy import check_sender
from gateway.reading.signed import take_apart

AT = datetime.now(UTC)
MAIL = (
    b"From: Carla <carla@customer.example>\r\nSubject: Printer\r\nTo: a@b.example\r\n"
    b"Message-ID: <1@x>\r\n\r\nIt smokes\r\n"
)
PROVEN = "dmarc=pass header.from=customer.example"


def known(records: dict[tuple[str, str], list[str]]) -> Answers:
    return Answers({Question(name, kind): Answer(tuple(values)) for (name, kind), values in records.items()})


def key(domain: str) -> Answers:
    return known({(name, "TXT"): types["TXT"] for name, types in key_zone(domain).items()})


@pytest.mark.parametrize(
    ("value", "flaw"),
    [
        (b"v=1; d=x.example; s=s; a=rsa-sha1; h=from:subject", "rsa-sha1"),
        (b"v=1; d=x.example; s=s; h=from:subject" + b":a" * 300, "too many fields"),
        (b"v=1; d=x.example; s=s; h=subject", "From is not signed"),
        (b"v=1; d=x.example; s=s; h=from:subject; x=soon", "no time"),
        (b"v=1; v=1", "no list of tags"),
        (b"v=1; d=x.example; h=from:subject", "no domain and selector"),
    ],
)
def test_signature_does_not_count_when_it_has_a_flaw(value: bytes, flaw: str) -> None:
    """The reason is said, and no key is asked for."""
    assert flaw in read_field(take_apart(MAIL), 0, value, AT).flaw


def test_signature_does_not_count_when_the_header_is_malformed() -> None:
    """A line that is no field: who knows what a program makes of it."""
    assert "malformed" in read_field(take_apart(b"no field\r\n" + MAIL), 0, b"d=x.example; s=s; h=from", AT).flaw


@pytest.mark.parametrize(
    ("record", "reason"),
    [("v=DKIM2; p=AAAA", "another version"), ("v=DKIM1; k=ed25519; p=AAAA", ""), ("v=DKIM1; p=!", "")],
)
def test_signature_is_an_error_when_its_key_is_none(record: str, reason: str) -> None:
    """Another version, and octets that make no key."""
    mail = take_apart(sign(MAIL, "customer.example"))
    [field] = signature_fields(mail, "customer.example", AT)
    found = check_signature(mail, field, known({("s._domainkey.customer.example", "TXT"): [record]}))
    assert found.result == "permerror"
    assert reason in found.reason


def test_signature_is_an_error_when_the_library_breaks_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a stranger's octets lead it to is his fault, not ours."""
    mail = take_apart(sign(MAIL, "customer.example"))
    [field] = signature_fields(mail, "customer.example", AT)
    monkeypatch.setattr("gateway.reading.dkim_check.key_of", lambda *_: 1 // 0)
    assert check_signature(mail, field, key("customer.example")).reason == "ZeroDivisionError"


def test_chain_fails_when_a_field_is_too_long_or_the_header_malformed() -> None:
    """Neither is looked at any further."""
    long = take_apart(b"ARC-Seal: i=1;" + b" " * 100 + b"\r\n" + MAIL)
    assert "too long" in check_chain(long, known({}), AT).reason
    assert "malformed" in check_chain(take_apart(b"no field\r\nARC-Seal: i=1\r\n" + MAIL), known({}), AT).reason


def test_chain_fails_when_the_library_breaks_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain of a stranger is never our trouble."""
    sealed = take_apart(seal(MAIL, "relay.example", PROVEN))
    monkeypatch.setattr("gateway.reading.dkim_check.key_of", lambda *_: 1 // 0)
    assert check_chain(sealed, key("relay.example"), AT) == Chain("fail", reason="ZeroDivisionError")


def test_chain_fails_when_its_newest_signature_has_a_flaw() -> None:
    """A second From makes every signature void, that of a sealer too."""
    sealed = b"From: Boss <boss@customer.example>\r\n" + seal(MAIL, "relay.example", PROVEN)
    found = check_chain(take_apart(sealed), key("relay.example"), AT)
    assert found.result == "fail"


def test_chain_fails_when_its_newest_signature_may_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules for any other signature hold for that of a sealer."""
    sealed = take_apart(seal(MAIL, "relay.example", PROVEN))
    assert "no signature" in _flaw(sealed, 9, AT)
    monkeypatch.setattr("gateway.reading.arc_check._flaw", lambda *_: "it has expired")
    assert check_chain(sealed, key("relay.example"), AT) == Chain("fail", reason="it has expired")


def test_chain_is_open_when_dns_is_silent() -> None:
    """A later question may have an answer."""
    sealed = take_apart(seal(MAIL, "relay.example", PROVEN))
    silent = Answers({Question("s._domainkey.relay.example", "TXT"): TROUBLE})
    assert check_chain(sealed, silent, AT).result == "temperror"


def test_chain_names_only_keys_that_are_named() -> None:
    """A seal without a domain asks for nothing."""
    assert key_names(take_apart(b"ARC-Seal: i=1; s=x\r\nARC-Seal: i=2; s=s; d=a.example\r\n" + MAIL)) == {
        "s._domainkey.a.example"
    }


@pytest.mark.parametrize(
    ("statement", "is_proven"),
    [
        ("mx; dkim=pass header.d=customer.example", True),
        ("mx; dkim=pass header.d=other.example; dmarc=none", False),
        (r'mx; spf=pass smtp.mailfrom="a\";dmarc=pass"@x; dkim=pass header.d=customer.example', True),
        ("mx; (a (b;) c) dmarc=pass header.from=customer.example", True),
        ('mx; (a " b) dmarc=pass header.from=customer.example', True),
        ("mx; (never closed; dmarc=pass header.from=customer.example", False),
    ],
)
def test_sealer_vouches_when_he_says_what_proves_the_author(statement: str, is_proven: bool) -> None:
    """Comments and quoted strings are no results (RFC 8601 section 2.2)."""
    chain = Chain("pass", ("relay.example",), (statement,))
    assert bool(vouches(chain, frozenset({"relay.example"}), "customer.example")) is is_proven


@pytest.mark.parametrize(
    ("record", "hosts", "local", "result"),
    [
        ("v=spf1 exists:%{l}.x.example -all", 0, "a" * 70, "fail"),
        ("v=spf1" + " mx:m.example" * 9 + " -all", 9, "a", "permerror"),
        ("v=spf1 a:n1.example a:n2.example a:n3.example a:n4.example -all", 0, "a", "permerror"),
    ],
)
def test_policy_is_an_error_when_it_asks_too_much(record: str, hosts: int, local: str, result: str) -> None:
    """A label that is too long is not asked for; too many questions, and too many without an answer, are an error."""
    exchangers = [f"10 h{number}.example" for number in range(hosts)]
    nothing = {(f"n{number}.example", "A"): [] for number in range(1, 5)}
    answers = known(
        {("x.example", "TXT"): [record], ("m.example", "MX"): exchangers, **nothing}
        | {(f"h{number}.example", "A"): ["192.0.2.99"] for number in range(hosts)}
    )
    assert check_sender("192.0.2.7", "mail.x.example", f"{local}@x.example", answers).result == result


def test_domain_without_a_record_has_no_policy() -> None:
    """What it has not published cannot be broken."""
    assert Walk("x.example", "x.example", None, is_trouble=False).policy == ""
