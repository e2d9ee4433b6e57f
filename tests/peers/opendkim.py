"""OpenDKIM as a reader of signatures: the filter that many mail servers run, here over one mail in a file."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from peers.need import need

_SECONDS = 30
_RESULT = re.compile(r"dkim=(\w+)[^;]*header\.a=([a-z0-9-]+)")


def verdicts(folder: Path, mail: bytes, records: Mapping[str, str]) -> dict[str, str]:
    """What OpenDKIM says of each signature, by its algorithm. `records` is what stands in DNS, by name."""
    program = need("opendkim")
    (folder / "mail.eml").write_bytes(mail)
    (folder / "keys").write_text("".join(f"{name} {record}\n" for name, record in records.items()))
    (folder / "opendkim.conf").write_text(f"Mode v\nSyslog no\nTestPublicKeys {folder}/keys\n")
    words = [program, "-x", str(folder / "opendkim.conf"), "-vv", "-t", str(folder / "mail.eml")]
    said = subprocess.run(words, capture_output=True, text=True, timeout=_SECONDS, check=True).stdout
    return {algorithm: result for result, algorithm in _RESULT.findall(said)}
