"""The settings of what keeps mail: the database and the blobs."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_serializer, field_validator

from config.secrets import resolve_reference
from config.values import LOOPBACK, Secret, Section, beside_the_file, folder_of

_SQLITE = "sqlite:///"
_URL_PASSWORD = re.compile(r"^([a-z]+://[^:/@?]*:)[^/?]*@")
_BUCKET = re.compile(r"s3://[a-z0-9.-]{3,63}(/[^\s?#]*)?")


class DatabaseSettings(Section):
    """Where tickets live."""

    url: str = Field(
        "",
        # It may hold a password.
        repr=False,
        description="sqlite:///PATH or postgresql://USER@HOST/NAME, or a reference like env:NAME; empty: gateway.db in data_dir.",
    )
    busy_seconds: float = Field(
        10,
        gt=0,
        description="How long a writer waits for the database before it says try again; a sender waits minutes.",
    )
    pool_size: int = Field(5, ge=1, description="Connections kept open per process; PostgreSQL pays for each.")
    unsafe_sqlite: bool = Field(
        False,
        description="Start although the SQLite library has the WAL-reset race (3.7.0 to 3.51.2): it can corrupt data.",
    )

    @field_validator("url")
    @classmethod
    def _known_kind(cls, value: str, info: ValidationInfo) -> str:
        value = resolve_reference(value, folder_of(info))
        if value.startswith(_SQLITE):
            return f"{_SQLITE}{beside_the_file(Path(value.removeprefix(_SQLITE)), info)}"
        if value and not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("must begin with sqlite:/// or postgresql://")
        return value

    @field_serializer("url", when_used="json")
    def _without_password(self, value: str) -> str:
        return _URL_PASSWORD.sub(r"\1**********@", value)


class BlobSettings(Section):
    """Where attachments and large mails live."""

    url: str = Field(
        "",
        description="file:///PATH, or s3://BUCKET/PREFIX so that gateways on several machines share it; empty: the folder blobs in data_dir.",
    )
    endpoint: str = Field(
        "", description="Of an S3 server that is not Amazon's; https://HOST, or http:// on a loopback."
    )
    region: str = Field("us-east-1", description="Of the bucket; other servers take any.")
    access_key: Secret = Field(
        SecretStr(""),
        description="env:NAME, file:PATH or credential:NAME; empty: the usual AWS_* variables or the machine's role.",
    )
    secret_key: Secret = Field(SecretStr(""), description="As access_key.")
    timeout_seconds: float = Field(
        30, gt=0, description="For one request and its repetitions; then the mail waits for the next try."
    )

    @field_validator("url")
    @classmethod
    def _known_kind(cls, value: str) -> str:
        if value and not value.startswith("file:///") and not _BUCKET.fullmatch(value):
            raise ValueError("must begin with file:/// or be s3://BUCKET or s3://BUCKET/PREFIX")
        return value

    @field_validator("endpoint")
    @classmethod
    def _encrypted(cls, value: str) -> str:
        host = urlsplit(value)
        if value and host.scheme != "https" and not (host.scheme == "http" and host.hostname in LOOPBACK):
            raise ValueError(
                "must begin with https://, since keys and mail go over it; http:// serves loopback hosts only"
            )
        return value
