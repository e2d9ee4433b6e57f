"""How far a long command is: a bar on standard error in a terminal, and lines elsewhere where somebody waits."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.cli.printing import complain

_LINE_SECONDS = 10.0


@contextmanager
def progress(
    what: str, total: int, *, is_quiet: bool = False, is_awaited: bool = False
) -> Iterator[Callable[[int, int], None]]:
    """Hands over a function that takes how many are done, and of how many."""
    if is_quiet or not (sys.stderr.isatty() or is_awaited):
        yield lambda _done, _total: None
        return
    if not sys.stderr.isatty():
        yield _by_lines(what)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done, whole: bar.update(task, completed=done, total=whole)


def _by_lines(what: str) -> Callable[[int, int], None]:
    """At the beginning, at the end, and every now and then in between."""
    told = [0.0, -1.0]

    def tell(done: int, total: int) -> None:
        at = time.monotonic()
        if done != told[1] and (done >= total or at - told[0] >= _LINE_SECONDS):
            told[:] = [at, done]
            complain(f"{what}: {done} of {total}")

    return tell
