"""SPF against the test suite of RFC 7208, which lies in the source package of pyspf and is not copied here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from peers.jail import UNPACKED
from peers.need import missing

from gateway.reading.answers import NOTHING, TROUBLE, Answer, Answers, Question
from gateway.reading.sender_policy import SenderPolicy, check_sender

SUITE = UNPACKED / "rfc7208-tests.yml"
MAX_ALIASES = 9
Records = dict[str, list[str]]


def scenarios() -> Iterator[tuple[str, dict[str, Any], dict[str, Records]]]:
    """Each test of the suite with its name and its zone."""
    import yaml  # only this test wants it

    for part in filter(None, yaml.safe_load_all(SUITE.read_text("utf-8"))):
        zone = {str(name).lower(): records_of(said) for name, said in (part.get("zonedata") or {}).items()}
        for name, test in part["tests"].items():
            yield f"{part['description']}: {name}", test, zone


def records_of(said: list[Any]) -> Records:
    """Records by type. Without TXT those of the old type SPF stand for it; NONE is no record, TIMEOUT silence."""
    records: Records = {}
    for one in said:
        (type_, value), *_ = one.items() if isinstance(one, dict) else [("*", "TIMEOUT")]
        if type_ == "MX":
            value = f"{value[0]} {value[1]}"
        records.setdefault(type_, []).append("".join(value) if isinstance(value, list) else value)
    if "TXT" not in records and "SPF" in records:
        records["TXT"] = records["SPF"]
    return {type_: values for type_, values in records.items() if values != ["NONE"]}


def lookup(zone: dict[str, Records], name: str, type_: str) -> Answer:
    """What DNS says where the zone is all of it."""
    for _ in range(MAX_ALIASES):
        records = zone.get(name.lower().rstrip("."), {})
        values = records.get(type_, [])
        if "TIMEOUT" in values or ("*" in records and type_ not in records):
            return TROUBLE
        if values or "CNAME" not in records:
            return Answer(tuple(value.encode().decode("latin-1") for value in values)) if values else NOTHING
        name = records["CNAME"][0]
    return NOTHING


def check(test: dict[str, Any], zone: dict[str, Records]) -> SenderPolicy:
    """Ask until nothing is open."""
    known: dict[Question, Answer] = {}
    for _ in range(60):
        answers = Answers(known)
        policy = check_sender(str(test["host"]), test["helo"], test.get("mailfrom") or "", answers)
        if not answers.missing:
            break
        known |= {question: lookup(zone, question.name, question.type) for question in answers.missing}
    return policy


def test_result_is_that_of_the_suite_when_rfc_7208_is_tested() -> None:
    """Each of its two hundred cases ends in a word that the suite allows."""
    if not SUITE.exists():
        missing(f"{SUITE} is not here: it is test/rfc7208-tests.yml of pyspf's source package; .ci/run fetches it")
    asked = list(scenarios())
    wrong = {
        name: (test["result"], policy.result)
        for name, test, zone in asked
        if (policy := check(test, zone)).result not in test["result"]
    }
    assert len(asked) > 200
    assert wrong == {}


@pytest.mark.parametrize(
    ("peer", "helo", "path"),
    [("", "mx.example.org", "a@b.example"), ("192.0.2.1", "mx", ""), ("192.0.2.1", "[192.0.2.1]", "")],
)
def test_nothing_is_asked_when_nobody_is_named(peer: str, helo: str, path: str) -> None:
    """Without an address or a domain there is nothing to ask."""
    answers = Answers({})
    assert check_sender(peer, helo, path, answers).result == "none"
    assert not answers.missing


def test_error_is_permanent_when_the_envelope_is_nonsense() -> None:
    """Whatever the library makes of it, the mail goes on."""
    assert check_sender("no address", "mx.example.org", "a@b.example", Answers({})).result == "permerror"
