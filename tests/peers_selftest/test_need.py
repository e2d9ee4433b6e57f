"""What happens when the machine lacks something: a skip that says what to install, or a failure in CI."""

import pytest
from peers.need import need, need_module


def test_missing_command_skips_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without CI, the reason of the skip names the Debian package."""
    monkeypatch.delenv("GATEWAY_CI", raising=False)
    monkeypatch.setattr("peers.need.PACKAGES", {"no-such-command": "no-such-package"})
    with pytest.raises(pytest.skip.Exception, match="apt-get install no-such-package"):
        need("no-such-command")


def test_missing_command_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """With GATEWAY_CI, what is missing fails the test: it could have been installed."""
    monkeypatch.setenv("GATEWAY_CI", "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-command is not here"):
        need("no-such-command")
    with pytest.raises(pytest.fail.Exception, match="pip install no-such-distribution"):
        need_module("no_such_module", "no-such-distribution")


def test_command_that_is_there_gives_its_path() -> None:
    """A command that every system has is found."""
    assert need("sh").endswith("/sh")
