"""Whole mails, as clients and servers send them to the byte, each with what should be read in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.reading.parse import read_mail
from gateway.reading.show import as_json

SAMPLES = Path(__file__).parents[2] / "samples"
EXPECTED = [
    pytest.param(SAMPLES / folder / f"{name}.eml", values, id=f"{folder}-{name}")
    for folder in ("replies", "forwards", "kinds", "bounces")
    for name, values in json.loads((SAMPLES / folder / "expected.json").read_text("utf-8")).items()
]


def value_at(read: object, path: str) -> object:
    """What stands at `report.recipients.0.address` in the JSON; None where nothing does."""
    for key in path.split("."):
        if isinstance(read, list):
            read = read[int(key)] if int(key) < len(read) else None
        else:
            read = read.get(key) if isinstance(read, dict) else None
    return read


@pytest.mark.parametrize(("sample", "expected"), EXPECTED)
def test_what_is_expected_is_read_when_a_client_or_server_sent_the_mail(
    sample: Path, expected: dict[str, object]
) -> None:
    """Each value named in `expected.json` is found at its place in the JSON of `mail read`."""
    read = as_json(read_mail(sample.read_bytes()))
    assert {path: value_at(read, path) for path in expected} == expected


def test_every_sample_has_an_expectation_when_it_lies_in_a_folder_of_samples() -> None:
    """A sample that nobody asks anything of would prove nothing."""
    asked = {one.values[0] for one in EXPECTED}
    assert {
        path for folder in {one.parent for one in asked if isinstance(one, Path)} for path in folder.glob("*.eml")
    } == asked
