"""Write mail as it came: exact bytes into a pipe or file, made harmless for a terminal."""

import sys

from gateway.cli.printing import say_body


def write_raw(content: bytes) -> None:
    """The bytes of a mail on standard output."""
    if sys.stdout.isatty():
        say_body(content.decode("utf-8", "replace"))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
