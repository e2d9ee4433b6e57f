"""`gateway block`: addresses to which nothing is ever sent."""

import typer

from gateway.cli.desk import Desk, open_desk
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson
from gateway.cli.patterns import Pattern, PatternView, print_patterns
from gateway.cli.printing import answer

app = Noun("The block list: never send there. (To ignore mail from somebody: `gateway contact block`.)")


@app.verb("add", "gateway block add noreply@shop.example")
def add(ctx: typer.Context, pattern: Pattern, as_json: AsJson = False) -> None:
    """Never send to an address, a domain or a pattern."""
    with open_desk(ctx) as desk:
        from storage.blocklist import block

        with desk.writing() as session:
            made = block(session, pattern, desk.actor(session))
            view = PatternView(made.pattern, made.by, "added")
        answer(view, as_json, f"Nothing is sent to {view.pattern} from now on.")


@app.verb("list", "gateway block list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List what is blocked, our own addresses included."""
    with open_desk(ctx) as desk:
        print_patterns(_views(desk), as_json, "Nothing is blocked.")


def _views(desk: Desk) -> list[PatternView]:
    from storage.blocklist import list_blocked, own_addresses

    with desk.reading() as session:
        added = [PatternView(blocked.pattern, blocked.by, "added") for blocked in list_blocked(session)]
        own = sorted(own_addresses(session).items())
        return added + [PatternView(address, "gateway", what) for address, what in own]


@app.verb("remove", "gateway block remove noreply@shop.example")
def remove(ctx: typer.Context, pattern: Pattern, as_json: AsJson = False) -> None:
    """Take a pattern off the list."""
    with open_desk(ctx) as desk:
        from storage.blocklist import unblock

        with desk.writing() as session:
            gone = unblock(session, pattern)
            view = PatternView(gone.pattern, gone.by, "removed")
        answer(view, as_json, f"{view.pattern} is off the block list.")
