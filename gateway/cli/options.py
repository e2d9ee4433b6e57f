"""Options that commands share, and options that two commands take as one dataclass.

    @dataclass(frozen=True, slots=True)
    class Policies:
        color: Annotated[str | None, typer.Option(help="...")] = None

    @taking(Policies)
    def new(ctx: typer.Context, name: str, policies: Policies) -> None: ...

typer reads the parameters of a function; `taking` shows it the fields of the dataclass in place of the one
parameter, so that `new` and `set` cannot drift apart.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, TypeVar, get_type_hints
from zoneinfo import ZoneInfo

import typer

from config.clock import now
from config.errors import AskedWrongly

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="At most so many. Default: 100, with --json all.")]
# What fits a screen or two; programs that ask for JSON get everything.
SCREEN_ROWS = 100
ALL_ROWS = 10_000_000

_FROM_NOW = re.compile(r"(\d{1,4})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

Word = TypeVar("Word", bound=StrEnum)
Command = Callable[..., None]


def limit_of(limit: int | None, as_json: bool) -> int:
    """How many rows to print."""
    return limit or (ALL_ROWS if as_json else SCREEN_ROWS)


def word_of(words: type[Word], text: str, option: str) -> Word:
    """The member of an enum that somebody wrote. Raises AskedWrongly with the choice."""
    try:
        return words(text.strip().lower())
    except ValueError:
        raise AskedWrongly(f"{option}: {text!r} is none of {', '.join(words)}") from None


def moment_of(text: str, zone: str) -> datetime:
    """A moment that somebody wrote: a time from now (30m, 2h, 3d, 2w) or a date in his zone. Raises AskedWrongly."""
    found = _FROM_NOW.fullmatch(text.strip().lower())
    if found:
        return now() + timedelta(**{_UNITS[found[2]]: int(found[1])})
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except ValueError:
        raise AskedWrongly(f"{text!r} is no time: write 30m, 2h, 3d, 2w, 2026-03-01 or '2026-03-01 14:00'") from None


def taking(*groups: type) -> Callable[[Command], Command]:
    """Let a command take the fields of dataclasses as options; each is handed over as one value."""

    def decorate(command: Command) -> Command:
        hints = get_type_hints(command, include_extras=True)
        own = inspect.signature(command).parameters
        whole = [name for name in own if hints[name] in groups]

        def called(**given: object) -> None:
            values = {name: _built(hints[name], given) for name in whole}
            command(**{name: given[name] for name in own if name not in values}, **values)

        parameters = [own[name].replace(kind=_KEYWORD, annotation=hints[name]) for name in own if name not in whole]
        parameters += [parameter for name in whole for parameter in _parameters(hints[name])]
        called.__name__, called.__doc__ = command.__name__, command.__doc__
        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # functions may have one
        called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return called

    return decorate


_KEYWORD = inspect.Parameter.KEYWORD_ONLY


def _parameters(group: type) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(field.name, _KEYWORD, default=field.default, annotation=hints[field.name])
        for field in fields(group)
    ]


def _built(group: type, given: Mapping[str, object]) -> object:
    return group(**{field.name: given[field.name] for field in fields(group)})
