"""Header lines in a language that no table knows: what they hold tells which is which."""

import pytest

from gateway.reading.labels import Label
from gateway.reading.unknown_header import read_unknown_block

LINES = [
    "Sendanto: Ann <ann@client.example>",
    "Ricevanto: Help <help@company.example>",
    "Dato: Mon, 5 Jan 2026 10:00:00 +0000",
    "Temo: The printer smokes",
]


@pytest.mark.parametrize("copied", [None, "Kopie: Bob <bob@client.example>"])
def test_people_are_author_recipient_and_who_was_copied_in(copied: str | None) -> None:
    """The first two people are author and recipient; a third one, where there is one, was copied in."""
    lines = LINES if copied is None else [*LINES[:2], copied, *LINES[2:]]
    block = read_unknown_block([*lines, "", "It smokes."], 0)
    assert block.end == len(lines)
    assert "ann@client.example" in block.fields[Label.FROM]
    assert "help@company.example" in block.fields[Label.TO]
    assert block.fields[Label.SUBJECT] == "The printer smokes"
    assert (Label.CC in block.fields) == (copied is not None)
