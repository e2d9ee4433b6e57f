"""Short forms of what agents type all day: `gateway reply 12` for `gateway ticket reply 12`."""

import typer

from gateway.cli import ticket, ticket_change, ticket_list, ticket_reply
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson

app = Noun()
app.verb("list", "gateway list --mine")(ticket_list.list_)
app.verb("show", "gateway show 12")(ticket.show)
app.verb("reply", "gateway reply 12 -m 'It is fixed.'")(ticket_reply.reply)
app.verb("assign", "gateway assign 12 me")(ticket_change.assign)


@app.verb("close", "gateway close 12")
def close(
    ctx: typer.Context,
    numbers: ticket_change.Numbers,
    as_json: AsJson = False,
) -> None:
    """Close tickets: a later mail opens a new one that is linked to its ticket."""
    ticket_change.status(ctx, numbers, "closed", None, as_json)
