"""`gateway dns`: the records to publish, and what DNS says about them now."""

from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import AskedWrongly
from gateway.cli.desk import Desk, open_desk
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson
from gateway.cli.printing import say, say_json

if TYPE_CHECKING:
    from gateway.published import Wanted

app = Noun()


@app.verb("dns", "gateway dns company.example")
def dns(
    ctx: typer.Context,
    domain: Annotated[
        str, typer.Argument(metavar="[DOMAIN]", help="One domain; else ours and every domain in From.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Print the DNS records to publish, and how DNS answers now: MX, SPF, DKIM, DMARC and MTA-STS."""
    with open_desk(ctx) as desk:
        records = _records(desk, domain)
        if as_json:
            say_json(records)
            return
        for record in records:
            _print(record)


def _records(desk: Desk, domain: str) -> "list[Wanted]":
    from gateway.published import look_up, wanted_records
    from storage.address import canonical_domain

    plain = canonical_domain(domain) if domain else ""
    if plain is None:
        raise AskedWrongly(f"{domain!r} is no domain: write one like company.example")
    with desk.reading() as session:
        records = wanted_records(session, desk.settings, plain)
    return look_up(desk.settings, records)


def _print(record: "Wanted") -> None:
    say(f"{record.standing:<9}  {record.name}.  {record.type}  {record.value}".rstrip())
    say(f"           {record.why}")
    if record.found and record.standing != "ok":
        say(f"           DNS has: {' | '.join(record.found)}")
