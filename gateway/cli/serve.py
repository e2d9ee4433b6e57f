"""`gateway serve`: run the daemon."""

from typing import Annotated

import typer

from gateway.cli.desk import load_settings
from gateway.cli.noun import Noun

app = Noun()


@app.verb("serve", "gateway serve --role listener --role intake")
def serve(
    ctx: typer.Context,
    role: Annotated[
        list[str] | None,
        typer.Option("--role", metavar="listener|mailbox|intake|relay", help="Run this part only; may be given again."),
    ] = None,
    first_steps: Annotated[
        bool, typer.Option("--first-steps", help="Make a queue, an address and an agent when there are none.")
    ] = False,
) -> None:
    """Run the gateway: take mail, file it, send answers. Ends in order on SIGTERM."""
    loaded = load_settings(ctx)
    from gateway.serve.supervisor import serve as serve_parts

    raise typer.Exit(serve_parts(loaded, tuple(role or ()), first_steps=first_steps))
