"""Let a mail server's pipe run a command as the tester.

A pipe transport runs its command as a user without rights, who on a tester's machine may
neither run the Python of the project nor write to its folders; where the gateway is installed
he can. So the pipe runs a small shell script, which lays the mail and the words into a folder
and waits for an exit code, and a thread of the test runs the command in its place.
"""

import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

# The folder is renamed when all of it is written; $1 is the box, the further words are the command's.
SCRIPT = """\
job=$(mktemp -d "$1/new.XXXXXX") || exit 75
shift
cat >"$job/mail" && printf '%s\\n' "$@" >"$job/words" && chmod 777 "$job" && mv "$job" "$job.ready" || exit 75
tries=0
until [ -e "$job.ready/exit" ]; do
    tries=$((tries + 1))
    [ $tries -lt 1200 ] || exit 75
    sleep 0.05
done
cat "$job.ready/output"
exit "$(cat "$job.ready/exit")"
"""

Run = Callable[[Sequence[str], bytes], "subprocess.CompletedProcess[bytes]"]


class PipeBridge:
    """A box that a pipe lays its mails into, and the thread that runs the command for each."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._temporary = tempfile.TemporaryDirectory(prefix="gateway-pipe-")
        self._folder = Path(self._temporary.name)
        self._box = self._folder / "box"
        self.ran: list[tuple[tuple[str, ...], int]] = []

    def argv(self, *words: str) -> list[str]:
        """The pipe's command, which hands these words over; the mail server fills in its macros."""
        return ["/bin/sh", str(self._folder / "hand_over.sh"), str(self._box), *words]

    def __enter__(self) -> "PipeBridge":
        self._folder.chmod(0o755)
        self._box.mkdir()
        self._box.chmod(0o777)
        (self._folder / "hand_over.sh").write_text(SCRIPT)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._temporary.cleanup()

    def _serve(self) -> None:
        while not self._over.wait(0.05):
            for job in sorted(self._box.glob("*.ready")):
                if not (job / "exit").exists():
                    self._do(job)

    def _do(self, job: Path) -> None:
        words = tuple((job / "words").read_text().splitlines())
        finished = self._run(words, (job / "mail").read_bytes())
        self.ran.append((words, finished.returncode))
        (job / "output").write_bytes(finished.stdout + finished.stderr)
        unfinished = job / "exit.new"
        unfinished.write_text(str(finished.returncode))
        unfinished.rename(job / "exit")
