"""The scenario table, forged threading: every place for a mark, in whose hand, valid or not."""

from collections.abc import Callable

import pytest
from journeys.scene import Scene

from outbound.marks import Mark

Place = Callable[[Scene, Mark], dict[str, str]]
PLACES: dict[str, Place] = {
    "reply address in To": lambda s, m: {"headers": f"X-Envelope-To: {s.house.office.marks.reply_address(m)}\n"},
    "In-Reply-To": lambda s, m: {"headers": f"In-Reply-To: {s.house.office.marks.message_id(m)}\n"},
    "References": lambda s, m: {"headers": f"References: <x@y> {s.house.office.marks.message_id(m)}\n"},
    "text": lambda s, m: {"text": f"> {s.house.office.marks.body_mark(m)}"},
}


def altered(words: dict[str, str], place: str) -> dict[str, str]:
    """The same with one character of the token changed."""
    key = "text" if place == "text" else "headers"
    at = words[key].rindex("@") - 3 if "@in.desk" in words[key] else len(words[key]) - 3
    other = "b" if words[key][at] == "a" else "a"
    return {key: words[key][:at] + other + words[key][at + 1 :]}


@pytest.mark.parametrize("token", ["valid", "altered", "of another ticket"])
@pytest.mark.parametrize("who", ["participant", "stranger"])
@pytest.mark.parametrize("place", PLACES)
def test_t21_forged_threading(scene: Scene, place: str, who: str, token: str) -> None:
    """Valid and his own: it joins. Valid in other hands: unverified. Altered: as if it were not there."""
    number = scene.first()
    of_stranger = scene.ticket("mine", author=f"other{scene.number}@third.example", subject="Other").id
    mark = scene.house.mark(of_stranger if token == "of another ticket" else number)
    words = PLACES[place](scene, mark)
    if token == "altered":
        words = altered(words, place)
    author = scene.customer if who == "participant" else scene.stranger
    found = scene.ticket(subject="hm", author=author, **words).id
    if token == "altered":
        assert found not in (number, of_stranger)
        return
    assert found == mark.ticket_id
    is_his = who == "participant" and token == "valid"
    assert scene.flags(found) == ([] if is_his else ["unverified"])
    assert scene.house.ticket(number).customer_address == scene.customer


@pytest.mark.parametrize("evidence", ["In-Reply-To: {a}\n", "References: {a}\n", "tag"])
def test_t21_unsigned_evidence_of_a_stranger_only_links(scene: Scene, evidence: str) -> None:
    """A stored id or the number of a ticket, which anybody may know."""
    number = scene.first()
    subject = f"[#{number}]" if evidence == "tag" else "hm"
    other = scene.ticket("hi", author=scene.stranger, subject=subject, headers=evidence if evidence != "tag" else "")
    assert scene.house.links(other.id) == [(number, "related")]
