"""The mail log: one line per event, whatever stands in a mail."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

HOSTILE = 'a\n{"event": "accepted", "id": "forged"}\r\x1b[2J\x9b31m\x00\u2028\u2029\u202e\u2066\x7f\x85\udcffz'

# The logger is configured once in a process, as in the gateway.
SCRIPT = """
import sys
from config import maillog
from config.settings import LogSettings

format, level, hostile = sys.argv[1], sys.argv[2], sys.argv[3].encode().decode("unicode_escape")
maillog.start_logging(LogSettings(format=format, level=level), "intake")
maillog.started(facts=[hostile])
maillog.accepted("id1", recipient=hostile, size=7, peer=hostile)
maillog.refused(peer=hostile, reply=hostile)
maillog.filed("id1", ticket=3, kind=hostile, by=hostile)
maillog.settled("id1", fate="held", reason=hostile)
maillog.queued("id2", ticket=None, kind="reply", recipient=hostile)
maillog.delivery("id2", state="sent", recipient="a@x", server="mx", reply=hostile)
maillog.delivery("id2", state="bounced", recipient="a@x", server="mx", reply=hostile)
maillog.trouble(hostile, reason="x" * 10_000)
maillog.stopped()
if len(sys.argv) > 4:
    try:
        raise ValueError(hostile)
    except ValueError as error:
        maillog.crashed("filing", id="id1", error=error)
"""
EVENTS = ["started", "accepted", "refused", "filed", "held", "queued", "sent", "bounced", "trouble", "stopped"]


@cache
def logged(form: str, level: str = "info", *, crash: bool = False) -> str:
    """What a process that logs every kind of event writes, decoded as strictly as a log collector does it."""
    hostile = HOSTILE.encode("unicode_escape").decode()
    finished = subprocess.run(
        [sys.executable, "-c", SCRIPT, form, level, hostile, *(["crash"] if crash else [])],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
    )
    assert finished.stdout == b""
    return finished.stderr.decode()


def controls(text: str) -> set[str]:
    """Characters that a terminal or a log reader would obey, line ends apart."""
    return {sign for sign in text if sign != "\n" and (not sign.isprintable() or sign in "\u2028\u2029\u202e\u2066")}


def test_json_has_one_line_per_event() -> None:
    """Each event is one JSON object on one line, with level, time, part and facts, and none is forged."""
    lines = logged("json").splitlines()
    events = [json.loads(line) for line in lines]
    assert [event["event"] for event in events[:8]] == EVENTS[:8]
    assert events[-1]["event"] == "stopped"
    assert len(events) == len(EVENTS)
    assert {event["part"] for event in events} == {"intake"}
    assert all(event["timestamp"].endswith("Z") for event in events)
    assert (events[1]["id"], events[1]["size"], events[3]["ticket"]) == ("id1", 7, 3)
    assert [event["level"] for event in events[6:9]] == ["info", "warning", "error"]


@pytest.mark.parametrize("form", ["json", "console"])
def test_control_characters_are_escaped(form: str) -> None:
    """No line of the log holds a character that moves a cursor, turns a direction or ends a line."""
    text = logged(form)
    assert controls(text) == set()
    assert len(text.splitlines()) == len(text.split("\n")) - 1 == len(EVENTS)


def test_escaped_characters_can_be_read() -> None:
    """What was escaped can still be told: an ESC stands as \\x1b."""
    recipient = json.loads(logged("json").splitlines()[1])["recipient"]
    assert recipient.startswith('a\\x0a{"event": "accepted"')
    assert "\\x1b[2J" in recipient
    assert recipient.endswith("\\x85\\xdcffz")


def test_long_values_are_cut() -> None:
    """A value of ten thousand characters does not fill the log."""
    assert max(len(line) for line in logged("console").splitlines()) < 1500


def test_level_leaves_out_what_is_below_it() -> None:
    """With level `warning` the log tells of trouble only."""
    events = [json.loads(line)["event"] for line in logged("json", "warning").splitlines()]
    assert events[0] == "bounced"
    assert len(events) == 2


def test_crash_is_one_line_of_json() -> None:
    """A traceback stands inside its event."""
    lines = logged("json", crash=True).splitlines()
    assert len(lines) == len(EVENTS) + 1
    crash = json.loads(lines[-1])
    assert (crash["event"], crash["what"], crash["id"]) == ("crashed", "filing", "id1")
    assert "ValueError" in crash["exception"]


def test_crash_on_the_console_forges_no_event() -> None:
    """Every line of a traceback is set in, and the control characters of its message are escaped."""
    text = logged("console", crash=True)
    assert controls(text) == set()
    behind = text.splitlines()[len(EVENTS) + 1 :]
    assert len(behind) > 3
    assert all(line.startswith("    ") for line in behind)
