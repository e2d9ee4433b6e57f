"""Find gateway.toml, read it, lay the environment over it, and say precisely what is wrong.

pydantic-settings does the same but names neither file nor key in its errors and costs a
quarter of a second at each command.
"""

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.errors import BadConfiguration
from config.settings import Settings

SYSTEM_FILE = Path("/etc/gateway/gateway.toml")
# These steer a command or a test; they are no settings.
_NOT_SETTINGS = ("GATEWAY_CONFIG", "GATEWAY_AGENT", "GATEWAY_CLOCK_OFFSET", "GATEWAY_CI")
_RESERVED_PREFIX = "GATEWAY_TEST_"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings and where they came from."""

    settings: Settings
    path: Path


def find_file(named: Path | None = None) -> Path:
    """The settings file: --config, $GATEWAY_CONFIG, ./gateway.toml, /etc/gateway/gateway.toml."""
    asked = named or (Path(os.environ["GATEWAY_CONFIG"]) if os.environ.get("GATEWAY_CONFIG") else None)
    if asked is not None:
        if not asked.is_file():
            raise BadConfiguration(f"{asked}: no such file")
        return asked
    for path in (Path("gateway.toml"), SYSTEM_FILE):
        if path.is_file():
            return path
    raise BadConfiguration(f"No gateway.toml here and no {SYSTEM_FILE}: run `gateway init`, or name one with --config")


def load(named: Path | None = None) -> Loaded:
    """Read and check the settings. Raises BadConfiguration with file, key and what to do."""
    path = find_file(named)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadConfiguration(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{path}: not valid TOML: {error}") from error
    origins = _overlay(data, os.environ)
    try:
        settings = Settings.model_validate(data, context={"folder": path.resolve().parent})
    except ValidationError as error:
        raise BadConfiguration(_explain(error, path, origins)) from error
    return Loaded(settings, path)


def _overlay(data: dict[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """Lay GATEWAY_DATABASE__URL and the like over the file. Returns key -> name of its variable."""
    origins: dict[str, str] = {}
    for name, value in environ.items():
        if not name.startswith("GATEWAY_") or name in _NOT_SETTINGS or name.startswith(_RESERVED_PREFIX):
            continue
        keys = name.removeprefix("GATEWAY_").lower().split("__")
        part = data
        for key in keys[:-1]:
            part = part.setdefault(key, {})
            if not isinstance(part, dict):
                raise BadConfiguration(f"${name}: {key} is no section")
        part[keys[-1]] = _value(value)
        origins[".".join(keys)] = name
    return origins


def _value(text: str) -> object:
    """Lists and tables are written as JSON; all else is text that pydantic turns into what it should be."""
    if text[:1] not in ("[", "{"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text  # pydantic says what is wrong with it


def _explain(error: ValidationError, path: Path, origins: Mapping[str, str]) -> str:
    lines = []
    for found in error.errors(include_url=False, include_input=False):
        origin = _origin(found["loc"], path, origins)
        lines.append(f"{origin}: {_plain(found['type'], found['msg'], found['loc'])}")
    return "; ".join(lines)


def _origin(location: tuple[int | str, ...], path: Path, origins: Mapping[str, str]) -> str:
    """Where a value was written: the variable that holds it or the list around it, else the file and the key."""
    parts = [str(part) for part in location]
    for end in range(len(parts), 0, -1):
        variable = origins.get(".".join(parts[:end]))
        if variable:
            return ": ".join([f"${variable}", *([".".join(parts[end:])] if parts[end:] else [])])
    return f"{path}: {'.'.join(parts) or 'settings'}"


def _plain(kind: str, message: str, location: tuple[int | str, ...]) -> str:
    if kind != "extra_forbidden":
        return message.removeprefix("Value error, ")
    from difflib import get_close_matches

    close = get_close_matches(str(location[-1]), _known_keys(location[:-1]), n=1)
    return "no such setting" + (f"; did you mean {close[0]}?" if close else "")


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    model: Any = Settings
    for part in location:
        if isinstance(part, int):
            continue
        annotation = model.model_fields[part].annotation
        arguments = getattr(annotation, "__args__", ())
        model = next((a for a in (*arguments, annotation) if hasattr(a, "model_fields")), None)
        if model is None:
            return []
    return list(model.model_fields)
