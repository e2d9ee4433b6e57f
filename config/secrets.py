"""Secrets: read by reference, sealed at rest, never printed.

A setting names a secret instead of holding it: `env:NAME`, `file:PATH` or `credential:NAME`
(systemd's LoadCredential). What people type into a command is sealed with AES-GCM before it
is stored (NIST SP 800-38D); the key stands in a file beside the data, not in the database.
"""

import os
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes, token_hex

from config.errors import BadConfiguration

_KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = "2"
_KEPT_KEYS = 2


def resolve_reference(value: str, folder: Path) -> str:
    """The secret behind a reference; a value that is no reference is the secret itself.

    Relative paths are relative to `folder`. Raises ValueError with what to do.
    """
    scheme, _, rest = value.partition(":")
    if scheme == "env":
        if rest not in os.environ:
            raise ValueError(f"the environment variable {rest} is not set")
        return os.environ[rest]
    if scheme == "file":
        return _read(folder / rest)
    if scheme == "credential":
        directory = os.environ.get("CREDENTIALS_DIRECTORY")
        if not directory:
            raise ValueError(f"credential {rest}: not started by systemd with LoadCredential={rest}:PATH")
        return _read(Path(directory) / rest)
    return value


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ValueError(f"{path}: a secret is written in UTF-8, this is not") from None


class Seal:
    """Seals and opens secrets for one installation. The key file is made, mode 0600, when it is first needed.

    It has a key a line, the one that seals first. The one before it still opens what somebody had read or sealed when
    the key was changed. What is sealed names its key, so that a wrong key is told from a damaged secret.
    """

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file

    def close(self, secret: str, purpose: str) -> str:
        """Seal a secret for one place (`table:row:field`); it opens for that place only."""
        # A slow import (0.1 s), needed only where a secret is touched.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self._keys(make=True)[0]
        nonce = token_bytes(_NONCE_BYTES)
        sealed = AESGCM(key).encrypt(nonce, secret.encode(), purpose.encode())
        return f"{_VERSION}:{_key_id(key)}:{b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, purpose: str) -> str:
        """The secret again. Raises BadConfiguration when the key is not the one that sealed it."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        version, _, rest = sealed.partition(":")
        key_id, _, text = rest.partition(":")
        keys = {_key_id(key): key for key in self._keys(make=False)}
        try:
            if version != _VERSION or key_id not in keys:
                raise ValueError(version)
            raw = b64decode(text)
            return AESGCM(keys[key_id]).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], purpose.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise BadConfiguration(
                f"A stored secret ({purpose}) does not open with {self._key_file}: "
                "put back the key file that belongs to this database, or set the secret again"
            ) from error

    def is_current(self, sealed: str) -> bool:
        """Whether the newest key has sealed this."""
        return sealed.split(":")[1:2] == [_key_id(self._keys(make=False)[0])]

    def add_key(self) -> None:
        """From now on a new key seals; the old ones open still."""
        self._write([token_bytes(_KEY_BYTES), *self._keys(make=True)])

    def forget_old_keys(self) -> int:
        """Keep the newest key and the one before it. Returns how many are gone; nothing may be sealed with those."""
        keys = self._keys(make=True)
        self._write(keys[:_KEPT_KEYS])
        return len(keys[_KEPT_KEYS:])

    def _keys(self, *, make: bool) -> list[bytes]:
        try:
            return [self._checked(line) for line in self._key_file.read_bytes().split() or [b""]]
        except FileNotFoundError:
            if not make:
                raise BadConfiguration(
                    f"The key file {self._key_file} is missing: restore it from the backup"
                ) from None
        except OSError as error:
            raise BadConfiguration(f"Cannot read the key file {self._key_file}: {error.strerror}") from error
        return self._make_key()

    def _checked(self, text: bytes) -> bytes:
        try:
            key = b64decode(text)
        except ValueError:
            key = b""
        if len(key) != _KEY_BYTES:
            raise BadConfiguration(f"The key file {self._key_file} is damaged: restore it from the backup")
        return key

    def _make_key(self) -> list[bytes]:
        key = token_bytes(_KEY_BYTES)
        temporary = self._written([key])
        try:
            # Whole or not at all, and never over the key of another process that was quicker.
            self._key_file.hardlink_to(temporary)
        except FileExistsError:
            return self._keys(make=False)
        except OSError as error:
            raise BadConfiguration(f"Cannot write the key file {self._key_file}: {error.strerror}") from error
        finally:
            temporary.unlink(missing_ok=True)
        return [key]

    def _write(self, keys: list[bytes]) -> None:
        """Put these keys in place of those that are there, durably and at once."""
        temporary = self._written(keys)
        try:
            temporary.replace(self._key_file)
            folder = os.open(self._key_file.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise BadConfiguration(f"Cannot write the key file {self._key_file}: {error.strerror}") from error

    def _written(self, keys: list[bytes]) -> Path:
        temporary = self._key_file.with_name(f".{self._key_file.name}.{token_hex(4)}")
        try:
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(b"\n".join(b64encode(key) for key in keys))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise BadConfiguration(f"Cannot write the key file {self._key_file}: {error.strerror}") from error
        return temporary


def _key_id(key: bytes) -> str:
    """Names a key without telling anything about it."""
    return sha256(b"id of " + key).hexdigest()[:8]
