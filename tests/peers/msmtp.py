"""msmtp, a client that stands in for sendmail: one mail a run, lines as Unix has them."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from peers.need import need
from peers.ports import LOOPBACK


def msmtp(
    port: int, recipients: Sequence[str], mail: bytes, sender: str = "bob@client.example", authority: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Send one mail; with the certificate of an authority, by STARTTLS or not at all."""
    tls = ["--tls=on", "--tls-starttls=on", f"--tls-trust-file={authority}"] if authority else ["--tls=off"]
    return subprocess.run(
        [
            # No configuration of the tester's: --host keeps msmtp from reading one.
            need("msmtp"), f"--host={LOOPBACK}", f"--port={port}", f"--from={sender}", "--auth=off",
            "--timeout=60", "--domain=client.example", *tls, "--", *recipients,
        ],
        input=mail.replace(b"\r\n", b"\n"), capture_output=True, timeout=90, check=False,
    )  # fmt: skip
