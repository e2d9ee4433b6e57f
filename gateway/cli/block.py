"""`gateway block`: addresses to which nothing is ever sent."""

from dataclasses import dataclass
from typing import Annotated

import typer

from gateway.cli.desk import Desk, open_desk
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson
from gateway.cli.printing import answer, say_json, table

app = Noun("The block list: never send there. (To ignore mail from somebody: `gateway contact block`.)")
Pattern = Annotated[
    str, typer.Argument(metavar="PATTERN", help="An address, @domain, @.domain (with subdomains), or with *.")
]


@dataclass(frozen=True, slots=True)
class BlockedView:
    """A line of the block list."""

    pattern: str
    by: str  # who put it there; `gateway` for our own addresses
    why: str


@app.verb("add", "gateway block add noreply@shop.example")
def add(ctx: typer.Context, pattern: Pattern, as_json: AsJson = False) -> None:
    """Never send to an address, a domain or a pattern."""
    with open_desk(ctx) as desk:
        from storage.blocklist import block

        with desk.writing() as session:
            made = block(session, pattern, desk.actor(session))
            view = BlockedView(made.pattern, made.by, "added")
        answer(view, as_json, f"Nothing is sent to {view.pattern} from now on.")


@app.verb("list", "gateway block list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List what is blocked, our own addresses included."""
    with open_desk(ctx) as desk:
        views = _views(desk)
        if as_json:
            say_json(views)
        else:
            table(("PATTERN", "BY", "WHY"), [(v.pattern, v.by, v.why) for v in views], empty="Nothing is blocked.")


def _views(desk: Desk) -> list[BlockedView]:
    from storage.blocklist import list_blocked, own_addresses

    with desk.reading() as session:
        added = [BlockedView(blocked.pattern, blocked.by, "added") for blocked in list_blocked(session)]
        own = sorted(own_addresses(session).items())
        return added + [BlockedView(address, "gateway", what) for address, what in own]


@app.verb("remove", "gateway block remove noreply@shop.example")
def remove(ctx: typer.Context, pattern: Pattern, as_json: AsJson = False) -> None:
    """Take a pattern off the list."""
    with open_desk(ctx) as desk:
        from storage.blocklist import unblock

        with desk.writing() as session:
            gone = unblock(session, pattern)
            view = BlockedView(gone.pattern, gone.by, "removed")
        answer(view, as_json, f"{view.pattern} is off the block list.")
