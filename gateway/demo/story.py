"""The story of the demo, told as it happens."""

import json
import os
import shutil
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

from config.errors import GatewayError
from gateway.demo.internet import Internet, free_port
from gateway.demo.mails import INBOX, LETTERS, answer_to, forwarded

_SETTINGS = """data_dir = "data"
hostname = "mx.desk.example"
domain = "in.desk.example"
[company]
name = "The Roastery"
[[listener]]
address = "127.0.0.1:{port}"
[acknowledge]
default = "all"
[outbound]
servers = [{{ host = "127.0.0.1", port = {internet}, security = "none" }}]
[log]
level = "warning"
"""
_WAIT_SECONDS = 20.0


class Stage:
    """A gateway in a folder of its own, and the narrator."""

    def __init__(self, folder: Path, internet: Internet) -> None:
        self.folder, self.internet = folder, internet
        self.port = free_port()
        self.config = folder / "gateway.toml"
        self.config.write_text(_SETTINGS.format(port=self.port, internet=internet.port), encoding="utf-8")

    def tell(self, text: str) -> None:
        """One line of the story."""
        print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)

    def run(self, *command: str, show: bool = True) -> str:
        """Run a command of the gateway as a person would, and show what it prints."""
        if show:
            print(f"$ gateway {' '.join(_quoted(word) for word in command)}", flush=True)
        done = self._call(command)
        if done.returncode:
            raise GatewayError(f"the demo ended at `gateway {' '.join(command)}`: {done.stderr.strip()}")
        if show:
            print(done.stdout, end="", flush=True)
        return done.stdout

    def _call(self, command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "GATEWAY_CONFIG": str(self.config), "COLUMNS": "110"}
        return subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "gateway", *command],
            capture_output=True,
            text=True,
            env=environment,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    @contextmanager
    def daemon(self) -> Iterator[None]:
        """The daemon, running."""
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "gateway", "--config", str(self.config), "serve"], stdin=subprocess.DEVNULL
        )
        try:
            self._wait_for_banner(process)
            yield
        finally:
            process.terminate()
            process.wait()

    def _wait_for_banner(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _WAIT_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                    if connection.recv(3) == b"220":
                        return
            except OSError:
                time.sleep(0.1)
        raise GatewayError("the demo's daemon did not start; run `gateway doctor`")

    def send(self, message: EmailMessage, recipient: str, reverse_path: str) -> None:
        """Deliver a mail to the gateway over SMTP."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=_WAIT_SECONDS) as connection:
            connection.send_message(message, reverse_path, [recipient])

    def wait_for_messages(self, ticket: int, count: int) -> None:
        """Wait until a ticket has so many messages."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < deadline:
            if len(self._messages(ticket)) >= count:
                return
            time.sleep(0.2)
        raise GatewayError(f"the demo waited in vain for message {count} of ticket {ticket}")

    def _messages(self, ticket: int) -> list[object]:
        done = self._call(("ticket", "show", str(ticket), "--json"))
        return [] if done.returncode else json.loads(done.stdout)["messages"]


def run() -> None:
    """Tell the whole story. Raises GatewayError when it cannot go on."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-demo-"))
    internet = Internet()
    try:
        _tell(Stage(folder, internet))
    finally:
        internet.close()
        shutil.rmtree(folder, ignore_errors=True)


def _tell(stage: Stage) -> None:
    began = time.monotonic()
    stage.tell("A desk is set up: a queue with its creation address, and an agent.")
    stage.run("database", "upgrade")
    stage.run("queue", "new", "Support", "--source", INBOX)
    stage.run("agent", "add", "alex@roastery.example", "--name", "Alex Agent")
    address = json.loads(stage.run("address", "list", "--json", show=False))[0]["address"]
    with stage.daemon():
        _customers_write(stage, address)
        _agent_answers(stage)
        _customer_answers(stage)
        stage.tell("Every mail that was accepted is accounted for.")
        stage.run("audit")
    stage.tell(f"That was the demo, {time.monotonic() - began:.0f} seconds. `make run` starts a gateway to keep.")


def _customers_write(stage: Stage, address: str) -> None:
    stage.tell(f"Five people write to {INBOX}, which forwards to {address}.")
    for letter in LETTERS:
        print(f"  -> {letter.name} <{letter.email}>: {letter.subject}", flush=True)
        stage.send(forwarded(letter), address, f"bounces@{letter.email.partition('@')[2]}")
    stage.wait_for_messages(len(LETTERS), 1)
    stage.tell("They are tickets. People were told that their mail has arrived; the robot was not.")
    for _ in LETTERS[:-1]:
        received = stage.internet.receive(_WAIT_SECONDS)
        print(f"  <- {received['To']}: {received['Subject']}", flush=True)
    stage.run("ticket", "list")


def _agent_answers(stage: Stage) -> None:
    stage.tell("Alex reads the first one and answers it.")
    stage.run("ticket", "show", "1")
    stage.run("ticket", "reply", "1", "--now", "-m", "Dear Carla,\n\nplease send it to us; the repair is free.\n\nAlex")


def _customer_answers(stage: Stage) -> None:
    received = stage.internet.receive(_WAIT_SECONDS)
    stage.tell(f"Carla gets it from {received['From']}, and answers from her own mail program.")
    answer = answer_to(received, "Thank you! It is on its way.\nCarla")
    stage.send(answer, str(answer["To"]).rpartition("<")[2].rstrip(">"), "carla.nunes@customer.example")
    stage.wait_for_messages(1, 4)
    stage.tell("It is in the same ticket.")
    stage.run("ticket", "show", "1")
    stage.run("ticket", "list")


def _quoted(word: str) -> str:
    return f"'{word}'" if any(character.isspace() for character in word) else word
