"""A mail server that keeps what it is sent, and answers as a test wants. It delivers nothing.

    with Sink() as sink:
        sink.script.once(Step.DOT, "451 4.3.0 Later")
        ...
        [mail] = sink.wait_for(1)

It also runs alone: `python tests/peers/sink.py --port 2526 --dir mails` writes each mail as a
numbered .eml file with its envelope beside it in a .json file.
"""

import argparse
import json
import socket
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

if not __package__:
    # Run as a file, Python looks for modules in this folder; the package is one above.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from peers.ports import LOOPBACK
from peers.sinkscript import Script
from peers.sinksession import Login, Notebook, Offer, Session, SunkMail


class Sink:
    """The server: a thread that accepts, and one for each connection."""

    def __init__(self, offer: Offer | None = None, port: int = 0, folder: Path | None = None) -> None:
        self.script = Script()
        self.violations: list[str] = []
        self.logins: list[Login] = []
        self.commands: list[tuple[int, str]] = []
        self._offer = offer or Offer()
        self._folder = folder
        self._changed = threading.Condition()
        self._mails: list[SunkMail] = []
        self._open: set[socket.socket] = set()
        self._connections = 0
        self._door = socket.create_server((LOOPBACK, port), backlog=256)
        self.port: int = self._door.getsockname()[1]

    def __enter__(self) -> "Sink":
        threading.Thread(target=self._accept, name=f"sink-{self.port}", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Hang up on everybody and close the port; what was stored stays readable."""
        # Closing alone does not wake a thread that waits in accept.
        _shut(self._door)
        self._door.close()
        with self._changed:
            for connection in self._open:
                _shut(connection)

    @property
    def mails(self) -> list[SunkMail]:
        """All mails so far, in the order in which they were stored."""
        with self._changed:
            return list(self._mails)

    @property
    def connections(self) -> int:
        """How many connections were accepted so far."""
        with self._changed:
            return self._connections

    def wait_for(self, count: int, timeout: float = 10.0) -> list[SunkMail]:
        """The mails, as soon as there are this many of them."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._mails) >= count, timeout):
                raise TimeoutError(f"{len(self._mails)} of {count} mails within {timeout:g} s; {self._story()}")
            return list(self._mails)

    def stays_at(self, count: int, seconds: float = 1.0) -> list[SunkMail]:
        """The mails, when after some time there are exactly this many: nothing more was sent."""
        time.sleep(seconds)
        mails = self.mails
        if len(mails) != count:
            raise AssertionError(f"{len(mails)} mails instead of {count}; {self._story()}")
        return mails

    def _story(self) -> str:
        return f"connections: {self._connections}, last commands: {self.commands[-8:]}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._door.accept()
            except OSError:
                return
            # TLS takes the descriptor over from the socket that was accepted: a copy is left to hang up with.
            spare = connection.dup()
            with self._changed:
                self._connections += 1
                self._open.add(spare)
                number = self._connections
            threading.Thread(target=self._hold, args=(connection, spare, number), daemon=True).start()

    def _hold(self, connection: socket.socket, spare: socket.socket, number: int) -> None:
        # Appending to a list is atomic.
        notes = Notebook(self.script, self._store, self.logins.append, self._heard, self.violations.append)
        Session(connection, number, self._offer, notes).hold()
        with self._changed:
            self._open.discard(spare)
            spare.close()

    def _heard(self, number: int, line: str) -> None:
        self.commands.append((number, line))

    def _store(self, mail: SunkMail) -> None:
        with self._changed:
            self._mails.append(mail)
            number = len(self._mails)
            self._changed.notify_all()
        if self._folder is not None:
            _write(self._folder, number, mail)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def _write(folder: Path, number: int, mail: SunkMail) -> None:
    """Write the mail, then its envelope: whoever sees the envelope finds the mail whole."""
    (folder / f"{number:06}.eml").write_bytes(mail.raw)
    envelope = {name: value for name, value in asdict(mail).items() if name != "raw"}
    unfinished = folder / f"{number:06}.json.new"
    unfinished.write_text(json.dumps(envelope, indent=1))
    unfinished.rename(folder / f"{number:06}.json")


def main() -> None:
    """Run until interrupted."""
    parser = argparse.ArgumentParser(description="Keep every mail that is sent to this port, and deliver nothing.")
    parser.add_argument("--port", type=int, default=2526)
    parser.add_argument("--dir", type=Path, required=True, help="where the mails are written")
    asked = parser.parse_args()
    asked.dir.mkdir(parents=True, exist_ok=True)
    with Sink(port=asked.port, folder=asked.dir) as sink:
        print(f"listening on {LOOPBACK}:{sink.port}", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print(f"{len(sink.mails)} mails in {asked.dir}")


if __name__ == "__main__":
    main()
