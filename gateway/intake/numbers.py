"""Numbers of a counter for one batch: taken at once, and given back when nobody needed them."""

from collections import deque

from sqlmodel import Session

from storage.ids import give_back_numbers, take_numbers


class Numbers:
    """The next numbers of one counter, so many at a time."""

    def __init__(self, session: Session, name: str, count: int) -> None:
        self._session, self._name, self._count = session, name, count
        self._taken: deque[int] = deque()

    def next(self) -> int:
        """The next one."""
        if not self._taken:
            self._taken.extend(take_numbers(self._session, self._name, self._count))
        return self._taken.popleft()

    def give_back(self) -> None:
        """Those that nobody used."""
        give_back_numbers(self._session, self._name, len(self._taken))
        self._taken.clear()
