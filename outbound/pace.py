"""Not faster than a server allows: so many mails in any minute, and then the next one waits."""

import asyncio
import time
from collections import deque

_WINDOW = 60.0


class Pace:
    """A limit on mails a minute; 0 is none."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._sent: deque[float] = deque(maxlen=per_minute or 1)

    async def wait(self) -> None:
        """Return when the next mail may go."""
        if not self._per_minute:
            return
        earliest = self._sent[0] + _WINDOW if len(self._sent) == self._per_minute else 0.0
        # Its place is taken before the wait, so that those who wait come one after another.
        self._sent.append(max(earliest, time.monotonic()))
        await asyncio.sleep(max(0.0, earliest - time.monotonic()))
