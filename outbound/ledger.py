"""Write what happens to many mails under way, several in one transaction.

The dot marker and the outcome of each mail are commits; with several connections busy they would wait for each
other, so those that wait share one, and what is alike is done with one statement for all. A change that fails
takes no other one with it.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from sqlmodel import Session

from storage.database import Database

_MAX_BATCH = 50
T = TypeVar("T")
Item = TypeVar("Item")
Together = Callable[[Session, list[Item]], Sequence[T]]


@dataclass(frozen=True, slots=True)
class _Entry:
    change: Callable[[Session, list[object]], Sequence[object]]
    item: object
    done: asyncio.Future[object]


class Ledger:
    """One writer for all tasks of a process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: asyncio.Queue[_Entry] = asyncio.Queue()

    async def write(self, change: Callable[[Session], T]) -> T:
        """Do this in a transaction; returns what it returned, after the commit. `run` must be running."""
        return await self.share(lambda session, _: [change(session)], None)

    async def share(self, change: "Together[Item, T]", item: Item) -> T:
        """Like `write`, but a transaction calls this once with the items of all who share it: a result for each."""
        same = cast(Callable[[Session, list[object]], Sequence[object]], change)
        entry = _Entry(same, item, asyncio.get_running_loop().create_future())
        self._waiting.put_nowait(entry)
        return cast(T, await entry.done)

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < _MAX_BATCH and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            await self._commit(batch)

    async def _commit(self, batch: list[_Entry]) -> None:
        try:
            results = await asyncio.to_thread(self._together, batch)
        except Exception as error:  # noqa: BLE001 - whoever waits for a change gets its error
            if len(batch) > 1:
                for entry in batch:
                    await self._commit([entry])
            elif not batch[0].done.cancelled():
                batch[0].done.set_exception(error)
            return
        for entry, result in zip(batch, results, strict=True):
            if not entry.done.cancelled():
                entry.done.set_result(result)

    def _together(self, batch: list[_Entry]) -> list[object]:
        alike: dict[Callable[[Session, list[object]], Sequence[object]], list[int]] = {}
        for place, entry in enumerate(batch):
            alike.setdefault(entry.change, []).append(place)
        results: dict[int, object] = {}
        with self._database.writing() as session:
            for change, places in alike.items():
                results |= zip(places, change(session, [batch[place].item for place in places]), strict=True)
        return [results[place] for place in range(len(batch))]
