"""A conversation that is driven by hand: it goes on at once, and may wait for what a task may wait for."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

import pytest

from gateway.listener.steps import Steps, more_bytes

Diary = list[str]


def driven(
    conversation: Callable[[Diary], Coroutine[object, None, None]], act: Callable[[Steps, Diary], Awaitable[None]]
) -> Diary:
    """What was noted while a conversation began and somebody acted."""

    async def run() -> Diary:
        diary: Diary = []
        steps = Steps(conversation(diary), asyncio.get_running_loop())
        steps.go_on()
        await act(steps, diary)
        return diary

    return asyncio.run(run())


def test_a_conversation_goes_on_where_its_bytes_arrive() -> None:
    """What follows a wait for bytes is done before `go_on` returns, without a turn of the loop."""

    async def conversation(diary: Diary) -> None:
        diary.append("hello")
        await more_bytes()
        diary.append("bytes")

    async def act(steps: Steps, diary: Diary) -> None:
        diary.append("begun")
        steps.go_on()
        diary.append("returned")

    assert driven(conversation, act) == ["hello", "begun", "bytes", "returned"]


def test_a_conversation_waits_for_futures_and_turns_of_the_loop() -> None:
    """A future's result or error, a pause and a bare turn of the loop come back to who awaits them."""

    async def conversation(diary: Diary) -> None:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        loop.call_later(0.001, future.set_result, "result")
        diary.append(await future)
        failing = loop.create_future()
        loop.call_soon(failing.set_exception, ValueError("error"))
        with pytest.raises(ValueError, match="error"):
            await failing
        await asyncio.sleep(0.001)
        diary.append("slept")
        await asyncio.sleep(0)
        diary.append("turned")

    async def act(_steps: Steps, _diary: Diary) -> None:
        await asyncio.sleep(0.05)

    assert driven(conversation, act) == ["result", "slept", "turned"]


def test_a_cancelled_wait_ends_a_conversation_in_order() -> None:
    """When what it waits for is cancelled, as threads are at the end, it tidies up, and the loop hears of no error."""
    complaints: list[object] = []

    async def conversation(diary: Diary) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: complaints.append(context))
        future = loop.create_future()
        loop.call_soon(future.cancel)
        try:
            await future
        finally:
            diary.append("tidy")

    async def act(_steps: Steps, _diary: Diary) -> None:
        await asyncio.sleep(0.01)

    assert driven(conversation, act) == ["tidy"]
    assert complaints == []
