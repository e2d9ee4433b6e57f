"""Settings: every key is explained, nothing is guessed, and no secret shows."""

import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from config.sending import OutboundSettings, ServerSettings
from config.settings import Settings


def leaves(model: type[BaseModel], name: str = "") -> Iterator[tuple[str, str]]:
    """Every key with its description, through sections and lists of sections."""
    for key, field in model.model_fields.items():
        arguments = (*getattr(field.annotation, "__args__", ()), field.annotation)
        parts = [part for part in arguments if isinstance(part, type) and issubclass(part, BaseModel)]
        for part in parts:
            assert part.__doc__, part
            yield from leaves(part, f"{name}{key}.")
        if not parts or name.startswith("outbound."):
            yield f"{name}{key}", field.description or ""


def test_every_key_has_a_description() -> None:
    """Each key says why its default is what it is, in a sentence."""
    silent = [key for key, description in leaves(Settings) if not description.endswith((".", ")"))]
    assert silent == []
    assert len(dict(leaves(Settings))) > 60


def test_defaults_make_whole_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any file everything has a value: SQLite, blobs and key in data_dir."""
    monkeypatch.chdir(tmp_path)
    settings = Settings()
    assert settings.data_dir == tmp_path / "var"
    assert settings.database_url == f"sqlite:///{tmp_path}/var/gateway.db"
    assert settings.is_sqlite
    assert settings.blob_dir == tmp_path / "var" / "blobs"
    assert settings.key_file == tmp_path / "var" / "secret.key"
    assert settings.own_domains == ("in.desk.example",)


def test_settings_are_frozen() -> None:
    """Nobody changes settings that are in force."""
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.domain = "other.example"
    with pytest.raises(ValidationError):
        settings.limits.recipients = 1


def test_secrets_never_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords stand neither in repr nor in str nor in what `config show` prints; whoever needs them has them."""
    monkeypatch.setenv("SMTP_PASSWORD", "hunter2")
    settings = Settings.model_validate(
        {
            "database": {"url": "postgresql://gateway:s3cr3t@db.example/gateway?sslmode=require"},
            "outbound": {
                "servers": [
                    {"host": "a.example", "password": "env:SMTP_PASSWORD"},
                    {"host": "b.example", "password": "plain3"},
                ]
            },
        }
    )
    shown = repr(settings) + str(settings) + settings.model_dump_json() + json.dumps(settings.model_dump(mode="json"))
    for secret in ("hunter2", "s3cr3t", "plain3"):
        assert secret not in shown
    assert "db.example/gateway?sslmode=require" in shown
    assert settings.outbound.servers[0].password.get_secret_value() == "hunter2"
    assert "s3cr3t" in settings.database_url
    assert pickle.loads(pickle.dumps(settings)) == settings


@pytest.mark.parametrize("host", ["smtp.example", "10.0.0.1", "localhost.example", "127.0.0.1.example"])
def test_password_without_tls_is_refused(host: str) -> None:
    """A password does not go over a network in clear."""
    with pytest.raises(ValidationError, match="in clear"):
        ServerSettings(host=host, security="none", user="u", password="p")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_password_without_tls_is_fine_on_loopback(host: str) -> None:
    """On this machine nobody listens in; nor is there anything to hear where there is no password."""
    assert ServerSettings(host=host, security="none", user="u", password="p").security == "none"
    assert ServerSettings(host="smtp.example", security="none").security == "none"


def test_tls_is_the_default_for_servers() -> None:
    """Who writes nothing gets STARTTLS on the submission port."""
    server = ServerSettings(host="smtp.example")
    assert (server.security, server.port) == ("starttls", 587)


@pytest.mark.parametrize(
    ("section", "part"),
    [
        ({"database": {"url": "mysql://x"}}, "sqlite:///"),
        ({"database": {"url": "sqlite://x"}}, "sqlite:///"),
        ({"database": {"url": "env:NOT_SET"}}, "NOT_SET"),
        ({"blobs": {"url": "/srv"}}, "file:///"),
        ({"listener": [{"address": "2525"}]}, "HOST:PORT"),
        ({"listener": [{"address": "127.0.0.1:65536"}]}, "HOST:PORT"),
        ({"listener": [{"address": "127.0.0.1:²"}]}, "HOST:PORT"),
        ({"listener": [{"tls_certificate": "c.pem"}]}, "belong together"),
        ({"listener": [{"tls": "implicit"}]}, "tls_certificate"),
        ({"listener": [{"proxy_from": ["10.0.0.1/8"]}]}, "host bits"),
        ({"listener": [{"address": "systemd"}, {"address": "systemd"}]}, "systemd:lmtp"),
        ({"listener_processes": 2, "listener": [{"address": "unix:/x"}]}, "on a port"),
        ({"limits": {"trusted_networks": ["office"]}}, "office"),
        ({"limits": {"recipients": -1}}, "greater than or equal to 0"),
        ({"time_zone": "Lisbon"}, "Europe/Lisbon"),
        ({"time_zone": "../../etc/passwd"}, "Europe/Lisbon"),
        ({"domain": "münchen.example"}, "xn--"),
        ({"domain": ""}, "no domain"),
        ({"also_domains": ["a b"]}, "no domain"),
        ({"outbound": {"retry_seconds": []}}, "at least 1"),
        ({"outbound": {"servers": [{}]}}, "required"),
        ({"log": {"level": "loud"}}, "'info'"),
    ],
)
def test_value_that_cannot_work_is_refused(section: dict[str, object], part: str) -> None:
    """A wrong value is refused at the start, with a message that names what would be right."""
    with pytest.raises(ValidationError) as refusal:
        Settings.model_validate(section)
    assert part in str(refusal.value)


def test_domains_are_kept_as_addresses_compare() -> None:
    """Capitals and a final dot in the file make no other domain."""
    settings = Settings.model_validate({"domain": "In.Desk.Example.", "also_domains": ["OLD.example"]})
    assert settings.own_domains == ("in.desk.example", "old.example")


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [("[::]:25", "::", 25), ("0.0.0.0:25", "0.0.0.0", 25), ("mx.example:2525", "mx.example", 2525)],
)
def test_listener_address_has_host_and_port(address: str, host: str, port: int) -> None:
    """IPv6 literals lose their brackets."""
    listener = Settings.model_validate({"listener": [{"address": address}]}).listener[0]
    assert (listener.host, listener.port) == (host, port)


def test_waits_grow_and_end() -> None:
    """The default waits after deferrals grow, and mail expires only after many of them (RFC 5321 section 4.5.4.1)."""
    outbound = OutboundSettings()
    assert list(outbound.retry_seconds) == sorted(outbound.retry_seconds)
    assert outbound.expire_seconds >= 4 * 24 * 3600
    assert outbound.lease_seconds > outbound.reply_timeout_seconds
