"""A number that the holder of the turn counts up, and a process that does nothing else."""

import time
from multiprocessing.synchronize import Event
from pathlib import Path

from fakes.spawn import SECONDS

from storage.turnstile import Turnstile


def take_turns(database_file: Path, count_file: Path, ready: Event, stop: Event) -> None:
    """Take turn after turn without a pause, counting each in a file that only the holder of the turn writes."""
    turnstile = Turnstile(database_file, SECONDS)
    while not stop.is_set():
        with turnstile.turn():
            count_turn(count_file)
        ready.set()


def count_turn(count_file: Path) -> int:
    """Read the number, wait a little, write it one higher: two holders at once would lose a number."""
    number = turns_taken(count_file)
    time.sleep(0.001)  # as long as a commit takes on a good disk
    with count_file.open("r+b", buffering=0) as file:
        file.write(b"%08d" % (number + 1))  # in one go: who only looks must not see half of it
    return number + 1


def turns_taken(count_file: Path) -> int:
    """The number as it stands."""
    return int(count_file.read_bytes() or 0)
