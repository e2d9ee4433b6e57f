"""`gateway dkim`: the keys that sign what leaves through the default servers."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import AskedWrongly, Refused
from gateway.cli.desk import open_desk
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson
from gateway.cli.printing import local_time, say, say_json, table

if TYPE_CHECKING:
    from storage.dkim_keys import DkimKey

app = Noun("DKIM keys: what leaves through the default servers is signed for the domain in From.")
Domain = Annotated[str, typer.Argument(metavar="DOMAIN", help="The domain in From, like company.example.")]
# Receivers look at a few signatures only: an old and a new pair.
_MOST_KEYS = 4


@dataclass(frozen=True, slots=True)
class DkimView:
    """A key as it is shown: never its private half."""

    domain: str
    selector: str
    algorithm: str
    state: str  # signing | retired
    name: str  # of the TXT record
    record: str
    created: datetime


@app.verb("new", "gateway dkim new company.example")
def new(
    ctx: typer.Context,
    domain: Domain,
    selector: Annotated[
        str, typer.Option(metavar="NAME", help="The beginning of the selectors; else gw and the date.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Make a pair of keys for a domain, RSA and Ed25519, and print what to publish in DNS. They sign at once."""
    plain = _domain(domain)
    with open_desk(ctx) as desk:
        from config.clock import now
        from config.secrets import Seal
        from outbound.dkim import make_key
        from storage.dkim_keys import Algorithm, add_dkim_key, list_dkim_keys

        begin = _selector(selector) or f"gw{now():%Y%m%d}"
        seal = Seal(desk.settings.key_file)
        made = [make_key(seal, plain, f"{begin}-{algorithm}", algorithm) for algorithm in Algorithm]
        with desk.writing() as session:
            if len(list_dkim_keys(session, plain)) + len(made) > _MOST_KEYS:
                raise Refused(f"{plain} has two pairs of keys: retire the older ones first, see `gateway dkim list`")
            views = [_view(add_dkim_key(session, key)) for key in made]
        if as_json:
            say_json(views)
            return
        say(f"Publish these records of {plain}, then look with `gateway dns {plain}`:")
        _print_records(views)


@app.verb("list", "gateway dkim list --all")
def list_(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Retired ones too.")] = False,
    records: Annotated[bool, typer.Option("--records", help="With the TXT records to publish.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the keys; those that are not retired sign."""
    with open_desk(ctx) as desk:
        from storage.dkim_keys import list_dkim_keys

        with desk.reading() as session:
            views = [_view(key) for key in list_dkim_keys(session, retired=everything)]
        if as_json:
            say_json(views)
            return
        rows = [
            (v.domain, v.selector, v.algorithm, v.state, local_time(v.created, desk.settings.time_zone)) for v in views
        ]
        empty = "No key yet: make a pair with `gateway dkim new DOMAIN`"
        table(("DOMAIN", "SELECTOR", "KIND", "STATE", "MADE"), rows, empty=empty)
        if records:
            _print_records(views)


@app.verb("retire", "gateway dkim retire company.example gw20260301-rsa")
def retire(
    ctx: typer.Context,
    domain: Domain,
    selector: Annotated[str, typer.Argument(metavar="SELECTOR", help="As `gateway dkim list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Let a key sign no more, and forget its private half. Leave its record in DNS for another week."""
    with open_desk(ctx) as desk:
        from storage.dkim_keys import retire_dkim_key

        with desk.writing() as session:
            view = _view(retire_dkim_key(session, _domain(domain), selector))
        if as_json:
            say_json(view)
        else:
            say(f"{view.selector} signs no more. Remove {view.name} from DNS in a week: mail is still on its way.")


def _domain(text: str) -> str:
    from storage.address import canonical_domain

    plain = canonical_domain(text)
    if plain is None or "." not in plain:
        raise AskedWrongly(f"{text!r} is no domain: write one like company.example")
    return plain


def _selector(text: str) -> str:
    import re

    if text and not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?", text):
        raise AskedWrongly(f"--selector: {text!r} has other signs than small letters, digits and hyphens")
    return text


def _view(key: "DkimKey") -> DkimView:
    return DkimView(
        domain=key.domain,
        selector=key.selector,
        algorithm=key.algorithm,
        state="retired" if key.retired_at else "signing",
        name=key.record_name,
        record=key.record,
        created=key.created_at,
    )


def _print_records(views: list[DkimView]) -> None:
    for view in views:
        say()
        say(f"{view.name}.  TXT")
        say(f"  {view.record}")
