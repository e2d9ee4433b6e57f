"""What all benchmarks need: the CPU time of processes, medians in a table, a word about the machine. Linux only."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from statistics import median

_TICKS = os.sysconf("SC_CLK_TCK")


def describe_machine() -> str:
    """Processors, memory, load and versions, as a line above the tables."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} processors, {memory:.0f} GiB, load {load:.1f} at the start; "
        f"Python {platform.python_version()}, {platform.system()} {platform.release().partition('-')[0]}"
    )


def cpu_seconds(processes: Sequence[int]) -> float:
    """CPU time of these processes until now, and of their children that have ended."""
    return sum(_cpu_ticks(pid) for pid in processes) / _TICKS


def tree_of(root: int) -> list[int]:
    """A process with all its living descendants."""
    parents = {int(path.name): _parent(int(path.name)) for path in Path("/proc").iterdir() if path.name.isdigit()}
    tree = [root]
    for pid in tree:  # it grows while we walk
        tree += [child for child, parent in parents.items() if parent == pid]
    return tree


def name_of(pid: int) -> str:
    """The name of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def command_of(pid: int) -> str:
    """The command line that a process was started with, its words apart by blanks; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def memory_kib(pid: int, what: str) -> int:
    """Of /proc/PID/status: VmRSS, what a process holds, or VmHWM, the most that it held since `forget_peak`."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith(f"{what}:"))


def forget_peak(pid: int) -> None:
    """Let VmHWM begin anew: proc(5), clear_refs."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _parent(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def _cpu_ticks(pid: int) -> int:
    # utime, stime, cutime, cstime: proc(5), counted behind the name.
    return sum(int(field) for field in _stat(pid)[11:15])


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []  # it has ended


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns of text; the first to the left, figures to the right."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        first, *rest = (
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        print("  ".join([first, *rest]), flush=True)


def spread(values: Sequence[float], digits: int = 0) -> str:
    """The median, with the least and the greatest."""
    return f"{median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"
