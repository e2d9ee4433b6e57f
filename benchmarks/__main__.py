"""`python -m benchmarks [NAME ...]`: run the named benchmarks, or all, and print a table for each."""

import argparse
import sys
from collections.abc import Callable
from functools import partial

import pytest

from benchmarks import accept, end_to_end, filing, hostile, latency, lookup, memory, reading, relay, search, startup
from benchmarks.machine import describe_machine


def main() -> int:
    """Run what the command line names; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the gateway beside its peers.")
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="accept, latency, memory, end_to_end, filing, lookup, relay, startup, reading, hostile, search; none: all",
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often each of a pair is measured, in turn (5)")
    parser.add_argument(
        "--messages", type=int, default=1_000_000, help="among how many `lookup` and `search` look (1000000)"
    )
    parser.add_argument("--mails", type=int, default=10_000, help="how many mails `relay` sends in each round (10000)")
    asked = parser.parse_args()
    benchmarks: dict[str, Callable[[], None]] = {
        "accept": partial(accept.main, asked.rounds),
        "latency": partial(latency.main, asked.rounds),
        "memory": memory.main,
        "end_to_end": partial(end_to_end.main, asked.rounds),
        "filing": filing.main,
        "lookup": partial(lookup.main, asked.rounds, asked.messages),
        "relay": partial(relay.main, asked.rounds, asked.mails),
        "startup": partial(startup.main, asked.rounds),
        "reading": reading.main,
        "hostile": hostile.main,
        "search": partial(search.main, asked.messages),
    }
    for name in asked.names:
        if name not in benchmarks:
            parser.error(f"there is no benchmark {name}: choose from {', '.join(benchmarks)}")
    print(describe_machine())
    for name in asked.names or benchmarks:
        print(f"\n{name}\n")
        try:
            benchmarks[name]()
        except pytest.skip.Exception as missing:  # how the peers say what the machine lacks
            print(f"left out: {missing}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
