"""What the relay does beside sending: it writes the notices that are due, and keeps sign-ins alive."""

import asyncio
import time
from contextlib import suppress

from config import maillog
from config.errors import GatewayError
from outbound.notices import send_due_notices
from outbound.oauth import Accounts
from outbound.post_office import PostOffice
from storage.database import Database

_NOTICES_SECONDS = 2.0
_ACCOUNTS_SECONDS = 3600.0


async def make_rounds(office: PostOffice, database: Database, accounts: Accounts, stop: asyncio.Event) -> None:
    """Go round until told to stop. Troubles are logged, and the next round tries again."""
    accounts_due = time.monotonic()
    while not stop.is_set():
        try:
            await asyncio.to_thread(send_due_notices, database, office)
            if time.monotonic() >= accounts_due:
                accounts_due = time.monotonic() + _ACCOUNTS_SECONDS
                await asyncio.to_thread(accounts.keep_alive)
        except GatewayError as error:
            maillog.trouble("rounds", error=str(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _NOTICES_SECONDS)
