"""End what a test started, even when the test run itself is killed.

A shell holds the reading end of a pipe whose writing end is ours alone. When we die, of
whatever, the kernel closes our end and the shell carries out its command. This is not the
ordinary way to end a peer: that is its own `stop`, which dismisses the will first.
"""

import subprocess
from collections.abc import Sequence


class LastWill:
    """A command that runs when this process is gone."""

    def __init__(self, command: Sequence[str]) -> None:
        # A session of its own, so that Ctrl-C at the terminal does not end the executor before its time.
        self._executor = subprocess.Popen(
            ["/bin/sh", "-c", 'cat >/dev/null; exec "$@"', "lastwill", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )

    def dismiss(self) -> None:
        """Forget the command: what it was to end has ended."""
        if self._executor.stdin is None:
            return
        self._executor.kill()
        self._executor.wait()
        self._executor.stdin.close()
