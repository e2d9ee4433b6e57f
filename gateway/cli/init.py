"""`gateway init`: settings file, database, queue, creation address, inbox and agent in one go; then what comes next."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from config.errors import AlreadyThere, Refused
from gateway.cli.desk import asked
from gateway.cli.init_ask import Answers, completed
from gateway.cli.init_found import Founded, found
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson
from gateway.cli.printing import say, say_json

app = Noun()

_FILE = """\
# Settings of the mail gateway. Every setting, with its default and the reason: see docs/settings.md.
# Relative paths are relative to this file. `gateway config check` tells whether all is right.

data_dir = {data_dir}
hostname = {hostname}  # the name of this machine in the MX record of the domain below
domain = {domain}  # creation addresses are in it; its MX record points to hostname
postmaster_queue = {queue}
time_zone = {time_zone}

[company]
name = {company}

[[listener]]
address = {listen}

# The servers that answers leave through; without one they become files in data_dir/outgoing.
# [[outbound.servers]]
# host = "smtp.example"
# port = 587
# security = "starttls"
# user = "desk"
# password = "file:smtp.password"
"""


@app.verb("init", "gateway init --domain in.desk.example --inbox support@company.example --agent ann@company.example")
def init(
    ctx: typer.Context,
    inbox: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="The support inbox that customers write to today.")
    ] = None,
    way: Annotated[
        str | None,
        typer.Option(
            metavar="forward|mailbox", help="How its mail comes here; mailbox: the gateway reads it over IMAP."
        ),
    ] = None,
    domain: Annotated[str | None, typer.Option(help="The domain of creation addresses.")] = None,
    hostname: Annotated[str | None, typer.Option(help="The name in the MX record; else mx. and the domain.")] = None,
    company: Annotated[str | None, typer.Option(help="The company's name, for acknowledgements.")] = None,
    queue: Annotated[str | None, typer.Option(help="The first queue; else Support.")] = None,
    agent: Annotated[str | None, typer.Option(metavar="EMAIL", help="The first agent.")] = None,
    agent_name: Annotated[str | None, typer.Option(metavar="NAME", help="His name.")] = None,
    listen: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where mail is taken; else 0.0.0.0:25.")
    ] = None,
    data_dir: Annotated[str | None, typer.Option(metavar="PATH", help="Where the data goes; else var.")] = None,
    time_zone: Annotated[str | None, typer.Option(metavar="ZONE", help="Like Europe/Lisbon; else UTC.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a new installation: settings, database, a queue with its address, an agent. In a terminal it asks.

    What is there stays as it is; given again, only what is missing is made.
    """
    given = Answers(company, inbox, way, domain, hostname, queue, agent, agent_name, listen, data_dir, time_zone)
    path = (asked(ctx).config or Path("gateway.toml")).absolute()
    founded = _founded_again(path, given) if path.exists() else _founded(path, completed(given))
    if as_json:
        say_json(founded)
        return
    _print(founded)


def _print(founded: Founded) -> None:
    say()
    say(f"{founded.config} and its database are there. Queue {founded.queue} has the address:")
    say(f"  {founded.address}")
    say("What comes next:")
    for number, step in enumerate(founded.next, start=1):
        say(f"  {number}. {step}")


def _founded(path: Path, answers: Answers) -> Founded:
    from config.files import load

    names = ("domain", "hostname", "company", "queue", "listen", "data_dir", "time_zone")
    _write(path, _FILE.format(**{name: json.dumps(getattr(answers, name)) for name in names}))
    made = False
    try:
        founded = found(path, load(path).settings, answers)
        made = True
        return founded
    finally:
        if not made:
            # So that the command can be given again after the mistake is put right.
            path.unlink(missing_ok=True)


def _founded_again(path: Path, given: Answers) -> Founded:
    """What stands in the file counts. Raises AlreadyThere when something else was given."""
    from config.files import load

    settings = load(path).settings
    written = {
        "domain": settings.domain,
        "hostname": settings.hostname,
        "company": settings.company.name,
        "time_zone": settings.time_zone,
        "listen": settings.listener[0].address if settings.listener else "",
    }
    for name, value in written.items():
        said = getattr(given, name)
        if said is not None and said != value:
            option = name.replace("_", "-")
            raise AlreadyThere(f"{path} is there already, and says {value!r} for --{option}: change it there")
    return found(path, settings, replace(given, queue=given.queue or settings.postmaster_queue))


def _write(path: Path, text: str) -> None:
    try:
        # Only its owner reads it: passwords may come to stand in it.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Refused(f"Cannot write {path}: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
