"""`gateway mailbox sign-in`: let a person sign in again to the account of a mailbox, in his browser."""

from typing import Annotated

import typer

from config.clock import now
from config.errors import AskedWrongly
from gateway.cli.account_sign_in import sign_in_to
from gateway.cli.desk import open_desk
from gateway.cli.mailbox_view import view_mailbox
from gateway.cli.options import AsJson
from gateway.cli.printing import answer


def sign_in(
    ctx: typer.Context,
    named: Annotated[str, typer.Argument(metavar="ADDRESS", help="A mailbox of kind office365.")],
    as_json: AsJson = False,
) -> None:
    """Sign in to the account of a mailbox: shows a code for the browser, and waits until it was used."""
    with open_desk(ctx) as desk:
        from outbound.tokens import Purpose
        from storage.mailboxes import Mailbox, find_mailbox

        with desk.reading() as session:
            mailbox = find_mailbox(session, named)
        if mailbox.account_id is None:
            raise AskedWrongly(f"{mailbox.address} signs in with a password: `gateway mailbox set --password-stdin`")
        who = sign_in_to(desk, mailbox.account_id, Purpose.IMAP)
        with desk.writing() as session:
            row = session.get_one(Mailbox, mailbox.number)
            row.asked_at = now()
            session.add(row)
            view = view_mailbox(session, row)
        answer(view, as_json, f"Signed in as {who}. It is read again at once; see: gateway mailbox show {view.address}")
