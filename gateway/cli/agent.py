"""`gateway agent`: the people who answer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.desk import Desk, open_desk
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson, word_of
from gateway.cli.printing import answer, say_json, table

if TYPE_CHECKING:
    from sqlmodel import Session

    from storage.agents import Agent

app = Noun("Agents: the people who answer.")
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="His address.")]
Queues = Annotated[
    list[str] | None, typer.Option("--queue", metavar="QUEUE", help="A queue in whose team he is; -QUEUE leaves it.")
]
Role = Annotated[str | None, typer.Option(metavar="agent|manager|admin", help="What he may do.")]
Signature = Annotated[str | None, typer.Option(help="Below his answers.")]
Notify = Annotated[
    str | None,
    typer.Option(
        metavar="new,assigned,answered,failed,channel,held|all|none", help="What he is told by mail. Default: none."
    ),
]
NoticePace = Annotated[
    str | None, typer.Option("--notice-pace", metavar="immediate|hourly|daily", help="How often. Default: immediate.")
]


@dataclass(frozen=True, slots=True)
class AgentView:
    """An agent as he is shown."""

    id: int
    email: str
    name: str
    role: str
    queues: list[str]
    signature: str
    notify: list[str]
    notice_pace: str


@app.verb("add", 'gateway agent add ann@company.example --name "Ann Lee" --queue Support')
def add(
    ctx: typer.Context,
    email: Email,
    name: Annotated[str, typer.Option(help="As customers see it.")] = "",
    queue: Queues = None,
    signature: Signature = None,
    role: Role = None,
    notify: Notify = None,
    notice_pace: NoticePace = None,
    as_json: AsJson = False,
) -> None:
    """Add an agent."""
    with open_desk(ctx) as desk:
        from storage import agents
        from storage.address import canonical_address
        from storage.channels import refuse_channel_address

        given = word_of(agents.Role, role or "agent", "--role")
        with desk.writing() as session:
            refuse_channel_address(session, canonical_address(email) or "")
            made = agents.add_agent(session, email, name, role=given, signature=signature or "")
            _change_queues(session, made, queue)
            _change_notices(made, notify, notice_pace)
            view = _view(session, made)
        answer(view, as_json, f"{view.email} is an agent.")


@app.verb("edit", "gateway agent edit ann@company.example --signature 'Ann, Support'")
def edit(
    ctx: typer.Context,
    email: Email,
    name: Annotated[str | None, typer.Option(help="As customers see it.")] = None,
    queue: Queues = None,
    signature: Signature = None,
    role: Role = None,
    notify: Notify = None,
    notice_pace: NoticePace = None,
    as_json: AsJson = False,
) -> None:
    """Change an agent; what is not named stays."""
    with open_desk(ctx) as desk:
        from storage import agents

        with desk.writing() as session:
            found = agents.find_agent(session, email)
            found.name = found.name if name is None else name.strip()
            found.signature = found.signature if signature is None else signature
            found.role = found.role if role is None else word_of(agents.Role, role, "--role")
            _change_notices(found, notify, notice_pace)
            session.add(found)
            _change_queues(session, found, queue)
            view = _view(session, found)
        answer(view, as_json, f"{view.email} is changed.")


def _change_queues(session: "Session", agent: "Agent", names: list[str] | None) -> None:
    from storage.agents import join_queue, leave_queue
    from storage.queues import find_queue

    for name in names or []:
        change = leave_queue if name.startswith("-") else join_queue
        change(session, agent, find_queue(session, name.removeprefix("-")))


def _change_notices(agent: "Agent", notify: str | None, pace: str | None) -> None:
    from storage.agents import NoticeKind, NoticePace

    if notify is not None:
        words = {"all": ",".join(NoticeKind), "none": ""}.get(notify.strip().lower(), notify)
        kinds = [word_of(NoticeKind, word, "--notify") for word in words.split(",") if word.strip()]
        agent.notify = ",".join(dict.fromkeys(kinds))
    if pace is not None:
        agent.notice_pace = word_of(NoticePace, pace, "--notice-pace")


@app.verb("list", "gateway agent list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the agents."""
    with open_desk(ctx) as desk:
        views = _views(desk)
        if as_json:
            say_json(views)
            return
        table(
            ("AGENT", "NAME", "ROLE", "QUEUES"),
            [(v.email, v.name, v.role, ", ".join(v.queues)) for v in views],
            empty="No agent yet: add one with `gateway agent add EMAIL --name NAME`",
        )


def _views(desk: Desk) -> list[AgentView]:
    from storage.agents import list_agents

    with desk.reading() as session:
        return [_view(session, agent) for agent in list_agents(session)]


@app.verb("remove", "gateway agent remove ann@company.example")
def remove(ctx: typer.Context, email: Email, as_json: AsJson = False) -> None:
    """Take an agent out of the team; what he wrote stays his."""
    with open_desk(ctx) as desk:
        from storage.agents import remove_agent

        with desk.writing() as session:
            view = _view(session, remove_agent(session, email))
        answer(view, as_json, f"{view.email} is no agent any more.")


def _view(session: "Session", agent: "Agent") -> AgentView:
    from storage.agents import queues_of

    queues = [queue.name for queue in queues_of(session, agent)]
    notify = agent.notify.split(",") if agent.notify else []
    return AgentView(
        agent.id or 0, agent.email, agent.name, agent.role, queues, agent.signature, notify, agent.notice_pace
    )
