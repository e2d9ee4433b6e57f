"""The mail log: the life of a mail, one structured line per event, with one id from socket to customer.

Never a body, never a secret. Values from mail are escaped by the renderers, one event is one line.
"""

import json
import logging
import re
import sys
import time
from typing import Any, TextIO, cast

import msgspec
import structlog

from config.settings import LogSettings

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MAX_VALUE = 300

_log: Any = structlog.get_logger()
# A command that was not told to keep a log shows trouble only; what it did, it prints itself.
structlog.configure(
    wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
    logger_factory=structlog.PrintLoggerFactory(sys.stderr),
)


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return value if value.isprintable() and len(value) <= _MAX_VALUE else _escaped(value[:_MAX_VALUE])
    return [_cleaned(one) for one in value] if isinstance(value, list | tuple) else value


def _escaped(text: str) -> str:
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def start_logging(settings: LogSettings, part: str) -> None:
    """Send the mail log of this process to standard error, with the name of the part that speaks."""
    # A part is forked from a process that has logged already: what structlog cached there would go on speaking.
    vars(_log).pop("bind", None)
    structlog.configure(
        processors=[structlog.processors.format_exc_info, _Head(part), _renderer(settings)],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[settings.level]),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _Patient(sys.stderr))),
        cache_logger_on_first_use=True,
    )


class _Head:
    """Part, level and time, and values made safe, in one step: each processor more costs every line of the log."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._second = 0
        self._second_text = ""

    def __call__(self, _logger: Any, level: str, event: Any) -> Any:
        exception = event.pop("exception", None)
        for key, value in event.items():
            if not isinstance(value, int):
                event[key] = _cleaned(value)
        if exception is not None:
            # The text of an exception may quote a mail: set in, none of its lines looks like an event.
            event["exception"] = "\n".join(f"    {_escaped(line)}" for line in exception.split("\n"))
        event["part"] = self._part
        event["level"] = level
        event["timestamp"] = self._now()
        return event

    def _now(self) -> str:
        second, micros = divmod(time.time_ns() // 1000, 1_000_000)
        if second != self._second:
            self._second, self._second_text = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._second_text}.{micros:06}Z"


class _Patient:
    """Standard error that may be full or gone: mail goes on without its log."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write, or lose the line."""
        try:  # noqa: SIM105 - for each mail: `suppress` costs as much as the line
            self._stream.write(text)
        except (OSError, ValueError):
            pass

    def flush(self) -> None:
        """Nothing: standard error ends each line by itself."""


def _renderer(settings: LogSettings) -> Any:
    if settings.format == "json":
        return structlog.processors.JSONRenderer(serializer=_json)
    if sys.stderr.isatty():
        return structlog.dev.ConsoleRenderer(colors=True, pad_event_to=12)
    return _plain


def _json(event: Any, **_: Any) -> str:
    # Half of what a line costs is the encoder of the standard library; it alone escapes all that could end a line.
    line = msgspec.json.encode(event, enc_hook=repr).decode()
    return line if line.isascii() and "\x7f" not in line else json.dumps(event, default=repr).replace("\x7f", "\\u007f")


def _plain(_logger: Any, _name: str, event: Any) -> str:
    """As structlog's console without colours, at a tenth of its cost."""
    exception = event.pop("exception", "")
    head = f"{event.pop('timestamp', '')} [{event.pop('level', ''):<8}] {event.pop('event', ''):<12}"
    facts = " ".join([f"{key}={_shown(event[key])}" for key in sorted(event)])
    return f"{head} {facts}\n{exception}" if exception else f"{head} {facts}"


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return repr(text) if not text or " " in text or "=" in text else text


def started(**facts: Any) -> None:
    """A part is ready."""
    _log.info("started", **facts)


def stopped(**facts: Any) -> None:
    """A part has ended in order."""
    _log.info("stopped", **facts)


def accepted(id: str, *, recipient: str, size: int, peer: str) -> None:  # noqa: A002 - the log's word
    """A mail is committed and was answered 250."""
    _log.info("accepted", id=id, recipient=recipient, size=size, peer=peer)


def refused(*, peer: str, reply: str, recipient: str = "") -> None:
    """A peer heard a 4xx or 5xx."""
    _log.info("refused", peer=peer, reply=reply, recipient=recipient)


def filed(id: str, *, ticket: int, kind: str, by: str) -> None:  # noqa: A002 - the log's word
    """A mail stands in a ticket; `by` is the evidence that chose it."""
    _log.info("filed", id=id, ticket=ticket, kind=kind, by=by)


def settled(id: str, *, fate: str, reason: str) -> None:  # noqa: A002 - the log's word
    """A mail has another fate than a ticket: ignored, held, duplicate, loop, report, setup or quarantined."""
    _log.info(fate, id=id, reason=reason)


def released(id: str, *, why: str) -> None:  # noqa: A002 - the log's word
    """A held mail goes on without a person's word."""
    _log.info("released", id=id, reason=why)


def queued(id: str, *, ticket: int | None, kind: str, recipient: str) -> None:  # noqa: A002 - the log's word
    """A mail of ours waits in the outbox."""
    _log.info("queued", id=id, ticket=ticket, kind=kind, recipient=recipient)


def delivery(id: str, *, state: str, recipient: str, server: str, reply: str) -> None:  # noqa: A002 - the log's word
    """What became of one recipient of a mail of ours: sent, deferred, bounced, uncertain, expired or blocked."""
    log = _log.info if state == "sent" else _log.warning
    log(state, id=id, recipient=recipient, server=server, reply=reply)


def trouble(what: str, **facts: Any) -> None:
    """Something of ours does not work; mail waits because of it."""
    _log.error("trouble", what=what, **facts)


def crashed(what: str, *, id: str = "", error: BaseException) -> None:  # noqa: A002 - the log's word
    """An error that nobody expected, with its traceback."""
    _log.error("crashed", what=what, id=id, exc_info=error)
