"""What values of settings may be: a path, a domain, a secret by reference.

The checks stand with the types, so that each section of the settings says what it wants by a name.
"""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, ValidationInfo

from config.secrets import resolve_reference

_DOMAIN = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Section(BaseModel):
    """A table of the settings file."""

    # A typo in a key must be an error, never a setting that is silently ignored.
    model_config = ConfigDict(frozen=True, extra="forbid")


def folder_of(info: ValidationInfo) -> Path:
    """Where the settings file lies."""
    return Path((info.context or {}).get("folder", "."))


def beside_the_file(value: Path, info: ValidationInfo) -> Path:
    """A relative path means: relative to the settings file, whatever the working directory is."""
    return (folder_of(info) / value.expanduser()).resolve()


def checked_networks(value: tuple[str, ...]) -> tuple[str, ...]:
    """Networks as they were written. Raises ValueError for what is none."""
    for network in value:
        ip_network(network)  # its ValueError says what is wrong
    return value


def plain_domain(value: str) -> str:
    """A domain as addresses compare: the capitals of a settings file must not make all mail unknown."""
    plain = value.strip().rstrip(".").lower()
    if not _DOMAIN.fullmatch(plain):
        raise ValueError(f"{value!r} is no domain; write one like in.desk.example (other letters as xn--...)")
    return plain


def _resolved(value: SecretStr, info: ValidationInfo) -> SecretStr:
    return SecretStr(resolve_reference(value.get_secret_value(), folder_of(info)))


SettingsPath = Annotated[Path, AfterValidator(beside_the_file)]
DomainName = Annotated[str, AfterValidator(plain_domain)]
Secret = Annotated[SecretStr, AfterValidator(_resolved)]
Security = Literal["starttls", "tls", "none"]
