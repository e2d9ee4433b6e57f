"""The text of a reply or a note: from -m, from standard input, or from the writer's editor.

typer has no editor launcher, so this is a small one of our own.
"""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from config.errors import AskedWrongly

SCISSORS = "--- What stands below this line is left out. An empty text sends nothing. ---"
_NO_TEXT = "Say it with -m TEXT, on standard input, or set $EDITOR"


def text_from(given: str | None, below: str = "") -> str:
    """The text that somebody writes; `below` is shown in his editor and left out. Raises AskedWrongly for none."""
    if given is not None:
        text = given
    elif not sys.stdin.isatty():
        text = sys.stdin.buffer.read().decode("utf-8", "replace")
    else:
        text = _edited(below)
    if not text.strip():
        raise AskedWrongly("There is no text, so nothing was done. " + _NO_TEXT)
    return text.replace("\r\n", "\n").strip("\n") + "\n"


def _edited(below: str) -> str:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        raise AskedWrongly(_NO_TEXT)
    with tempfile.TemporaryDirectory(prefix="gateway-") as folder:
        path = Path(folder) / "reply.txt"
        path.write_text(f"\n{SCISSORS}\n{below}", encoding="utf-8")
        try:
            # The editor is the writer's own choice, with its options.
            ended = subprocess.run([*shlex.split(editor), str(path)], check=False)  # noqa: S603
        except (OSError, ValueError) as error:
            raise AskedWrongly(f"The editor {editor} does not start: {error}") from error
        if ended.returncode:
            raise AskedWrongly(f"The editor {editor} ended with status {ended.returncode}, so nothing was done")
        return path.read_text(encoding="utf-8", errors="replace").partition(SCISSORS)[0]


def keep_draft(folder: Path, name: str, text: str) -> Path:
    """Keep a text that could not be sent; returns where."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, path = tempfile.mkstemp(prefix=f"{name}-", suffix=".txt", dir=folder, text=True)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return Path(path)
