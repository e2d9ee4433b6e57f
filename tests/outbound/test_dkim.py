"""Signatures on what leaves, read by dkimpy and by our own reading."""

import re
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import dkim
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from peers.opendkim import verdicts
from peers.replydesk import Desk, MakeDesk
from peers.sink import Sink
from peers.sinkscript import Step
from sqlmodel import select

from config.errors import BadConfiguration
from config.secrets import Seal
from gateway.reading.answers import Answer, Answers, Question
from gateway.reading.dkim_check import check_signature, signature_fields
from gateway.reading.signed import take_apart
from outbound.dkim import SealedKey, make_key, sealed_key, sign
from storage.channels import Channel, ChannelKind, add_channel
from storage.dkim_keys import Algorithm, DkimKey, add_dkim_key, retire_dkim_key
from storage.outbox import DeliveryState, Outgoing
from storage.queues import Queue

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DOMAIN = "company.example"
BOTH = (Algorithm.RSA, Algorithm.ED25519)


@pytest.fixture(scope="module")
def seal(tmp_path_factory: pytest.TempPathFactory) -> Seal:
    """A seal with a key file of its own."""
    return Seal(tmp_path_factory.mktemp("seal") / "secret.key")


@pytest.fixture(scope="module")
def keys(seal: Seal) -> list[DkimKey]:
    """A key of each kind."""
    return [make_key(seal, DOMAIN, f"s-{algorithm}", algorithm) for algorithm in BOTH]


def _mail(body: bytes = b"Hello\r\n", header: bytes = b"") -> bytes:
    fields = b"From: Support <support@company.example>\r\nTo: ann@customer.example\r\nSubject: It is\r\n broken\r\n"
    return fields + b"Date: Sun, 01 Mar 2026 12:00:00 +0000\r\nMessage-ID: <a@b>\r\n" + header + b"\r\n" + body


def _by_dkimpy(raw: bytes, keys: list[DkimKey]) -> list[bool]:
    """Whether each signature holds. For Ed25519 dkimpy wants another package: there our reading is asked."""
    records = {f"{key.record_name}.": key.record for key in keys}
    values = message_from_bytes(raw).get_all("DKIM-Signature") or []
    ours = dict(zip(_selectors(raw), _by_us(raw, keys), strict=True))

    def holds(place: int) -> bool:
        if "ed25519" in values[place]:
            return ours[_selectors(raw)[place]] == "pass"
        return bool(dkim.DKIM(raw).verify(place, dnsfunc=lambda name, timeout=5: records[name.decode()]))

    return [holds(place) for place in range(len(values))]


def _selectors(raw: bytes) -> list[str]:
    return re.findall(r"(?m)^ s=([^;]+);", raw.partition(b"\r\n\r\n")[0].decode())


def _by_us(raw: bytes, keys: list[DkimKey]) -> list[str]:
    mail = take_apart(raw)
    answers = Answers({Question(key.record_name, "TXT"): Answer((key.record,)) for key in keys})
    fields = sorted(signature_fields(mail, DOMAIN, datetime.now(UTC)), key=lambda field: field.place)
    return [check_signature(mail, field, answers).result for field in fields]


def _sealed(keys: list[DkimKey]) -> tuple[SealedKey, ...]:
    return tuple(sealed_key(key) for key in keys)


def test_both_signatures_hold_for_dkimpy_and_for_our_own_reading(seal: Seal, keys: list[DkimKey]) -> None:
    """RSA and Ed25519, each under its own selector."""
    raw = sign(_mail(), _sealed(keys), seal, AT)
    assert _by_dkimpy(raw, keys) == [True, True]
    assert _by_us(raw, keys) == ["pass", "pass"]


BODIES = st.lists(st.sampled_from([b"", b" ", b"\t x  y ", b".", b"--", b"a  b", b"From x", b"\xc3\xa9"]), max_size=12)


@settings(max_examples=60, deadline=None)
@given(lines=BODIES, subject=st.sampled_from([b"a", b" caf\xc3\xa9", b" a  b\t", b"x\r\n\ty\r\n z ", b""]))
def test_signature_holds_whatever_white_space_there_is(
    seal: Seal, keys: list[DkimKey], lines: list[bytes], subject: bytes
) -> None:
    """Folds, tabs, blanks and blank lines at the end."""
    raw = sign(
        _mail(b"\r\n".join([b"Hello", *lines, b""]), b"References:" + subject + b"\r\n"), _sealed(keys), seal, AT
    )
    assert _by_dkimpy(raw, keys) == [True, True]


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.replace(b"Hello", b"Hallo"),
        lambda raw: raw.replace(b"Subject: It", b"Subject: Is"),
        lambda raw: b"From: Spy <spy@evil.example>\r\n" + raw,
        lambda raw: b"Reply-To: spy@evil.example\r\n" + raw,
        lambda raw: b"Cc: spy@evil.example\r\n" + raw,
        lambda raw: b"Subject: Pay now\r\n" + raw,
    ],
)
def test_signature_breaks_when_something_is_changed_or_added(seal: Seal, keys: list[DkimKey], change) -> None:  # type: ignore[no-untyped-def]
    """From and its company are named once more than they stand there, so that none can be added."""
    raw = change(sign(_mail(), _sealed(keys[:1]), seal, AT))
    try:
        held = _by_dkimpy(raw, keys)
    except dkim.DKIMException:
        held = [False]
    assert held == [False]


def test_same_mail_gets_the_same_signatures(seal: Seal, keys: list[DkimKey]) -> None:
    """Signing is deterministic; lines stay short, and nothing of the mail itself is touched."""
    first, second = (sign(_mail(), _sealed(keys), seal, AT) for _ in range(2))
    assert first == second
    assert first.endswith(_mail())
    assert max(map(len, first.split(b"\r\n"))) <= 78


def test_key_that_does_not_open_is_told(tmp_path, keys: list[DkimKey]) -> None:  # type: ignore[no-untyped-def]
    """With another key file nothing is sent unsigned in silence."""
    other = Seal(tmp_path / "other.key")
    other.close("x", "y")
    with pytest.raises(BadConfiguration, match="dkim_key"):
        sign(_mail(), _sealed(keys), other, AT)


def _add_keys(desk: Desk, domain: str) -> list[DkimKey]:
    made = [make_key(desk.office.seal, domain, f"s-{algorithm}", algorithm) for algorithm in BOTH]
    desk.change(lambda session: [add_dkim_key(session, key) for key in made])
    with desk.database.reading() as session:
        return list(session.exec(select(DkimKey).order_by(DkimKey.id)))  # type: ignore[arg-type]


def _content(desk: Desk) -> bytes:
    with desk.database.reading() as session:
        return list(session.exec(select(Outgoing).order_by(Outgoing.id)))[-1].content  # type: ignore[arg-type]


def _answer_as(desk: Desk, address: str, **wishes: object) -> list[str]:
    def change(session) -> None:  # type: ignore[no-untyped-def]
        queue = session.get_one(Queue, desk.queue.number)
        queue.from_address = address
        session.add(queue)

    desk.change(change)
    return list(desk.reply(desk.ticket(), **wishes).lines)


def test_answer_is_signed_for_its_from_domain_or_the_one_above(both_desk: Desk) -> None:
    """The keys of company.example sign for help.company.example too, and not for another domain."""
    keys = _add_keys(both_desk, DOMAIN)
    for address in ("support@company.example", "support@help.company.example"):
        assert _answer_as(both_desk, address) == []
        assert _by_dkimpy(_content(both_desk), keys) == [True, True]
    _answer_as(both_desk, "support@mycompany.example")
    assert b"DKIM-Signature" not in _content(both_desk)


def test_opendkim_finds_both_signatures_good(desk: Desk, sink: Sink, tmp_path: Path) -> None:
    """What arrives is verified by a program that shares nothing with us, and not when a word is changed."""
    records = {key.record_name: key.record for key in _add_keys(desk, DOMAIN)}
    _answer_as(desk, "support@company.example", text="Turn it off. Caf\u00e9.\n\n.\n")
    with desk.relay():
        [arrived] = sink.wait_for(1)
    good = {"rsa-sha256": "pass", "ed25519-sha256": "pass"}
    assert verdicts(tmp_path, arrived.raw, records) == good
    changed = verdicts(tmp_path, arrived.raw.replace(b"Turn it off", b"Turn it on!"), records)
    assert changed == dict.fromkeys(good, "fail")


def test_first_answer_under_a_domain_without_a_key_says_what_to_do(desk: Desk) -> None:
    """It leaves, and one line names the command."""
    [line] = _answer_as(desk, "support@company.example")
    assert "gateway dkim new company.example" in line


def test_retired_key_signs_no_more_and_has_no_secret(desk: Desk) -> None:
    """The other key goes on."""
    rsa, edwards = _add_keys(desk, DOMAIN)
    desk.change(lambda session: retire_dkim_key(session, DOMAIN, rsa.selector))
    _answer_as(desk, "support@company.example")
    assert message_from_bytes(_content(desk)).get_all("DKIM-Signature")[0].count("a=ed25519-sha256") == 1
    assert _by_dkimpy(_content(desk), [edwards]) == [True]
    with desk.database.reading() as session:
        assert session.get_one(DkimKey, rsa.id).secret == ""


def test_channel_of_an_account_is_not_signed_by_us(desk: Desk, sink: Sink) -> None:
    """Its provider signs; a second opinion of ours helps nobody."""
    _add_keys(desk, DOMAIN)

    def answer_via(session) -> None:  # type: ignore[no-untyped-def]
        channel = Channel(name="Own", key="", kind=ChannelKind.SMTP, host="127.0.0.1", port=sink.port, security="none")
        channel.from_address = "support@company.example"
        queue = session.get_one(Queue, desk.queue.number)
        queue.answer_via = add_channel(session, channel).number
        session.add(queue)

    desk.change(answer_via)
    desk.reply(desk.ticket())
    assert b"DKIM-Signature" not in _content(desk)


def test_bytes_and_message_id_stay_the_same_over_all_attempts(make_desk: MakeDesk, sink: Sink) -> None:
    """A mail that was deferred arrives as it was signed."""
    desk = make_desk(sink, retry_seconds=[1])
    keys = _add_keys(desk, DOMAIN)
    sink.script.once(Step.DOT, "451 4.3.0 Later")
    _answer_as(desk, "support@company.example")
    before = _content(desk)
    with desk.relay():
        desk.wait_for(DeliveryState.SENT)
    [arrived] = sink.wait_for(1)
    assert arrived.raw == before
    assert _by_dkimpy(arrived.raw, keys) == [True, True]
