"""`gateway init`: settings file, database, queue, creation address and agent in one go."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from config.errors import AlreadyThere, AskedWrongly, Refused
from gateway.cli.desk import asked
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


@dataclass(frozen=True, slots=True)
class Founded:
    """What was made."""

    config: str
    queue: str
    address: str
    agent: str | None


@app.verb("init", "gateway init --domain in.desk.example --hostname mx.desk.example --agent ann@company.example")
def init(
    ctx: typer.Context,
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
    """Write gateway.toml and make the database, a queue, its address and an agent. Overwrites nothing."""
    path = (asked(ctx).config or Path("gateway.toml")).absolute()
    if path.exists():
        raise AlreadyThere(f"{path} is there already: change it, or remove it first")
    domain = domain or _ask("Domain of creation addresses, like in.company.example", "--domain")
    values = {
        "domain": domain,
        "hostname": hostname or _ask("Name of this machine in the MX record", "", f"mx.{domain}"),
        "company": company or _ask("Name of the company", "", " ").strip(),
        "queue": queue or _ask("First queue", "", "Support"),
        "listen": listen or _ask("Listen on", "", "0.0.0.0:25"),
        "data_dir": data_dir or "var",
        "time_zone": time_zone or _ask("Time zone", "", "UTC"),
    }
    agent = agent or _ask("Address of the first agent (empty: none)", "", " ").strip()
    _write(path, _FILE.format(**{name: json.dumps(value) for name, value in values.items()}))
    founded = _found(path, values["queue"], agent, agent_name or "")
    if as_json:
        say_json(founded)
        return
    say(f"{founded.config} is written, the database is made.")
    say(f"Forward your support inbox to {founded.address} (queue {founded.queue}).")
    say("Start the gateway with `gateway serve`; look for troubles with `gateway doctor`.")


def _ask(question: str, option: str, default: str = "") -> str:
    """Ask in a terminal; elsewhere take the default, or name the option that is missing."""
    if not sys.stdin.isatty():
        if not default:
            raise AskedWrongly(f"Give {option}, or run `gateway init` in a terminal")
        return default
    answer: str = typer.prompt(question, default=default or None, show_default=bool(default.strip()))
    return answer


def _write(path: Path, text: str) -> None:
    try:
        # Only its owner reads it: passwords may come to stand in it.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Refused(f"Cannot write {path}: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _found(path: Path, queue: str, agent: str, agent_name: str) -> Founded:
    from config.files import load
    from storage import migrate
    from storage.addresses import new_address
    from storage.agents import add_agent, join_queue
    from storage.queues import Queue, add_queue

    made = False
    try:
        settings = load(path).settings
        database = migrate.open_or_make(settings)
        migrate.upgrade(database)
        with database.writing() as session:
            first = add_queue(session, Queue(name=queue, key=""))
            address = new_address(session, first, settings.domain)
            if agent:
                join_queue(session, add_agent(session, agent, agent_name), first)
            founded = Founded(str(path), first.name, address.address, agent or None)
        database.close()
        made = True
        return founded
    finally:
        if not made:
            # So that the command can be given again after the mistake is put right.
            path.unlink(missing_ok=True)
