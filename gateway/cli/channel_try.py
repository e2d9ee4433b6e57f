"""`gateway channel test`: what each server of a channel says to us, and a mail to somebody if that is asked."""

from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import AskedWrongly, Refused
from gateway.cli.desk import Desk, open_desk
from gateway.cli.options import AsJson
from gateway.cli.printing import facts, say, say_json

if TYPE_CHECKING:
    from outbound.doors import Door
    from outbound.envelope import Envelope
    from outbound.post_office import PostOffice
    from outbound.probe import Finding

Name = Annotated[str, typer.Argument(metavar="NAME", help="The channel's name; the default servers are `default`.")]


def try_(
    ctx: typer.Context,
    name: Name = "default",
    send_to: Annotated[str | None, typer.Option(metavar="EMAIL", help="Send a test mail there, too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Connect and sign in; nothing is sent without --send-to. Exit status 1 when it fails."""
    with open_desk(ctx) as desk:
        from outbound.oauth import Accounts
        from outbound.post_office import open_post_office
        from outbound.probe import probe

        office = open_post_office(desk.settings, desk.database)
        door, sender = _door(desk, office, name)
        mail = _trial(desk, office, sender, send_to) if send_to else None
        accounts = Accounts(desk.database, office.seal, desk.settings.office365)
        findings = probe(desk.settings, door, accounts, mail)
    if as_json:
        say_json(findings)
    for found in [] if as_json else findings:
        _print(found)
    # The default servers are tried in order, so one that works is enough.
    if not any(found.ok for found in findings):
        raise typer.Exit(1)


def _print(found: "Finding") -> None:
    said = found.tls or found.reply or "connected without TLS" if found.ok else found.advice or found.reply
    say(f"{'ok  ' if found.ok else 'fail'}  {found.server}: {said}")
    facts(
        [
            ("signed in as", found.signed_in_as),
            ("capabilities", ", ".join(found.capabilities)),
            ("said", found.reply if found.advice or found.tls else ""),
        ]
    )


def _door(desk: Desk, office: "PostOffice", name: str) -> "tuple[Door, str]":
    """The way, and the address that it sends as."""
    from outbound.doors import channel_door, default_door
    from storage.channels import channel_id_of, find_channel

    with desk.reading() as session:
        if channel_id_of(session, name) is None:
            return default_door(desk.settings), f"postmaster@{desk.settings.domain}"
        channel = find_channel(session, name)
        return channel_door(session, office, channel), channel.from_address


def _trial(desk: Desk, office: "PostOffice", sender: str, to: str) -> "Envelope":
    """A test mail. The block list holds for it too."""
    from outbound.guard import why_not
    from outbound.probe import trial_mail
    from storage.address import canonical_address
    from storage.outbox import OutgoingKind

    address = canonical_address(to)
    if address is None:
        raise AskedWrongly(f"--send-to: {to!r} is no mail address")
    with desk.reading() as session:
        why = why_not(session, office, address, OutgoingKind.REPLY)
    if why:
        raise Refused(f"Nothing was sent: {address} cannot be written to, {why}")
    return trial_mail(office, sender, address)
