"""`gateway outbox`: mail of ours, one row a recipient, and what became of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.desk import Desk, open_desk
from gateway.cli.noun import Noun
from gateway.cli.options import AsJson, Limit, limit_of
from gateway.cli.printing import facts, local_time, say, say_body, say_json, table

if TYPE_CHECKING:
    from storage.outbox import Delivery, Outgoing

app = Noun("The outbox: mail of ours on its way out.")
Id = Annotated[int, typer.Argument(metavar="ID", min=1, help="The number in the first column of `outbox list`.")]


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One recipient of a mail of ours."""

    id: int
    mail: str
    ticket: int | None
    message: str | None
    recipient: str
    state: str
    attempts: int
    next_attempt: datetime
    last_reply: str
    kind: str
    server: str
    created: datetime


@dataclass(frozen=True, slots=True)
class DeliveryWhole(DeliveryRow):
    """A delivery with the mail that it is about."""

    message_id: str
    reverse_path: str
    size: int
    advice: str  # the next step for a person; empty when there is none


@dataclass(frozen=True, slots=True)
class SuppressedRow:
    """An address that gets no automatic mail for a while."""

    address: str
    reason: str
    since: datetime
    until: datetime


@app.verb("list", "gateway outbox list --all")
def list_(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="What was sent or cancelled, too.")] = False,
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """List what has not gone out as it should, one row a recipient."""
    with open_desk(ctx) as desk:
        rows = _rows(desk, everything, limit_of(limit, as_json))
        if as_json:
            say_json(rows)
            return
        zone = desk.settings.time_zone
        table(
            ("ID", "TICKET", "RECIPIENT", "STATE", "TRIES", "NEXT", "LAST REPLY"),
            [
                (str(r.id), _ticket(r), r.recipient, r.state, str(r.attempts), _next(r, zone), r.last_reply)
                for r in rows
            ],
            empty="Nothing waits in the outbox.",
        )


def _ticket(row: DeliveryRow) -> str:
    return row.message or (str(row.ticket) if row.ticket else "")


def _next(row: DeliveryRow, zone: str) -> str:
    return local_time(row.next_attempt, zone) if row.state in ("waiting", "deferred") else ""


def _rows(desk: Desk, everything: bool, limit: int) -> list[DeliveryRow]:
    from storage.messages import Message
    from storage.outbox_view import list_deliveries

    with desk.reading() as session:
        found = list_deliveries(session, everything=everything, limit=limit)
        messages = {mail.message_id: session.get(Message, mail.message_id) for _, mail in found if mail.message_id}
        refs = {id_: message.ref for id_, message in messages.items() if message}
    return [_row(delivery, mail, refs.get(mail.message_id or 0)) for delivery, mail in found]


def _row(delivery: "Delivery", mail: "Outgoing", ref: str | None) -> DeliveryRow:
    return DeliveryRow(
        id=delivery.id or 0,
        mail=mail.id,
        ticket=mail.ticket_id,
        message=ref,
        recipient=delivery.spelling or delivery.recipient,
        state=delivery.state,
        attempts=delivery.attempts,
        next_attempt=delivery.next_attempt,
        last_reply=delivery.last_reply,
        kind=mail.kind,
        server=delivery.server,
        created=mail.created_at,
    )


@app.verb("show", "gateway outbox show 7")
def show(
    ctx: typer.Context,
    id_: Id,
    raw: Annotated[bool, typer.Option("--raw", help="Print the mail as it is sent.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one delivery, and the mail that it is about."""
    with open_desk(ctx) as desk:
        whole, content = _whole(desk, id_)
        if raw:
            from gateway.cli.rawmail import write_raw

            write_raw(content)
        elif as_json:
            say_json(whole)
        else:
            _print(whole, content, desk.settings.time_zone)


def _whole(desk: Desk, id_: int) -> tuple[DeliveryWhole, bytes]:
    from dataclasses import fields

    from outbound.aftermath import what_to_do
    from storage.messages import Message
    from storage.outbox_view import find_delivery

    with desk.reading() as session:
        delivery, mail = find_delivery(session, id_)
        message = session.get(Message, mail.message_id) if mail.message_id else None
        row = _row(delivery, mail, message.ref if message else None)
    values = {field.name: getattr(row, field.name) for field in fields(row)}
    whole = DeliveryWhole(
        **values,
        message_id=mail.header_id,
        reverse_path=mail.reverse_path,
        size=len(mail.content),
        advice=what_to_do(delivery),
    )
    return whole, mail.content


def _print(whole: DeliveryWhole, content: bytes, zone: str) -> None:
    facts(
        [
            ("recipient", whole.recipient),
            ("state", whole.state),
            ("message", whole.message or ""),
            ("kind", whole.kind),
            ("attempts", str(whole.attempts)),
            ("next attempt", _next(whole, zone)),
            ("server", whole.server),
            ("last reply", whole.last_reply),
            ("what to do", whole.advice),
            ("reverse-path", f"<{whole.reverse_path}>"),
            ("Message-ID", whole.message_id),
        ]
    )
    say()
    say_body(content.decode("utf-8", "replace")[:4000])


@app.verb("retry", "gateway outbox retry 7")
def retry(ctx: typer.Context, id_: Id, as_json: AsJson = False) -> None:
    """Try again now. One that is uncertain may then arrive twice."""
    _change(ctx, id_, "retry", as_json)


@app.verb("resolve", "gateway outbox resolve 7 sent")
def resolve(
    ctx: typer.Context,
    id_: Id,
    outcome: Annotated[str, typer.Argument(metavar="sent|retry", help="What happened, as you found out.")],
    as_json: AsJson = False,
) -> None:
    """Say what became of an uncertain delivery: it was sent, or it shall be tried again."""
    if outcome not in ("sent", "retry"):
        from config.errors import AskedWrongly

        raise AskedWrongly(f"{outcome!r} is none of sent, retry")
    _change(ctx, id_, f"resolve {outcome}", as_json)


@app.verb("cancel", "gateway outbox cancel 7")
def cancel(ctx: typer.Context, id_: Id, as_json: AsJson = False) -> None:
    """Stop a delivery that has not begun; the message stays in its ticket as cancelled."""
    _change(ctx, id_, "cancel", as_json)


@app.verb("suppressed", "gateway outbox suppressed")
def suppressed(
    ctx: typer.Context,
    clear: Annotated[str | None, typer.Option(metavar="EMAIL", help="Believe that this address works again.")] = None,
    as_json: AsJson = False,
) -> None:
    """List addresses that get no automatic mail for 60 days, because they refused ours or complained."""
    with open_desk(ctx) as desk:
        from storage.suppression import list_suppressed

        if clear:
            _clear(desk, clear)
        with desk.reading() as session:
            rows = [SuppressedRow(row.address, row.reason, row.since, row.until) for row in list_suppressed(session)]
        if as_json:
            say_json(rows)
            return
        zone = desk.settings.time_zone
        shown = [(row.address, local_time(row.until, zone), row.reason) for row in rows]
        table(("ADDRESS", "UNTIL", "WHY"), shown, empty="Every address may get automatic mail.")


def _clear(desk: Desk, email: str) -> None:
    from config.errors import NotFound
    from storage.address import canonical_address
    from storage.suppression import end_suppression

    with desk.writing() as session:
        if not end_suppression(session, [canonical_address(email) or email]):
            raise NotFound(f"{email} may get automatic mail already: see `gateway outbox suppressed`")


def _change(ctx: typer.Context, id_: int, how: str, as_json: bool) -> None:
    with open_desk(ctx) as desk:
        from storage import deliveries
        from storage.waking import wake

        with desk.writing() as session:
            by = desk.actor(session)
            if how == "cancel":
                deliveries.cancel(session, id_, by=by)
            elif how == "resolve sent":
                deliveries.resolve_sent(session, id_, by=by)
            else:
                deliveries.retry_now(session, id_, by=by, only_uncertain=how == "resolve retry")
        wake(desk.settings.data_dir, "relay")
        whole, _ = _whole(desk, id_)
        if as_json:
            say_json(whole)
        else:
            say(f"Delivery {id_} to {whole.recipient} is {whole.state} now.")
