"""Try a channel: connect, sign in, and say in plain words what is wrong. Nothing is sent."""

import asyncio
from dataclasses import dataclass

from config.settings import Settings
from outbound.doors import Door
from outbound.envelope import Patience, Server, ServerTrouble
from outbound.refusals import plain_sentence
from outbound.signin import connect

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


def probe(settings: Settings, door: Door) -> list[Finding]:
    """Ask every server of a way; a folder is tried by making it."""
    if door.trouble:
        return [Finding(door.channel_name or "channel", ok=False, reply=door.trouble)]
    if door.folder is not None:
        return [_probe_folder(door)]
    return asyncio.run(_probe_servers(settings, door))


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


async def _probe_servers(settings: Settings, door: Door) -> list[Finding]:
    return [await _probe_server(settings, server) for server in door.servers]


async def _probe_server(settings: Settings, server: Server) -> Finding:
    try:
        connection = await connect(server, settings.hostname, _PATIENCE)
    except ServerTrouble as trouble:
        reply = str(trouble.reply)
        return Finding(server.name, ok=False, reply=reply, advice=plain_sentence(reply))
    capabilities = tuple(f"{name} {value}".strip().upper() for name, value in connection.extensions.items())
    tls = connection.tls
    await connection.close()
    return Finding(server.name, ok=True, tls=tls, signed_in_as=server.user, capabilities=capabilities)
