"""What intake does beside filing, when its time has come: take over from the dead, close, remind, let go of storms.

A worker calls between batches; of several workers whoever comes first does it.
"""

import time
from datetime import timedelta

from config import maillog
from config.clock import now
from config.receiving import IntakeSettings
from gateway.intake.canary import watch_forwards
from gateway.intake.checks.flood import UNKNOWN
from gateway.intake.digest import headers_of, waiting_mails, write_digest
from gateway.intake.silence import watch_silence
from gateway.reading.bounded import BoundedReader
from outbound.post_office import PostOffice
from storage.arrivals import remove_free_packs
from storage.claims import recover
from storage.database import Database
from storage.erasure import collect_unwanted
from storage.ids import lock_filing
from storage.leases import is_dead, supervisor_of
from storage.spool import drop_old_held
from storage.storms import release_quiet
from storage.ticket_time import close_solved, open_due

_RECOVER_SECONDS = 5.0
_CLOSE_SECONDS = 600.0
_STORM_SECONDS = 30.0
# What goes on at once of a storm that is over, where new tickets have no limit.
_PORTION = 100


class Chores:
    """Of one worker, who lends the child that reads."""

    def __init__(
        self, settings: IntakeSettings, database: Database, office: PostOffice, reader: BoundedReader, owner: str
    ) -> None:
        self._settings, self._database, self._office = settings, database, office
        self._reader, self._owner = reader, owner
        self._recover_at = self._close_at = self._storms_at = 0.0

    def do_due(self) -> None:
        """Do what is due."""
        at = time.monotonic()
        if at >= self._recover_at:
            self._recover_at = at + _RECOVER_SECONDS
            with self._database.writing() as session:
                recover(session, is_dead, self._died_alone)
        if at >= self._close_at:
            self._close_at = at + _CLOSE_SECONDS
            self._close()
            self._watch()
            remove_free_packs(self._database, self._office.settings)
            self._remind()
        if at >= self._storms_at and self._settings.storm_quiet_minutes:
            self._storms_at = at + _STORM_SECONDS
            self._release_quiet()

    def _died_alone(self, owner: str) -> bool:
        """Its supervisor is ours, so it has outlived it: otherwise everything died together."""
        return supervisor_of(owner) == supervisor_of(self._owner)

    def _close(self) -> None:
        """Close what was solved long ago, open what was put off until now, give up what was held long enough."""
        with self._database.writing() as session:
            close_solved(session, now())
            open_due(session, now())
            if self._settings.unknown_held_days:
                drop_old_held(session, UNKNOWN, now() - timedelta(days=self._settings.unknown_held_days))

    def _watch(self) -> None:
        with self._database.writing() as session:
            lock_filing(session)  # of several workers one sends
            collect_unwanted(session, self._office.blobs)
            watch_forwards(session, self._office)
            watch_silence(session, self._office.settings)

    def _remind(self) -> None:
        """Tell managers what waits for them. The mails are read before the transaction begins, in the child."""
        settings, at = self._office.settings, now()
        with self._database.reading() as session:
            rows = waiting_mails(session, settings, at)
            headers = headers_of(session, self._office.blobs, rows)
        if not rows:
            return
        mails = self._reader.read(headers)
        with self._database.writing() as session:
            lock_filing(session)
            write_digest(session, settings, at, rows, mails)

    def _release_quiet(self) -> None:
        quiet = timedelta(minutes=self._settings.storm_quiet_minutes)
        with self._database.writing() as session:
            released = release_quiet(session, now(), quiet, self._settings.new_tickets_per_sender or _PORTION)
        for id_ in released:
            maillog.released(id_, why="its author has been quiet")
