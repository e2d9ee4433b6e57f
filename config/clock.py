"""The one clock: everything that is stored was timed by `now`.

Durations inside a process are measured with `time.monotonic`, never with this.
"""

import os
from datetime import UTC, datetime, timedelta

# Tests move the clock of a whole gateway, all its processes included, by seconds.
_OFFSET = timedelta(seconds=float(os.environ.get("GATEWAY_CLOCK_OFFSET") or 0))


def now() -> datetime:
    """The present in UTC, aware."""
    return datetime.now(UTC) + _OFFSET
