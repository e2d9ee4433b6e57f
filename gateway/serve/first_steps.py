"""What somebody sees who starts the gateway for the first time: a desk to try, and what to type next."""

import sys
from pathlib import Path

from config.files import Loaded
from config.settings import Settings
from storage.addresses import AddressState, list_addresses, new_address
from storage.agents import add_agent, list_agents
from storage.database import Database
from storage.migrate import check_schema, current_revision, open_or_make, upgrade
from storage.queues import Queue, add_queue, list_queues

_QUEUE = "Support"
_AGENT = ("agent@company.example", "Alex Agent")

_TEXT = """
The gateway is listening on {listener}. Stop it with Ctrl-C; the data stays in {data_dir}.

  Its creation address    {address}
  Outgoing mail           {outgoing}

Try it in another terminal, in this folder:

  1. Send a mail to it:
     printf '%s\\n' 'From: Carla Customer <carla@customer.example>' 'To: {address}' \\
       'Subject: My printer smokes' '' 'It has been smoking since Monday.' > mail.txt
     curl smtp://{listener} --mail-from carla@customer.example \\
       --mail-rcpt {address} --upload-file mail.txt --crlf
     (without curl: {gateway} mail inject --to {address} mail.txt)
  2. See the ticket:
     {gateway} ticket list
     {gateway} ticket show 1
  3. Answer it:
     {gateway} ticket reply 1 -m 'Please unplug it.' --now
     {gateway} outbox list --all
  4. See what the gateway thought:
     {gateway} mail why 1.1

Everything else: {gateway} --help
"""


def prepare_database(settings: Settings, *, first_steps: bool) -> None:
    """Make a new database, refuse an old one; for a first look, make a desk too when there is none."""
    database = open_or_make(settings)
    try:
        with database.reading() as session:
            is_new = current_revision(session) is None
        if is_new:
            upgrade(database)
        check_schema(database)
        if first_steps:
            _make_desk(settings, database)
    finally:
        database.close()


def _make_desk(settings: Settings, database: Database) -> None:
    with database.writing() as session:
        if list_queues(session, archived=True):
            return
        queue = add_queue(session, Queue(name=_QUEUE, key=""))
        new_address(session, queue, settings.domain, label="made at the first start")
        if not list_agents(session):
            add_agent(session, *_AGENT)


def print_first_steps(loaded: Loaded) -> None:
    """Say what to try next."""
    settings = loaded.settings
    database = open_or_make(settings)
    with database.reading() as session:
        active = [row.address for row in list_addresses(session) if row.state is AddressState.ACTIVE]
    database.close()
    folder = f"files in {settings.data_dir / 'outgoing'}: no mail server is configured, so nothing leaves this machine"
    text = _TEXT.format(
        listener=settings.listener[0].address,
        data_dir=settings.data_dir,
        address=active[0] if active else "(none: make one with `gateway address new QUEUE`)",
        outgoing=settings.outbound.servers[0].host if settings.outbound.servers else folder,
        gateway=_command(loaded.path),
    )
    sys.stderr.flush()
    print(text, flush=True)


def _command(config: Path) -> str:
    """How to call this very gateway from the folder where we are."""
    script = Path(sys.argv[0])
    named = str(script.relative_to(Path.cwd())) if script.is_relative_to(Path.cwd()) else str(script)
    if script.name == "__main__.py":
        # `python -m gateway`: that file is no program by itself.
        named = f"{sys.orig_argv[0]} -m gateway"
    is_found = config.resolve() == Path("gateway.toml").resolve()
    return named if is_found else f"{named} --config {config}"
