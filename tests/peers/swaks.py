"""Swaks, the mail tester's client: a sender that shares no code with anything of ours."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from peers.need import need
from peers.ports import LOOPBACK

# Its exit codes that tests ask for; `man swaks`, section "EXIT CODES".
SENT = 0
NO_RECIPIENT_ACCEPTED = 24
DATA_REFUSED = 26


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a session: the exit code, and every line the server said."""

    code: int
    replies: tuple[str, ...]
    transcript: str


def swaks(port: int, to: str, *words: str, sender: str = "customer@client.example", data: bytes | None = None) -> Said:
    """Send one mail to the port on loopback; further words go to swaks as they are (`--tls`, `--auth` ...)."""
    command: Sequence[str] = [
        need("swaks"), "--server", LOOPBACK, "--port", str(port), "--to", to, "--from", sender,
        "--helo", "client.example", "--timeout", "20", "--no-info-hints",
        *(["--data", "-"] if data is not None else []), *words,
    ]  # fmt: skip
    finished = subprocess.run(command, input=data or b"", capture_output=True, timeout=60, check=False)
    transcript = (finished.stdout + finished.stderr).decode("utf-8", "replace")
    # "<-  250 ok", "<~" under TLS, "<** 550 no" for what swaks did not expect.
    replies = re.findall(r"^<(?:-|~|\*\*|~\*) +(.*)$", transcript, re.MULTILINE)
    return Said(finished.returncode, tuple(replies), transcript)
