"""How long a sender waits for the 250 after his dot, ten at a time: the listener beside Postfix in hold mode."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles

from peers.postfix import Postfix, Routes

from benchmarks.desk import new_desk
from benchmarks.machine import print_table, spread
from benchmarks.sending import send, write_mails

_AUTHORS = 300


def main(rounds: int) -> None:
    """Print the table."""
    ours: list[list[float]] = []
    theirs: list[list[float]] = []
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder, Postfix(Routes(hold=True)) as postfix:
        gateway, address = new_desk(Path(folder))
        gateway.start("--role", "listener")
        try:
            for seed in range(rounds):
                mails = write_mails(_AUTHORS, address, seed)
                ours.append(send(gateway.port, address, mails))
                theirs.append(send(postfix.port, address, mails))
        finally:
            gateway.stop()
    print_table(
        ("milliseconds from the dot to the 250, 2 KB", "gateway", "Postfix", "ratio"),
        [_row("median", 50, ours, theirs), _row("99 of 100", 99, ours, theirs)],
    )


def _row(name: str, percent: int, ours: Sequence[list[float]], theirs: Sequence[list[float]]) -> Sequence[str]:
    mine, others = ([quantiles(waits, n=100)[percent - 1] * 1000 for waits in rounds] for rounds in (ours, theirs))
    return (name, spread(mine, 1), spread(others, 1), f"{median(mine) / median(others):.2f}")
