"""The first minutes of a newcomer: what `make run` prints works as printed, and the demo comes to its end."""

import os
import re
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


def test_page_of_first_steps_says_what_happens(tmp_path: Path) -> None:
    """Typed in their order, the commands of docs/first-steps.md print what the page shows below each.

    With GATEWAY_TEST_RENEW=1 the page is written anew instead: look at what has changed.
    """
    port = project_folder(tmp_path)
    if not shutil.which("curl"):
        missing("curl is not here: apt-get install curl")
    with first_start(tmp_path) as printed:
        real = {ADDRESS: address_in(printed.read_text()), "127.0.0.1:2525": f"127.0.0.1:{port}"}
        real |= {".venv/bin/gateway": script()}
        told = [(command, shown, output_of(command, real, tmp_path)) for command, shown in transcript()]
    assert len(told) >= 8
    if os.environ.get("GATEWAY_TEST_RENEW"):
        PAGE.write_text(renewed([(command, said) for command, _, said in told]), encoding="utf-8")
        return
    wrong = [f"$ {command}\n{said}" for command, shown, said in told if said != shown]
    assert not wrong, "\n".join(wrong)


ADDRESS = "support.k2v7mq3xwz@in.desk.example"
PAGE = PROJECT / "docs" / "first-steps.md"
# What is another one each time, and what stands for it on the page.
ALWAYS_NEW = (
    (r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b", "2026-11-22 09:30"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", "2026-11-22T09:30:00+00:00"),
    (r"\b[0-9a-v]{16}\b", "0ab1cd2ef3gh4ij5"),
    (r"\b(re-|b-)?[a-z2-7]{50}\b", r"\1" + "a" * 10 + "..."),
    (r"<[0-9a-f]{8,}(@no-message-id\.invalid)", r"<1f2e3d4c...\1"),
    (r"\b\d{8}-\d{6}-", "20261122-093000-"),
    (r"(written to )\S*/(var/outgoing/)", r"\1\2"),
)


def transcript() -> list[tuple[str, str]]:
    """The commands of the page but the first, each with what stands below it."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = step.partition("\n")
            found.append((command, shown.rstrip()))
    assert found[0] == ("make run", "")
    return found[1:]


def renewed(told: list[tuple[str, str]]) -> str:
    """The page with what the commands have printed."""
    outputs = iter([("make run", ""), *told])

    def block(found: re.Match[str]) -> str:
        steps = [next(outputs) for _ in re.findall(r"^\$ ", found[1], re.MULTILINE)]
        lines = [line for command, said in steps for line in (f"$ {command}", said) if line]
        return "```console\n" + "\n".join(lines) + "\n```"

    return re.sub(r"```console\n(.*?)```", block, PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)


def output_of(command: str, real: dict[str, str], folder: Path) -> str:
    """What a command of the page prints here, with the page's words for what is always new."""
    for shown, here in real.items():
        command = command.replace(shown, here)
    if "outbox list" in command:
        until(lambda: any((folder / "var" / "outgoing").glob("*.eml")), 60, "a file with the answer")
        until(lambda: " sent " in typed(command, folder), 60, "the answer is sent")
    if "ticket list" in command:
        until(lambda: "printer" in typed(command, folder), 60, "the ticket")
    said = typed(command, folder)
    for shown, here in real.items():
        said = said.replace(here, shown)
    for pattern, word in ALWAYS_NEW:
        said = re.sub(pattern, word, said)
    return "\n".join(line.rstrip() for line in said.splitlines()).rstrip()


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
    """It ends with 0, the answer and the answer to it stand in one ticket, and nothing is left behind."""
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
