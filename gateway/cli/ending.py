"""Run one command and end it well: one line on standard error, the right exit status, never a traceback.

The one place that turns errors into exit statuses: 0 done, 1 could not, 2 asked wrongly, sysexits where a
mail system reads the code (67, 75), 78 configuration.
"""

import os
import sys
import traceback
from collections.abc import Sequence

import typer

from config.errors import GatewayError
from gateway.cli.printing import complain

INTERRUPTED = 130
TRACEBACK_VARIABLE = "GATEWAY_TEST_TRACEBACK"
# Options that are good anywhere on the line; typer itself knows them before the noun only.
_GLOBAL = ("--config", "--as")
_TRACEBACK = "--traceback"


def run(words: Sequence[str]) -> int:
    """Run the command of these words; returns the exit status."""
    words = globals_first(words)
    try:
        status = _run(words)
        sys.stdout.flush()
    except BrokenPipeError:
        return _reader_has_gone()
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the outermost edge: no traceback ever reaches a user
        return _failed(error, words)
    return status


def _run(words: Sequence[str]) -> int:
    from gateway.cli.app import app

    # Text of mails goes out in any encoding, with what it lacks escaped.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    # Not standalone: typer would draw a box around each error and end the process.
    result = typer.main.get_command(app).main(args=list(words), prog_name="gateway", standalone_mode=False)
    return result if isinstance(result, int) else 0


def globals_first(words: Sequence[str]) -> list[str]:
    """The words with --config, --as and --traceback moved before the noun, where typer looks for them."""
    front: list[str] = []
    rest: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":
            return [*front, *rest, word, *left]
        if word in _GLOBAL and left:
            front += [word, left.pop(0)]
        elif word == _TRACEBACK or word.startswith(tuple(f"{name}=" for name in _GLOBAL)):
            front.append(word)
        else:
            rest.append(word)
    return front + rest


def _failed(error: Exception, words: Sequence[str]) -> int:
    if _TRACEBACK in words or os.environ.get(TRACEBACK_VARIABLE):
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
