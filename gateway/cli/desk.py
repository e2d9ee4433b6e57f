"""What a command stands on: the settings, the database and who acts."""

import gc
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from sqlmodel import Session

    from config.files import Loaded
    from config.settings import Settings
    from storage.agents import Agent
    from storage.blobs import Blobs
    from storage.database import Database


@dataclass(frozen=True, slots=True)
class Asked:
    """The options that stand before every command."""

    config: Path | None = None
    agent: str | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """An open installation."""

    settings: "Settings"
    database: "Database"
    agent_name: str | None

    @property
    def blobs(self) -> "Blobs":
        """Attachments and large mails."""
        from storage.blobs import open_blobs

        return open_blobs(self.settings)

    def reading(self) -> "AbstractContextManager[Session]":
        """A block that only reads."""
        return self.database.reading()

    def writing(self) -> "AbstractContextManager[Session]":
        """A block that is one transaction."""
        return self.database.writing()

    def agent(self, session: "Session") -> "Agent":
        """Who acts. Raises AskedWrongly with the choice."""
        from storage.agents import acting_agent

        return acting_agent(session, self.agent_name)

    def agent_if_any(self, session: "Session") -> "Agent | None":
        """Who acts, where nobody needs to: a wrong name is an error, no name is none."""
        from storage.agents import acting_agent, list_agents

        if self.agent_name or len(list_agents(session)) == 1:
            return acting_agent(session, self.agent_name)
        return None

    def actor(self, session: "Session") -> str:
        """A name for the audit trail, where no agent is needed."""
        agent = self.agent_if_any(session)
        return agent.email if agent else "operator"


def asked(ctx: typer.Context) -> Asked:
    """The options before the command."""
    found = ctx.find_object(Asked)
    return found or Asked()


def load_settings(ctx: typer.Context) -> "Loaded":
    """The settings that the command is to use. Raises BadConfiguration."""
    from config.files import load

    return load(asked(ctx).config)


@contextmanager
def _quick_imports() -> Iterator[None]:
    """Import without looking for garbage: sqlmodel costs most of a second, and a tenth less so."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def open_desk(ctx: typer.Context) -> Iterator[Desk]:
    """The installation of the settings, with a database that exists and has this version's schema."""
    with _quick_imports():
        loaded = load_settings(ctx)
        from storage.database import open_database
        from storage.schema import check_schema_quickly

    database = open_database(loaded.settings)
    try:
        check_schema_quickly(database)
        yield Desk(loaded.settings, database, asked(ctx).agent)
    finally:
        database.close()
