"""The reference of the settings, in Markdown, from the settings themselves: see `gateway.cli.manual`."""

import json
from collections.abc import Iterator
from pathlib import PurePath
from typing import get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from config.settings import Settings


def settings_page() -> str:
    """Every setting with its default and its reason, table by table of the file."""
    return "\n".join(_table("", Settings, "At the top of the file", ""))


def _table(path: str, model: type[BaseModel], title: str, what: str) -> Iterator[str]:
    below = {name: found for name, field in model.model_fields.items() if (found := _model_of(field))}
    yield f"## {title}\n"
    if what:
        yield f"{what}\n"
    yield "| key | default | what it is |\n| --- | --- | --- |"
    for name, field in model.model_fields.items():
        if name not in below:
            yield f"| `{name}` | {_shown(field)} | {_escaped(field.description or '')} |"
    yield ""
    for name, (inner, is_list) in below.items():
        whole = f"{path}.{name}" if path else name
        head = f"`[[{whole}]]`" if is_list else f"`[{whole}]`"
        about = (inner.__doc__ or "").partition("\n")[0] + (" There may be several." if is_list else "")
        yield from _table(whole, inner, head, about)


def _model_of(field: FieldInfo) -> tuple[type[BaseModel], bool] | None:
    """The table that a key holds, and whether it holds a list of them."""
    for kind, is_list in ((field.annotation, False), *((inner, True) for inner in get_args(field.annotation))):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind, is_list
    return None


def _shown(field: FieldInfo) -> str:
    """The default as it is written in the file."""
    if field.is_required():
        return "must be given"
    value = field.get_default(call_default_factory=True)
    if value is None or value in ("", ()) or isinstance(value, SecretStr):
        return "empty"
    return f"`{json.dumps(value, default=_plain)}`"


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_defaults=True)
    return value.as_posix() if isinstance(value, PurePath) else str(value)


def _escaped(text: str) -> str:
    return text.replace("|", r"\|").replace("*", r"\*").replace("<", "&lt;")
