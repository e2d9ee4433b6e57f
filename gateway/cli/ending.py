"""Run one command and end it well: one line on standard error, the right exit status, never a traceback.

The one place that turns errors into exit statuses: 0 done, 1 could not, 2 asked wrongly, sysexits where a
mail system reads the code (67, 75), 78 configuration.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import typer

from config.errors import AskedWrongly, GatewayError
from gateway.cli.desk import Asked
from gateway.cli.printing import complain, say

INTERRUPTED = 130
TRACEBACK_VARIABLE = "GATEWAY_TEST_TRACEBACK"
_WITH_VALUE = ("--config", "--as")
_FLAGS = ("--traceback", "--version")


def run(words: Sequence[str]) -> int:
    """Run the command of these words; returns the exit status."""
    try:
        found, rest = take_globals(words)
        status = _show_version() if "--version" in found else _run(found, rest)
        sys.stdout.flush()
    except BrokenPipeError:
        return _reader_has_gone()
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the outermost edge: no traceback ever reaches a user
        return _failed(error, words)
    return status


def take_globals(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The options that are good anywhere, and the words without them; what follows `--` is left as it is."""
    found: dict[str, str] = {}
    rest: list[str] = []
    left = list(words)
    while left and left[0] != "--":
        name, equals, value = left.pop(0).partition("=")
        if name in _WITH_VALUE:
            if not equals and not left:
                raise AskedWrongly(f"{name} needs a value")
            found[name] = value if equals else left.pop(0)
        elif name in _FLAGS and not equals:
            found[name] = ""
        else:
            rest.append(name + equals + value)
    return found, rest + left


def _run(found: dict[str, str], words: Sequence[str]) -> int:
    from gateway.cli.app import app

    # Text of mails goes out in any encoding, with what it lacks escaped.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    agent = found.get("--as") or os.environ.get("GATEWAY_AGENT")
    asked = Asked(Path(found["--config"]) if "--config" in found else None, agent or None)
    # Not standalone: typer would draw a box around each error and end the process.
    result = app.main(args=list(words), prog_name="gateway", standalone_mode=False, obj=asked)
    return result if isinstance(result, int) else 0


def _show_version() -> int:
    from importlib.metadata import version

    say(version("mail-ticket-gateway"))
    return 0


def _failed(error: Exception, words: Sequence[str]) -> int:
    if "--traceback" in words or os.environ.get(TRACEBACK_VARIABLE):
        traceback.print_exception(error)
    if isinstance(error, GatewayError):
        complain(f"gateway: {error}")
        return error.exit_status
    if isinstance(error, typer.TyperException):
        return _asked_wrongly(error)
    if isinstance(error, typer.Abort):
        return INTERRUPTED
    said = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    complain(f"gateway: this should not have happened: {said} (run it again with --traceback to see where)")
    return 1


def _asked_wrongly(error: typer.TyperException) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":  # its message is the help
        sys.stdout.write(error.format_message() + "\n")
        return error.exit_code
    context = getattr(error, "ctx", None)
    said = " ".join(error.format_message().split()).rstrip(".")
    complain(f"gateway: {said}" + (f". See `{context.command_path} --help`" if context else ""))
    return error.exit_code


def _reader_has_gone() -> int:
    # What stands in the buffer has no reader: the interpreter would complain when it flushes at exit.
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - it lives until the process ends
    return 1
