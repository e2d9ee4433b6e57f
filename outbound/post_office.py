"""What composing and sending need at hand, opened once for a process."""

from dataclasses import dataclass

from config.secrets import Seal
from config.settings import Settings
from outbound.marks import Marks
from storage.blobs import Blobs, open_blobs
from storage.database import Database
from storage.installation import load_installation


@dataclass(frozen=True, slots=True)
class PostOffice:
    """The settings, the blobs, and the keys that sign our marks and open our secrets."""

    settings: Settings
    blobs: Blobs
    marks: Marks
    seal: Seal


def open_post_office(settings: Settings, database: Database) -> PostOffice:
    """The post office of this installation."""
    with database.reading() as session:
        installation = load_installation(session)
    return PostOffice(
        settings=settings,
        blobs=open_blobs(settings),
        marks=Marks(installation, settings.own_domains),
        seal=Seal(settings.key_file),
    )
