"""Secrets at rest: sealed for one place, opened by one key, whose file is nobody else's."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from config.errors import BadConfiguration
from config.secrets import Seal, resolve_reference


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Where the key will be."""
    return tmp_path / "secret.key"


@pytest.fixture
def seal(key_file: Path) -> Seal:
    """The seal of a new installation."""
    return Seal(key_file)


def test_sealed_secret_opens_for_its_purpose(seal: Seal) -> None:
    """A secret of any letters comes back, and is not to be seen in what is stored."""
    sealed = seal.close("pässwörd \U0001f511", "channel:1:secret")
    assert "pässwörd" not in sealed
    assert sealed.isascii()
    assert seal.open(sealed, "channel:1:secret") == "pässwörd \U0001f511"


def test_sealed_secret_opens_for_no_other_purpose(seal: Seal) -> None:
    """Moved to another row, a sealed secret does not open."""
    with pytest.raises(BadConfiguration):
        seal.open(seal.close("hunter2", "channel:1:secret"), "channel:2:secret")


def test_same_secret_is_never_sealed_alike(seal: Seal) -> None:
    """Nobody sees in the database that two channels have one password."""
    assert seal.close("hunter2", "p") != seal.close("hunter2", "p")


def test_wrong_key_says_what_to_do(seal: Seal, tmp_path: Path) -> None:
    """With the key of another installation it does not open; the message names the file, not the secret."""
    other = Seal(tmp_path / "other.key")
    other.close("anything", "p")
    with pytest.raises(BadConfiguration, match=r"other\.key: put back the key file") as refusal:
        other.open(seal.close("hunter2", "p"), "p")
    assert "hunter2" not in str(refusal.value)


def test_missing_key_is_not_made_to_open(seal: Seal, key_file: Path) -> None:
    """To open a secret without its key is refused; no new key takes the place of the lost one."""
    sealed = seal.close("hunter2", "p")
    key_file.unlink()
    with pytest.raises(BadConfiguration, match="missing"):
        seal.open(sealed, "p")
    assert not key_file.exists()


@pytest.mark.parametrize("damage", ["", "2:", "2:AAAA", "2:00000000:not base64!", "1:AAAA", "garbage", "2:é"])
def test_damaged_secret_says_what_to_do(seal: Seal, damage: str) -> None:
    """A stored value that was damaged is BadConfiguration, whatever it looks like."""
    seal.close("hunter2", "p")
    with pytest.raises(BadConfiguration):
        seal.open(damage, "p")


@pytest.mark.parametrize("damage", [b"", b"short", b"\xff\xfe", b"QUJD", b"!" * 44])
def test_damaged_key_file_says_what_to_do(seal: Seal, key_file: Path, damage: bytes) -> None:
    """A key file that was cut or overwritten is named when a secret is opened and when one is sealed."""
    sealed = seal.close("hunter2", "p")
    key_file.write_bytes(damage)
    with pytest.raises(BadConfiguration, match=r"secret\.key"):
        seal.open(sealed, "p")
    with pytest.raises(BadConfiguration, match=r"secret\.key"):
        seal.close("hunter2", "p")
    assert key_file.read_bytes() == damage


def test_key_file_is_for_its_owner_alone(seal: Seal, key_file: Path) -> None:
    """The key is made when it is first needed, readable by nobody else, and alone in its folder."""
    assert not key_file.exists()
    seal.close("hunter2", "p")
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert list(key_file.parent.iterdir()) == [key_file]


def test_key_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A folder that is not there is BadConfiguration."""
    with pytest.raises(BadConfiguration, match="key file"):
        Seal(tmp_path / "missing" / "secret.key").close("hunter2", "p")


def test_first_key_of_several_at_once_is_the_key(key_file: Path) -> None:
    """Of eight who need the first key at once all seal with the same one."""
    barrier = threading.Barrier(8)

    def close(number: int) -> str:
        barrier.wait(60)
        return Seal(key_file).close(f"secret {number}", "p")

    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(close, range(8)))
    assert [Seal(key_file).open(one, "p") for one in sealed] == [f"secret {number}" for number in range(8)]


def test_references_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """env:, file: and credential: name a secret; anything else is one."""
    (tmp_path / "smtp").write_text("from a file\r\n")
    monkeypatch.setenv("SMTP_PASSWORD", "from the environment")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert resolve_reference("env:SMTP_PASSWORD", tmp_path) == "from the environment"
    assert resolve_reference("file:smtp", tmp_path) == "from a file"
    assert resolve_reference(f"file:{tmp_path}/smtp", Path("/")) == "from a file"
    assert resolve_reference("credential:smtp", Path("/")) == "from a file"
    assert resolve_reference("pass:word", tmp_path) == "pass:word"


def test_new_key_seals_and_the_old_one_still_opens(seal: Seal, key_file: Path) -> None:
    """What the key before sealed still opens, for whoever was under way; after one more change it does not."""
    old = seal.close("hunter2", "channel:1:secret")
    seal.add_key()
    new = seal.close("hunter2", "channel:1:secret")
    assert (seal.is_current(old), seal.is_current(new)) == (False, True)
    assert {seal.open(one, "channel:1:secret") for one in (old, new)} == {"hunter2"}
    assert seal.forget_old_keys() == 0
    seal.add_key()
    assert seal.forget_old_keys() == 1
    assert seal.open(new, "channel:1:secret") == "hunter2"
    with pytest.raises(BadConfiguration):
        seal.open(old, "channel:1:secret")
    assert key_file.stat().st_mode & 0o777 == 0o600
