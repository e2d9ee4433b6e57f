"""Where the bytes of a mail that arrives are kept: in its row, or before it in a pack or a blob, by their size."""

from collections.abc import Sequence

from config.settings import Settings
from storage.accepting import accept
from storage.blobs import Blobs, FolderBlobs
from storage.database import Database
from storage.packs import PackWriter, remove_free
from storage.spool import Arrival, is_pack_needed

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
    return arrival._replace(content=None)


def open_packs(settings: Settings) -> PackWriter | None:
    """For what becomes a blob when it is filed; None where blobs are on another machine."""
    if settings.blob_dir is None:
        return None
    return PackWriter(FolderBlobs(settings.blob_dir).packs, above=settings.intake.inline_raw_bytes)


def in_packs(packs: PackWriter, arrivals: Sequence[Arrival]) -> Sequence[Arrival]:
    """The arrivals with the bytes of the larger ones moved into a pack. Raises DatabaseUnavailable, StorageFull."""
    larger = {
        number: arrival.content
        for number, arrival in enumerate(arrivals)
        if arrival.content is not None and arrival.size > packs.above
    }
    if not larger:
        return arrivals
    moved = list(arrivals)
    for number, place in zip(larger, packs.append([*larger.values()]), strict=True):
        moved[number] = arrivals[number]._replace(content=None, pack=place)
    return moved


def remove_free_packs(database: Database, settings: Settings) -> int:
    """Remove the packs whose mails are all filed; returns how many. Raises DatabaseUnavailable."""
    if settings.blob_dir is None:
        return 0

    def is_needed(pack: str) -> bool:
        # A transaction for each: an earlier one would not see what was committed since.
        with database.reading() as session:
            return is_pack_needed(session, pack)

    return remove_free(FolderBlobs(settings.blob_dir).packs, is_needed)


def accept_now(database: Database, blobs: Blobs, arrival: Arrival) -> str:
    """Accept one mail without a listener, in the same way; returns its id. Raises DatabaseUnavailable, StorageFull."""
    arrival = as_blob(blobs, arrival)
    with database.writing_connection() as connection:
        return accept(connection, [arrival])[0]
