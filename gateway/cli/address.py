"""`gateway address`: creation addresses, each of one queue."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.desk import Desk, open_desk
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson
from gateway.cli.printing import answer, complain, local_time, say, say_json, table

if TYPE_CHECKING:
    from sqlmodel import Session

    from storage.addresses import CreationAddress

app = Noun("Creation addresses: mail to one of them makes a ticket.")
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="A creation address of ours.")]
Via = Annotated[
    str | None, typer.Option("--answer-via", metavar="CHANNEL", help="Its own channel; else that of its queue.")
]


@dataclass(frozen=True, slots=True)
class Rotation:
    """A new address in the place of an old one, and what is to be done at the provider."""

    address: "AddressView"
    retired: "AddressView"
    steps: list[str]


@dataclass(frozen=True, slots=True)
class AddressView:
    """A creation address as it is shown."""

    address: str
    queue: str
    state: str
    label: str
    answer_via: str | None  # null: as its queue
    created: datetime


@app.verb("new", "gateway address new Support --source help@company.example")
def new(
    ctx: typer.Context,
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help="The queue that its mail goes to.")],
    source: Annotated[str | None, typer.Option(metavar="INBOX", help="The inbox that will forward to it.")] = None,
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    answer_via: Via = None,
    local_part: Annotated[str, typer.Option(metavar="NAME", help="A name that can be guessed, instead of ours.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a creation address for a queue."""
    with open_desk(ctx) as desk:
        from storage.addresses import new_address
        from storage.channels import channel_id_of
        from storage.queues import find_queue, name_source_inbox

        with desk.writing() as session:
            found = find_queue(session, queue)
            via = channel_id_of(session, answer_via) if answer_via else None
            domain = desk.settings.domain
            made = new_address(session, found, domain, local_part=local_part, label=label, answer_via=via)
            if source:
                name_source_inbox(session, found, source)
            view = _view(session, made)
        if local_part:
            complain(f"warning: {view.address} can be guessed, so spam will find it")
        answer(view, as_json, view.address)


@app.verb("set", "gateway address set support.k2v7@in.desk.example --label Shop")
def set_(
    ctx: typer.Context,
    address: Address,
    label: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    answer_via: Via = None,
    as_json: AsJson = False,
) -> None:
    """Change a creation address; what is not named stays."""
    with open_desk(ctx) as desk:
        from storage.addresses import find_address
        from storage.channels import channel_id_of

        with desk.writing() as session:
            found = find_address(session, address)
            found.label = found.label if label is None else label
            found.answer_via = found.answer_via if answer_via is None else channel_id_of(session, answer_via)
            session.add(found)
            session.flush()
            view = _view(session, found)
        answer(view, as_json, f"{view.address} is changed.")


@app.verb("list", "gateway address list --queue Support")
def list_(
    ctx: typer.Context,
    queue: Annotated[str | None, typer.Option(help="Of this queue only.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the creation addresses."""
    with open_desk(ctx) as desk:
        views = _views(desk, queue)
        if as_json:
            say_json(views)
            return
        zone = desk.settings.time_zone
        table(
            ("ADDRESS", "QUEUE", "STATE", "LABEL", "ANSWER VIA", "CREATED"),
            [(v.address, v.queue, v.state, v.label, v.answer_via or "", local_time(v.created, zone)) for v in views],
            empty="No creation address yet: make one with `gateway address new QUEUE`",
        )


def _views(desk: Desk, queue: str | None) -> list[AddressView]:
    from storage.addresses import list_addresses
    from storage.queues import find_queue

    with desk.reading() as session:
        of = find_queue(session, queue).number if queue else None
        return [_view(session, address) for address in list_addresses(session, of)]


@app.verb("retire", "gateway address retire support.k2v7@in.desk.example")
def retire(ctx: typer.Context, address: Address, as_json: AsJson = False) -> None:
    """Take an address out of use; mail to it still makes tickets."""
    with open_desk(ctx) as desk:
        from storage.addresses import retire_address

        with desk.writing() as session:
            view = _view(session, retire_address(session, address))
        answer(view, as_json, f"{view.address} is retired; mail to it still makes tickets.")


@app.verb("rotate", "gateway address rotate support.k2v7@in.desk.example")
def rotate(ctx: typer.Context, address: Address, as_json: AsJson = False) -> None:
    """Put a new address in the place of one that spam has found, and say what to change at the provider."""
    with open_desk(ctx) as desk:
        from storage.addresses import rotate_address
        from storage.queues import source_inboxes

        with desk.writing() as session:
            old, made = rotate_address(session, address, desk.settings.domain)
            inboxes = [inbox.address for inbox in source_inboxes(session, made.queue_id)]
            done = Rotation(_view(session, made), _view(session, old), _steps(old.address, made.address, inboxes))
        answer(done, as_json, f"{done.address.address} takes the place of {done.retired.address}. What is to be done:")
        if not as_json:
            for number, step in enumerate(done.steps, start=1):
                say(f"  {number}. {step}")


def _steps(old: str, made: str, inboxes: list[str]) -> list[str]:
    where = " and ".join(inboxes) or "the inbox that forwards here"
    return [
        f"In the settings of {where}, put {made} where forwarding names {old}.",
        "Where the provider asks for a confirmation, it comes here: gateway mail list --fate setup.",
        "Send a mail to the inbox and see that it makes a ticket. Until then nothing is lost: the old address still"
        " makes tickets.",
    ]


def _view(session: "Session", address: "CreationAddress") -> AddressView:
    from storage.channels import Channel
    from storage.queues import Queue

    channel = session.get(Channel, address.answer_via) if address.answer_via else None
    return AddressView(
        address=address.address,
        queue=session.get_one(Queue, address.queue_id).name,
        state=address.state,
        label=address.label,
        answer_via=channel.name if channel else None,
        created=address.created_at,
    )
