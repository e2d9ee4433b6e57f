"""Other processes that use the same storage: what they do stands here, since a spawned one imports it by name."""

from multiprocessing.synchronize import Barrier
from typing import Any

from fakes.rows import arrival
from fakes.spawn import SECONDS

from config.settings import Settings
from storage.accepting import accept
from storage.database import open_database


def accept_pairs(settings: Settings, barrier: Barrier, contents: list[bytes], ids: Any) -> None:
    """Accept each content at the moment when the other process does; put the ids that were answered."""
    database = open_database(settings)
    answered = []
    for content in contents:
        barrier.wait(SECONDS)
        with database.writing_connection() as connection:
            answered += accept(connection, [arrival(content)])
    database.close()
    ids.put(answered)


def upgrade_together(settings: Settings, barrier: Barrier) -> None:
    """Upgrade the database at the moment when the other process does."""
    # Slow to import, and this is its only use here.
    from storage.migrate import open_or_make, upgrade

    database = open_or_make(settings)
    barrier.wait(SECONDS)
    upgrade(database)
    database.close()
