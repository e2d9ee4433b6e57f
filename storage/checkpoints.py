"""Copy SQLite's log into its database beside whoever commits, a little at a time.

Otherwise the commit that makes the log too long does it: thousands of pages and two fsyncs, while senders wait. What
is copied here, that commit finds done; a log that is copied whole begins anew. PostgreSQL has a process for it.
"""

import threading

from config import maillog
from config.errors import DatabaseUnavailable, StorageFull
from storage.database import Database

# A quarter of what SQLite waits for. A page that they write again and again is copied once.
_MAILS = 300
_TROUBLE_SECONDS = 5.0


class Checkpoints:
    """A thread that is awake while somebody commits; one thread calls `count`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._mails = 0
        self._is_wanted = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checkpoint", daemon=True)
        if database.is_sqlite:
            self._thread.start()

    def count(self, mails: int) -> None:
        """So many were committed."""
        self._mails += mails
        if self._mails >= _MAILS:
            self._mails = 0
            self._is_wanted.set()

    def close(self) -> None:
        """End the thread. What is not copied yet, any later commit copies."""
        self._stopping.set()
        self._is_wanted.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while self._is_wanted.wait() and not self._stopping.is_set():
            self._is_wanted.clear()
            try:
                self._database.checkpoint()
            except (DatabaseUnavailable, StorageFull) as error:
                # Nothing is lost, the log still has it all.
                maillog.trouble("checkpoint", error=str(error))
                self._stopping.wait(_TROUBLE_SECONDS)
