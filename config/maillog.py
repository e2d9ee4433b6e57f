"""The mail log: the life of a mail, one structured line per event, with one id from socket to customer.

Never a body, never a secret. Values from mail are escaped by the renderers, one event is one line.
"""

import json
import re
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

import msgspec

from config.settings import LogSettings

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MAX_VALUE = 300
# What stands in a line as it is; nearly every value is such.
_BARE = re.compile(r"[!-<>-~]{1,300}")

_Event = dict[str, Any]


class _Log:
    """Which events of this process are written to standard error, and how; each is one write."""

    def __init__(self, part: str, least: str, render: Callable[[_Event], str]) -> None:
        self._part = part
        self._least = _LEVELS[least]
        self._render = render
        self._second = 0
        self._second_text = ""

    def write(self, level: str, event: str, facts: _Event, error: BaseException | None = None) -> None:
        """Say what happened. Standard error may be full or gone: mail goes on without its log."""
        if _LEVELS[level] < self._least:
            return
        facts["event"], facts["level"], facts["timestamp"] = event, level, self._now()
        if self._part:
            facts["part"] = self._part
        if error is not None:
            facts["exception"] = _traceback(error)
        line = self._render(facts)
        try:  # noqa: SIM105 - for each mail: `suppress` costs as much as the write
            sys.stderr.write(f"{line}\n")
        except (OSError, ValueError, AttributeError):
            pass

    def _now(self) -> str:
        second, micros = divmod(time.time_ns() // 1000, 1_000_000)
        if second != self._second:
            self._second, self._second_text = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._second_text}.{micros:06}Z"


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return value if value.isprintable() and len(value) <= _MAX_VALUE else _escaped(value[:_MAX_VALUE])
    return [_cleaned(one) for one in value] if isinstance(value, list | tuple) else value


def _escaped(text: str) -> str:
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def _traceback(error: BaseException) -> str:
    # The text of an exception may quote a mail: set in, none of its lines looks like an event.
    lines = "".join(traceback.format_exception(error)).rstrip("\n").split("\n")
    return "\n".join(f"    {_escaped(line)}" for line in lines)


def _safe(event: _Event) -> _Event:
    return {key: value if key == "exception" else _cleaned(value) for key, value in event.items()}


def _json(event: _Event) -> str:
    event = _safe(event)
    # Half of what a line costs is the encoder of the standard library; it alone escapes all that could end a line.
    line = msgspec.json.encode(event, enc_hook=repr).decode()
    return line if line.isascii() and "\x7f" not in line else json.dumps(event, default=repr).replace("\x7f", "\\u007f")


def _plain(event: _Event) -> str:
    """As structlog's console without colours, at a tenth of its cost."""
    exception = event.pop("exception", "")
    head = f"{event.pop('timestamp')} [{event.pop('level'):<8}] {event.pop('event'):<12}"
    facts = " ".join([f"{key}={_shown(event[key])}" for key in sorted(event)])
    return f"{head} {facts}\n{exception}" if exception else f"{head} {facts}"


def _shown(value: object) -> str:
    if type(value) is str and _BARE.fullmatch(value):
        return value
    value = _cleaned(value)
    text = value if isinstance(value, str) else repr(value)
    return repr(text) if not text or " " in text or "=" in text else text


def _renderer(settings: LogSettings) -> Callable[[_Event], str]:
    if settings.format == "json":
        return _json
    return _in_colour() if sys.stderr.isatty() else _plain


def _in_colour() -> Callable[[_Event], str]:
    from structlog.dev import ConsoleRenderer  # slow, and few look

    draw = ConsoleRenderer(colors=True, pad_event_to=12)
    return lambda event: str(draw(None, "", _safe(event)))


# A command that was not told to keep a log shows trouble only; what it did, it prints itself.
_log = _Log("", "error", _plain)


def start_logging(settings: LogSettings, part: str) -> None:
    """Send the mail log of this process to standard error, with the name of the part that speaks."""
    global _log  # noqa: PLW0603 - one log a process
    _log = _Log(part, settings.level, _renderer(settings))


def started(**facts: Any) -> None:
    """A part is ready."""
    _log.write("info", "started", facts)


def stopped(**facts: Any) -> None:
    """A part has ended in order."""
    _log.write("info", "stopped", facts)


def accepted(id: str, *, recipient: str, size: int, peer: str) -> None:  # noqa: A002 - the log's word
    """A mail is committed and was answered 250."""
    _log.write("info", "accepted", {"id": id, "recipient": recipient, "size": size, "peer": peer})


def refused(*, peer: str, reply: str, recipient: str = "") -> None:
    """A peer heard a 4xx or 5xx."""
    _log.write("info", "refused", {"peer": peer, "reply": reply, "recipient": recipient})


def filed(id: str, *, ticket: int, kind: str, by: str) -> None:  # noqa: A002 - the log's word
    """A mail stands in a ticket; `by` is the evidence that chose it."""
    _log.write("info", "filed", {"id": id, "ticket": ticket, "kind": kind, "by": by})


def settled(id: str, *, fate: str, reason: str) -> None:  # noqa: A002 - the log's word
    """A mail has another fate than a ticket: ignored, held, duplicate, loop, report, setup or quarantined."""
    _log.write("info", fate, {"id": id, "reason": reason})


def released(id: str, *, why: str) -> None:  # noqa: A002 - the log's word
    """A held mail goes on without a person's word."""
    _log.write("info", "released", {"id": id, "reason": why})


def queued(id: str, *, ticket: int | None, kind: str, recipient: str) -> None:  # noqa: A002 - the log's word
    """A mail of ours waits in the outbox."""
    _log.write("info", "queued", {"id": id, "ticket": ticket, "kind": kind, "recipient": recipient})


def delivery(id: str, *, state: str, recipient: str, server: str, reply: str) -> None:  # noqa: A002 - the log's word
    """What became of one recipient of a mail of ours: sent, deferred, bounced, uncertain, expired or blocked."""
    facts = {"id": id, "recipient": recipient, "server": server, "reply": reply}
    _log.write("info" if state == "sent" else "warning", state, facts)


def trouble(what: str, **facts: Any) -> None:
    """Something of ours does not work; mail waits because of it."""
    _log.write("error", "trouble", {"what": what, **facts})


def crashed(what: str, *, id: str = "", error: BaseException) -> None:  # noqa: A002 - the log's word
    """An error that nobody expected, with its traceback."""
    _log.write("error", "crashed", {"what": what, "id": id}, error)
