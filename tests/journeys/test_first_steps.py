"""The first minutes of a newcomer: what `make run` prints works as printed, and the demo comes to its end."""

import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from peers.need import missing
from peers.ports import answers_220, free_port, until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

PROJECT = Path(__file__).resolve().parents[2]


def script() -> str:
    """The installed command, as the Makefile calls it."""
    found = Path(sys.executable).with_name("gateway")
    if not found.exists():
        missing("the command gateway is not here: pip install --editable .")
    return str(found)


def environment() -> dict[str, str]:
    """A newcomer's: nothing of ours but the code under test."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    return inherited | {"PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}


@contextmanager
def first_start(folder: Path, *program: str) -> Iterator[Path]:
    """The daemon as `make run` starts it, with its output in a file; it ends with 0 on Ctrl-C's signal."""
    printed = folder / "printed"
    command = [*(program or (script(),)), "serve", "--first-steps"]
    with printed.open("wb") as output:
        daemon = subprocess.Popen(command, cwd=folder, env=environment(), stdout=output)
    try:
        until(lambda: "Everything else" in printed.read_text() or daemon.poll() is not None, 90, "the first steps")
        yield printed
        daemon.terminate()
        assert daemon.wait(60) == 0
    finally:
        daemon.kill()
        daemon.wait()


def project_folder(folder: Path) -> int:
    """Put the project's own settings into a folder, on a free port."""
    port = free_port()
    settings = (PROJECT / "gateway.toml").read_text()
    assert "127.0.0.1:2525" in settings
    (folder / "gateway.toml").write_text(settings.replace("127.0.0.1:2525", f"127.0.0.1:{port}"))
    return port


def printed_commands(text: str) -> list[str]:
    """The commands to type, with their continued lines; the one for machines without curl only on those."""
    steps = text.partition("in this folder:")[2].partition("Everything else")[0]
    commands = [line[5:] for line in steps.splitlines() if line.startswith("     ")]
    whole = "\n".join(commands).replace("\\\n", " ").splitlines()
    [instead] = re.findall(r"^\(without curl: (.*)\)$", "\n".join(whole), re.MULTILINE)
    wanted = [command for command in whole if not command.startswith("(")]
    return wanted if shutil.which("curl") else [instead if one.startswith("curl ") else one for one in wanted]


def test_printed_steps_lead_to_an_answer(tmp_path: Path) -> None:
    """Every printed command ends with 0 when it is typed as it stands, and the answer is a file in var/outgoing."""
    port = project_folder(tmp_path)
    with first_start(tmp_path) as printed:
        commands = printed_commands(printed.read_text())
        assert len(commands) >= 7
        outputs = [typed(command, tmp_path) for command in commands]
        outgoing = tmp_path / "var" / "outgoing"
        until(lambda: any(outgoing.glob("*.eml")), 60, "a file with the answer")
    [answer] = outgoing.glob("*.eml")
    assert b"Please unplug it." in answer.read_bytes()
    assert b"carla@customer.example" in answer.read_bytes()
    assert any("My printer smokes" in output for output in outputs)
    assert not answers_220(port)


def test_second_start_keeps_the_data(tmp_path: Path) -> None:
    """The creation address that the first start has made is printed by the second again."""
    project_folder(tmp_path)
    with first_start(tmp_path) as printed:
        first = address_in(printed.read_text())
    with first_start(tmp_path) as printed:
        assert address_in(printed.read_text()) == first


def test_printed_commands_run_when_it_was_started_as_a_module(tmp_path: Path) -> None:
    """`python -m gateway` prints commands that begin so, and the first of them that asks the gateway ends with 0."""
    project_folder(tmp_path)
    with first_start(tmp_path, sys.executable, "-m", "gateway") as printed:
        [asking, *_] = [line for line in printed_commands(printed.read_text()) if line.endswith("ticket list")]
        assert asking.startswith(f"{sys.executable} -m gateway")
        assert "No ticket" in typed(asking, tmp_path)


def test_demo_tells_its_story_to_the_end(tmp_path: Path) -> None:
    """It ends with 0, the answer and the answer to it stand in one ticket, and nothing is left behind.

    It takes less than half a minute of the processor: on a machine with nothing else to do that is under a minute.
    """
    before = processor_seconds()
    told = subprocess.run(
        [script(), "demo"], cwd=tmp_path, env={**environment(), "TMPDIR": str(tmp_path)},
        capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout + told.stderr
    assert "Traceback" not in told.stderr
    ticket = told.stdout.rpartition("$ gateway ticket show 1")[2]
    assert "the repair is free" in ticket
    assert "It is on its way" in ticket
    assert list(tmp_path.iterdir()) == []
    assert processor_seconds() - before < 30


def typed(command: str, folder: Path) -> str:
    """What a command prints in the newcomer's second terminal."""
    finished = subprocess.run(
        ["/bin/sh", "-c", command], cwd=folder, env=environment(), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert finished.returncode == 0, f"{command}: exit {finished.returncode}: {finished.stdout}{finished.stderr}"
    return finished.stdout


def address_in(printed: str) -> str:
    """The creation address that was printed."""
    [address] = re.findall(r"Its creation address +(\S+@\S+)", printed)
    return address


def processor_seconds() -> float:
    """What processes that we have started, and that have ended, have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
