"""Drive a conversation by hand: it goes on at once where its bytes arrive, without a task of asyncio.

A task would cost a future, a handle and a turn of the loop for each command, a fifth of the dialogue's time. What
is awaited may be a future of the loop, `asyncio.sleep`, or `more_bytes`; nothing that asks for the current task,
as `asyncio.timeout` does.
"""

import asyncio
import types
from collections.abc import Coroutine, Generator
from typing import Any, Final, TypeVar

_BYTES: Final = object()

_Result = TypeVar("_Result")


@types.coroutine
def more_bytes() -> Generator[object, None, None]:
    """Wait until whoever drives says `go_on`."""
    yield _BYTES


class Steps:
    """One coroutine on its way. It must end with no exception."""

    __slots__ = ("_loop", "_send")

    def __init__(self, coroutine: Coroutine[Any, None, None], loop: asyncio.AbstractEventLoop) -> None:
        self._send = coroutine.send
        self._loop = loop

    def go_on(self, _done: object = None) -> None:
        """Run until it waits again, or has ended: also because what it waited for was cancelled. Not while it runs."""
        try:
            awaited = self._send(None)
        except (StopIteration, asyncio.CancelledError):
            return
        if awaited is _BYTES:
            return
        if awaited is None:  # a bare turn of the loop
            self._loop.call_soon(self.go_on)
        else:
            awaited._asyncio_future_blocking = False  # what a task says to a future that it waits for
            awaited.add_done_callback(self.go_on)


async def in_time(future: "asyncio.Future[_Result]", seconds: float) -> _Result:
    """What a future has to say within so long. Raises TimeoutError, and leaves it alone then.

    Not `wait_for`, which asks for a task, and cancels.
    """
    done, _ = await asyncio.wait((future,), timeout=max(seconds, 0))
    if not done:
        future.add_done_callback(_look_at_its_error)
        raise TimeoutError
    return future.result()


def _look_at_its_error(future: "asyncio.Future[_Result]") -> None:
    if not future.cancelled():
        future.exception()
