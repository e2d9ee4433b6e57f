"""Try a channel: connect, sign in, and say in plain words what is wrong. A test mail is sent only when one is given."""

import asyncio
from dataclasses import dataclass

from config.clock import now
from config.settings import Settings
from outbound.compose import Letter, Thread, compose
from outbound.doors import Door
from outbound.envelope import Envelope, Patience, Server, ServerTrouble
from outbound.marks import Audience, Mark
from outbound.oauth import Accounts
from outbound.post_office import PostOffice
from outbound.refusals import next_step
from outbound.signin import Line, open_line
from outbound.writing import Person
from storage.ids import new_id
from storage.outbox import DeliveryState

_PATIENCE = Patience(command=20, final_reply=20)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one server of a channel said. `advice` is for a person who has to change something."""

    server: str
    ok: bool
    tls: str = ""
    signed_in_as: str = ""
    capabilities: tuple[str, ...] = ()
    reply: str = ""
    advice: str = ""


def probe(
    settings: Settings, door: Door, accounts: Accounts | None = None, mail: Envelope | None = None
) -> list[Finding]:
    """Ask every server of a way; a folder is tried by making it."""
    if door.trouble:
        return [Finding(door.channel_name or "channel", ok=False, reply=door.trouble)]
    if door.folder is not None:
        return [_probe_folder(door)]
    return asyncio.run(_probe_servers(settings, door, accounts, mail))


def trial_mail(office: PostOffice, sender: str, to: str) -> Envelope:
    """A mail that says that it is a test; it belongs to no ticket, and nobody's machine answers it."""
    letter = Letter(
        author=Person("", sender),
        to=(Person("", to),),
        subject="A test of the mail gateway",
        text="This mail was sent with `gateway channel test`: the channel works.\n",
        date=now(),
        thread=Thread(office.marks.message_id(Mark(Audience.PROBE, 0, new_id()))),
        loop_value=office.marks.loop_value(),
    )
    return Envelope(sender, (to,), compose(letter))


def _probe_folder(door: Door) -> Finding:
    assert door.folder is not None
    try:
        door.folder.mkdir(parents=True, exist_ok=True)
        trial = door.folder / ".probe"
        trial.touch()
        trial.unlink()
    except OSError as error:
        return Finding(
            str(door.folder), ok=False, reply=str(error), advice="give the gateway a folder that it may write"
        )
    return Finding(str(door.folder), ok=True, reply="mail becomes .eml files there; nothing is sent")


async def _probe_servers(
    settings: Settings, door: Door, accounts: Accounts | None, mail: Envelope | None
) -> list[Finding]:
    return [await _probe_server(settings, server, accounts, mail) for server in door.servers]


async def _probe_server(
    settings: Settings, server: Server, accounts: Accounts | None, mail: Envelope | None
) -> Finding:
    try:
        line = await open_line(server, settings.hostname, _PATIENCE, accounts)
    except ServerTrouble as trouble:
        reply = str(trouble.reply)
        return Finding(server.name, ok=False, reply=reply, advice=next_step(reply))
    capabilities = tuple(f"{name} {value}".strip().upper() for name, value in line.extensions.items())
    tls = line.tls
    ok, reply = await _send(line, mail) if mail else (True, "")
    await line.close()
    advice = "" if ok else next_step(reply)
    return Finding(server.name, ok, tls, server.user, capabilities, reply, advice)


async def _send(line: Line, mail: Envelope) -> tuple[bool, str]:
    async def yes() -> bool:
        return True

    try:
        [answer] = await line.deliver(mail, yes)
    except ServerTrouble as trouble:
        return False, str(trouble.reply)
    return answer.state is DeliveryState.SENT, str(answer.reply)
