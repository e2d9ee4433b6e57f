"""gateway.toml: found where it should be, overridden by the environment, and precise about what is wrong."""

import os
from pathlib import Path

import pytest

from config.errors import BadConfiguration
from config.files import find_file, load


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of this machine, and a working directory without a file."""
    for name in list(os.environ):
        if name.startswith("GATEWAY_"):
            monkeypatch.delenv(name)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An empty settings file."""
    path = tmp_path / "gateway.toml"
    path.write_text("")
    return path


def complaint(file: Path, text: str = "") -> str:
    """What is said about this file."""
    file.write_text(text)
    with pytest.raises(BadConfiguration) as refusal:
        load(file)
    said = str(refusal.value)
    assert "\n" not in said
    return said


def test_named_file_comes_before_variable_and_folder(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--config wins over $GATEWAY_CONFIG, which wins over ./gateway.toml."""
    with pytest.raises(BadConfiguration, match="gateway init"):
        find_file()
    here = Path("gateway.toml")
    here.write_text("")
    assert find_file() == here
    other = file.with_name("other.toml")
    other.write_text("")
    monkeypatch.setenv("GATEWAY_CONFIG", str(other))
    assert find_file() == other
    assert find_file(file) == file


def test_named_file_that_is_not_there_is_not_replaced(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who names a file means it: another one is not taken silently."""
    Path("gateway.toml").write_text("")
    missing = file.with_name("missing.toml")
    with pytest.raises(BadConfiguration, match=r"missing\.toml: no such file"):
        find_file(missing)
    monkeypatch.setenv("GATEWAY_CONFIG", str(missing))
    with pytest.raises(BadConfiguration, match=r"missing\.toml: no such file"):
        load()


def test_relative_paths_are_relative_to_the_file(file: Path) -> None:
    """Every path in the file counts from the file's folder, whatever the working directory is."""
    file.write_text(
        'data_dir = "data"\nsecret_key = "keys/secret"\n[database]\nurl = "sqlite:///db/mail.db"\n'
        '[[listener]]\ntls_certificate = "c.pem"\ntls_key = "/etc/k.pem"\n'
    )
    settings, folder = load(file).settings, file.parent
    assert settings.data_dir == folder / "data"
    assert settings.key_file == folder / "keys" / "secret"
    assert settings.database_url == f"sqlite:///{folder}/db/mail.db"
    assert settings.listener[0].tls_certificate == folder / "c.pem"
    assert settings.listener[0].tls_key == Path("/etc/k.pem")
    file.write_text("")
    assert load(file).settings.data_dir == folder / "var"


def test_absolute_database_path_stays(file: Path) -> None:
    """Four slashes are an absolute path."""
    file.write_text('[database]\nurl = "sqlite:////srv/mail.db"')
    assert load(file).settings.database_url == "sqlite:////srv/mail.db"


@pytest.mark.parametrize(
    ("text", "key", "meant"),
    [
        ('hostnam = "x"', "hostnam", "hostname"),
        ("[limits]\nmesage_bytes = 1", "limits.mesage_bytes", "message_bytes"),
        ("[limit]\nrecipients = 1", "limit", "limits"),
        ('[[listener]]\nadress = "x"', "listener.0.adress", "address"),
        ('[outbound]\nservers = [{host = "x", prot = 25}]', "outbound.servers.0.prot", "port"),
    ],
)
def test_typo_in_a_key_suggests_the_right_one(file: Path, text: str, key: str, meant: str) -> None:
    """An unknown key is an error that names the file, the key and the nearest one."""
    assert complaint(file, text) == f"{file}: {key}: no such setting; did you mean {meant}?"


def test_key_like_no_other_is_just_unknown(file: Path) -> None:
    """Nothing is suggested where nothing is near."""
    assert complaint(file, "zzzzzz = 1") == f"{file}: zzzzzz: no such setting"


@pytest.mark.parametrize(
    ("text", "key", "why"),
    [
        ('[limits]\nrecipients = "many"', "limits.recipients", "valid integer"),
        ("domain = 7", "domain", "valid string"),
        ("limits = 7", "limits", "LimitSettings"),
        ('[log]\nformat = "xml"', "log.format", "'console' or 'json'"),
        ("[[listener]]\nproxy_from = 7", "listener.0.proxy_from", "valid tuple"),
    ],
)
def test_wrong_type_names_file_and_key(file: Path, text: str, key: str, why: str) -> None:
    """A value of another type is an error that names the file, the key and what it should be."""
    said = complaint(file, text)
    assert said.startswith(f"{file}: {key}: ")
    assert why in said


def test_all_mistakes_are_told_at_once(file: Path) -> None:
    """Two mistakes stand in one line."""
    said = complaint(file, 'hostnam = "x"\n[limits]\nrecipients = "many"')
    assert "hostnam:" in said
    assert "limits.recipients:" in said


def test_file_that_is_no_toml_says_where(file: Path) -> None:
    """Broken TOML, or bytes that are no text, is an error that names the file and the place."""
    assert "line 2" in complaint(file, 'domain = "x"\n= 7')
    file.write_bytes(b"domain = '\xff'")
    with pytest.raises(BadConfiguration, match="not valid TOML"):
        load(file)


def test_environment_overrides_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable wins over the file, nested by two underscores, with lists and tables as JSON."""
    file.write_text('domain = "a.example"\n[database]\nurl = "sqlite:///a.db"\nbusy_seconds = 3')
    monkeypatch.setenv("GATEWAY_DOMAIN", "b.example")
    monkeypatch.setenv("GATEWAY_DATABASE__URL", "postgresql://db/gateway")
    monkeypatch.setenv("GATEWAY_LIMITS__RECIPIENTS", "7")
    monkeypatch.setenv("GATEWAY_DATABASE__UNSAFE_SQLITE", "true")
    monkeypatch.setenv("GATEWAY_ALSO_DOMAINS", '["c.example"]')
    monkeypatch.setenv("GATEWAY_OUTBOUND__SERVERS", '[{"host": "smtp.example", "port": 25}]')
    settings = load(file).settings
    assert settings.own_domains == ("b.example", "c.example")
    assert (settings.database_url, settings.database.busy_seconds) == ("postgresql://db/gateway", 3)
    assert (settings.limits.recipients, settings.database.unsafe_sqlite) == (7, True)
    assert settings.outbound.servers[0].port == 25


def test_reserved_variables_are_no_settings(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What steers commands and tests is not taken for a key."""
    for name in ("GATEWAY_CONFIG", "GATEWAY_AGENT", "GATEWAY_CLOCK_OFFSET", "GATEWAY_TEST_POSTGRES", "GATEWAY_CI"):
        monkeypatch.setenv(name, str(file))
    assert load(file).settings.domain == "in.desk.example"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("GATEWAY_DOMIAN", "x.example", "$GATEWAY_DOMIAN: no such setting; did you mean domain?"),
        ("GATEWAY_LIMITS__RECIPIENTS", "many", "$GATEWAY_LIMITS__RECIPIENTS: Input should be a valid integer"),
        ("GATEWAY_DATABASE__URL__X", "1", "$GATEWAY_DATABASE__URL__X: url is no section"),
        (
            "GATEWAY_OUTBOUND__SERVERS",
            '[{"host": "x", "prot": 1}]',
            "$GATEWAY_OUTBOUND__SERVERS: 0.prot: no such setting",
        ),
        ("GATEWAY_OUTBOUND__SERVERS", "[{", "$GATEWAY_OUTBOUND__SERVERS: Input should be a valid tuple"),
    ],
)
def test_mistake_in_a_variable_names_the_variable(
    file: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    """Who wrote it in the environment is not sent to look in the file."""
    monkeypatch.setenv(variable, value)
    assert said in complaint(file, '[database]\nurl = "postgresql://db/x"')


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("env:NOT_SET", "NOT_SET is not set"),
        ("file:missing.txt", "missing.txt: No such file"),
        ("file:.", "Is a directory"),
        ("file:binary", "UTF-8"),
        ("credential:smtp", "LoadCredential=smtp"),
    ],
)
def test_unreadable_secret_is_named(file: Path, monkeypatch: pytest.MonkeyPatch, reference: str, why: str) -> None:
    """A secret that cannot be read is an error that names the key, the secret and the reason."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    (file.parent / "binary").write_bytes(b"\xff\xfe")
    said = complaint(file, f'[outbound]\nservers = [{{host = "x", password = "{reference}"}}]')
    assert said.startswith(f"{file}: outbound.servers.0.password: ")
    assert why in said


def test_secret_files_are_relative_to_the_file(file: Path) -> None:
    """A secret in a file beside gateway.toml is found, and its final newline is not part of it."""
    (file.parent / "password").write_text("hunter2\n")
    file.write_text('[outbound]\nservers = [{host = "x", password = "file:password"}]')
    assert load(file).settings.outbound.servers[0].password.get_secret_value() == "hunter2"


def test_secret_is_not_in_the_complaint(file: Path) -> None:
    """A mistake beside a password does not print the password."""
    said = complaint(file, '[outbound]\nservers = [{host = "x.example", security = "none", password = "hunter2"}]')
    assert "in clear" in said
    assert "hunter2" not in said


def test_example_file_is_valid_and_serves_the_first_run() -> None:
    """The gateway.toml of the project loads, listens on loopback, and sends nothing anywhere."""
    settings = load(Path(__file__).parents[2] / "gateway.toml").settings
    assert [listener.host for listener in settings.listener] == ["127.0.0.1"]
    assert settings.outbound.servers == ()
