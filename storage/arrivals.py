"""Where the bytes of a mail that arrives are kept, through whatever door: in its row, or in a blob before it."""

from dataclasses import replace

from storage.accepting import accept
from storage.blobs import Blobs
from storage.database import Database
from storage.spool import Arrival

# Larger mails are blobs first: a database page at a time would hold every other writer.
BLOB_BYTES = 256 * 1024


def is_blob_first(blobs: Blobs, arrival: Arrival) -> bool:
    """Whether its bytes are to be moved into a blob; never while that is on another machine and a sender waits."""
    return arrival.content is not None and arrival.size > BLOB_BYTES and not blobs.is_remote


def as_blob(blobs: Blobs, arrival: Arrival) -> Arrival:
    """The arrival with its bytes moved into a blob when they are many. Raises DatabaseUnavailable, StorageFull."""
    if arrival.content is None or not is_blob_first(blobs, arrival):
        return arrival
    blobs.put(arrival.content, arrival.sha256)
    return replace(arrival, content=None)


def accept_now(database: Database, blobs: Blobs, arrival: Arrival) -> str:
    """Accept one mail without a listener, in the same way; returns its id. Raises DatabaseUnavailable, StorageFull."""
    arrival = as_blob(blobs, arrival)
    with database.writing_connection() as connection:
        return accept(connection, [arrival])[0]
