"""Filters of `ticket list` that an agent has saved under a name. What the words mean is the command's matter."""

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from config.errors import AskedWrongly, NotFound
from storage.columns import Json

_MAX_NAME = 60
_MOST = 100


class SavedFilter(SQLModel, table=True):
    """The options of a list, under a name that only its agent sees."""

    __tablename__ = "saved_filter"

    agent_id: int = Field(foreign_key="agent.id", primary_key=True)
    name: str = Field(primary_key=True)  # in lower case
    options: dict[str, object] = Field(sa_column=sa.Column(Json, nullable=False))


def save_filter(session: Session, agent_id: int, name: str, options: dict[str, object]) -> SavedFilter:
    """Keep a filter, in place of one of the same name. Raises AskedWrongly."""
    key = _key(name)
    if not key or len(key) > _MAX_NAME or key.startswith("-"):
        raise AskedWrongly(f"{name!r} is no name for a filter: a word of at most {_MAX_NAME} characters")
    if len(saved_filters(session, agent_id)) >= _MOST and session.get(SavedFilter, (agent_id, key)) is None:
        raise AskedWrongly(f"There are {_MOST} saved filters already: forget one with --forget")
    saved = session.merge(SavedFilter(agent_id=agent_id, name=key, options=options))
    session.flush()
    return saved


def find_filter(session: Session, agent_id: int, name: str) -> SavedFilter:
    """An agent's filter. Raises NotFound with those that there are."""
    saved = session.get(SavedFilter, (agent_id, _key(name)))
    if saved is None:
        known = (
            ", ".join(one.name for one in saved_filters(session, agent_id)) or "none yet: `ticket list ... --save NAME`"
        )
        raise NotFound(f"You have no saved filter {name!r}; there is: {known}")
    return saved


def forget_filter(session: Session, agent_id: int, name: str) -> None:
    """Forget one. Raises NotFound."""
    session.delete(find_filter(session, agent_id, name))
    session.flush()


def saved_filters(session: Session, agent_id: int) -> list[SavedFilter]:
    """An agent's filters by name."""
    query = select(SavedFilter).where(SavedFilter.agent_id == agent_id).order_by(col(SavedFilter.name))
    return list(session.exec(query).all())


def _key(name: str) -> str:
    return " ".join(name.split()).lower()
