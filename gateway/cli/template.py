"""`gateway template`: how letters and automatic mail look, the shipped templates and those of the operator's folder."""

from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import AskedWrongly, Refused
from gateway.cli.desk import load_settings, open_desk
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson
from gateway.cli.printing import say, say_json, table

if TYPE_CHECKING:
    from outbound.appearance import Look, Words

app = Noun("Templates of letters and automatic mail; those in the folder `templates` of [outbound] go first.")
_SAMPLE = """Hello Ann,

thank you for your mail about the **printer**. Please try this:

1. Turn it off.
2. Wait *ten* seconds, see https://help.company.example/printers?id=12&page=1
3. Turn it on.

| Part | Price |
|---|---|
| Drum | 59.00 |
| Toner | 89.00 |

> It smokes.

If it still smokes, call us."""

# As long as a real one, and no mark of anybody's.
_SAMPLE_REF = f"ref:{'sample' * 8}no"


@dataclass(frozen=True, slots=True)
class TemplateView:
    """A template as it is shown. `fault` is empty when it can be used."""

    name: str
    origin: str  # shipped | own
    path: str
    fault: str


@dataclass(frozen=True, slots=True)
class Previewed:
    """Where a preview was written."""

    template: str
    file: str


@app.verb("list", "gateway template list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the templates, and which of them are your own."""
    views = _views(ctx)
    if as_json:
        say_json(views)
    else:
        table(("TEMPLATE", "ORIGIN", "FILE"), [(v.name, v.origin, v.path) for v in views], empty="No template.")


@app.verb("check", "gateway template check")
def check(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Read every template as mail would. Exit status 1 when one cannot be used."""
    views = _views(ctx)
    if as_json:
        say_json(views)
    for view in views if not as_json else ():
        say(f"ok    {view.name}" if not view.fault else f"fail  {view.fault}")
    if any(view.fault for view in views):
        raise typer.Exit(1)


@app.verb("preview", "gateway template preview card --queue Support --output letter.html")
def preview(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Like simple or card; else that of the queue.")] = "",
    queue: Annotated[str | None, typer.Option(metavar="QUEUE", help="With its name, color, logo and footer.")] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write it; else letter-NAME.html.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a sample letter as an HTML file, to be looked at in a browser."""
    with open_desk(ctx) as desk:
        from dataclasses import replace

        from outbound.appearance import REF_PLACE, TEXT_ONLY, Look, letter_html, look_of
        from outbound.render import letter_names
        from storage.queues import find_queue

        folder = desk.settings.outbound.templates
        look = Look("Acme Support", "simple", header="Quick help, every day", footer="Acme Ltd, 1 High Street")
        if queue is not None:
            with desk.reading() as session:
                look = look_of(desk.settings, find_queue(session, queue))
        look = replace(look, template=name or look.template, has_ref=desk.settings.outbound.body_mark)
        if look.template == TEXT_ONLY:
            raise AskedWrongly("This queue sends text alone: name a template to look at")
        if look.template not in letter_names(folder):
            raise AskedWrongly(f"There is no template {look.template!r}: see `gateway template list`")
        html = letter_html(folder, look, _sample(), (), _logo(folder, look)).replace(REF_PLACE, _SAMPLE_REF)
        file = output or Path(f"letter-{look.template}.html")
        _write(file, html)
        view = Previewed(look.template, str(file))
        if as_json:
            say_json(view)
        else:
            say(f"Open {view.file} in a browser.")


def _views(ctx: typer.Context) -> list[TemplateView]:
    from outbound.render import SHIPPED, fault_of, template_files

    folder = load_settings(ctx).settings.outbound.templates
    return [
        TemplateView(name, "shipped" if path.parent == SHIPPED else "own", str(path), fault_of(name, folder))
        for name, path in template_files(folder).items()
    ]


def _sample() -> "Words":
    from outbound.appearance import Words
    from outbound.quoting import Quote

    quote = Quote("On 2026-03-01 12:00, Ann wrote:", "It smokes since Monday.\n\nAnn\n")
    return Words(_SAMPLE, "Eva Example\nAcme Support", quote, "Re: My printer")


def _logo(folder: Path | None, look: "Look") -> str:
    """The logo inside the file, as a mail carries it inside itself."""
    from outbound.appearance import read_logo

    if not look.logo:
        return ""
    file = read_logo(folder, look.logo)
    return f"data:{file.content_type};base64,{b64encode(file.content).decode()}"


def _write(file: Path, html: str) -> None:
    try:
        file.write_text(html, encoding="utf-8")
    except OSError as error:
        raise Refused(f"Cannot write {file}: {error.strerror}") from error
