"""How the time to read a mail grows with its size, on mails that were made to cost.

    python -m benchmarks.hostile

CPU time at n, 2n, 4n and 8n octets. A reader that looks back and forth needs 64 times as long for eight times the
mail; what is bounded needs less than eight times.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from fakes.hostile import FAMILIES

from benchmarks.machine import print_table
from gateway.reading.parse import read_mail

_SIZES = tuple(factor * 8 * 1024 for factor in (1, 2, 4, 8))
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    """Print the table, what grows most first."""
    taken = {name: [_milliseconds(make(size)) for size in _SIZES] for name, make in FAMILIES.items()}
    rows = sorted(taken.items(), key=lambda row: -row[1][-1] / row[1][0])
    print_table(
        ("milliseconds of CPU", *(f"{size // 1024} KB" for size in _SIZES), "growth"),
        [(name, *(f"{value:.1f}" for value in values), f"{values[-1] / values[0]:.1f}") for name, values in rows],
    )


def _milliseconds(raw: bytes) -> float:
    best = float("inf")
    for _ in range(2):
        begin = time.process_time()
        read_mail(raw, arrived=_NOW)
        best = min(best, time.process_time() - begin)
    return best * 1000


if __name__ == "__main__":
    main()
