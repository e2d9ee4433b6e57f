"""`gateway contact`: the people who write to us."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli import contact_file
from gateway.cli.desk import Desk, open_desk
from gateway.cli.noun import Noun
from gateway.cli.options import ALL_ROWS, AsJson, Limit, limit_of
from gateway.cli.printing import answer, facts, say, say_body, say_json, table

if TYPE_CHECKING:
    from sqlmodel import Session

    from storage.contacts import Contact
    from storage.overview import TicketRow

app = Noun("Contacts: the people who write to us.")
Named = Annotated[str, typer.Argument(metavar="CONTACT", help="His number or one of his addresses.")]
Emails = Annotated[list[str] | None, typer.Option("--email", metavar="EMAIL", help="An address; may be given again.")]


@dataclass(frozen=True, slots=True)
class ContactView:
    """A contact as he is shown."""

    id: int
    name: str
    emails: list[str]
    organisation: str | None
    phone: str
    notes: str
    known: bool
    blocked: bool
    created: datetime


@dataclass(frozen=True, slots=True)
class ContactWithTickets(ContactView):
    """A contact with what he wrote about."""

    tickets: "list[TicketRow]"


@dataclass(frozen=True, slots=True)
class OrganisationView:
    """A domain and whose it is."""

    domain: str
    name: str


@app.verb("add", 'gateway contact add --name "Maria Silva" --email maria@client.example')
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Option(help="His name.")] = "",
    email: Emails = None,
    phone: Annotated[str, typer.Option(help="His telephone number.")] = "",
    notes: Annotated[str, typer.Option(help="For agents.")] = "",
    as_json: AsJson = False,
) -> None:
    """Add a contact; he counts as known."""
    from config.errors import AskedWrongly

    if not name and not email:
        raise AskedWrongly("A contact needs --name or --email")
    with open_desk(ctx) as desk:
        from storage.contacts import add_contact

        with desk.writing() as session:
            view = _view(session, add_contact(session, name, email or [], phone=phone, notes=notes))
        answer(view, as_json, f"Contact {view.id} is there.")


@app.verb("list", "gateway contact list silva")
def list_(
    ctx: typer.Context,
    words: Annotated[str, typer.Argument(metavar="[WORDS]", help="In the name or an address.")] = "",
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """List contacts, or find some."""
    with open_desk(ctx) as desk:
        views = _views(desk, words, limit_of(limit, as_json))
        if as_json:
            say_json(views)
            return
        table(
            ("ID", "NAME", "ADDRESSES", "ORGANISATION", "KNOWN", "BLOCKED"),
            [
                (str(v.id), v.name, ", ".join(v.emails), v.organisation or "", _yes(v.known), _yes(v.blocked))
                for v in views
            ],
            empty="No contact found.",
        )


def _yes(fact: bool) -> str:
    return "yes" if fact else ""


def _views(desk: Desk, words: str, limit: int) -> list[ContactView]:
    from storage.contacts import list_contacts

    with desk.reading() as session:
        return [_view(session, contact) for contact in list_contacts(session, words, limit)]


@app.verb("show", "gateway contact show maria@client.example")
def show(ctx: typer.Context, contact: Named, as_json: AsJson = False) -> None:
    """Show a contact and his tickets."""
    with open_desk(ctx) as desk:
        from storage.contacts import find_contact
        from storage.overview import Wanted, ticket_rows
        from storage.tickets import Status

        with desk.reading() as session:
            view = _view(session, find_contact(session, contact))
            tickets = ticket_rows(session, Wanted(list(Status), contact_id=view.id), ALL_ROWS)
        if as_json:
            say_json(ContactWithTickets(**{f.name: getattr(view, f.name) for f in fields(view)}, tickets=tickets))
            return
        say(f"Contact {view.id}")
        facts([("name", view.name), ("addresses", ", ".join(view.emails)), ("organisation", view.organisation or "")])
        facts([("phone", view.phone)])
        facts([("known", _yes(view.known)), ("blocked", _yes(view.blocked))])
        if view.notes:
            say_body(view.notes)
        for ticket in tickets:
            say(f"  #{ticket.number}  {ticket.status}  {ticket.subject}")


@app.verb("edit", "gateway contact edit maria@client.example --phone '+351 210 000 000'")
def edit(
    ctx: typer.Context,
    contact: Named,
    name: Annotated[str | None, typer.Option(help="His name.")] = None,
    email: Emails = None,
    remove_email: Annotated[
        list[str] | None, typer.Option("--remove-email", metavar="EMAIL", help="An address that is not his.")
    ] = None,
    phone: Annotated[str | None, typer.Option(help="His telephone number.")] = None,
    notes: Annotated[str | None, typer.Option(help="For agents.")] = None,
    known: Annotated[bool | None, typer.Option("--known/--unknown", help="Whether we know him.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change a contact; what is not named stays."""
    with open_desk(ctx) as desk:
        from storage.contacts import add_address, find_contact, remove_address

        with desk.writing() as session:
            found = find_contact(session, contact)
            for column, value in {"name": name, "phone": phone, "notes": notes, "known": known}.items():
                if value is not None:
                    setattr(found, column, value)
            session.add(found)
            for address in email or []:
                add_address(session, found, address)
            for address in remove_email or []:
                remove_address(session, found, address)
            view = _view(session, found)
        answer(view, as_json, f"Contact {view.id} is changed.")


@app.verb("block", "gateway contact block spammer@junk.example")
def block(
    ctx: typer.Context,
    contact: Named,
    undo: Annotated[bool, typer.Option("--undo", help="Take his mail again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ignore a contact's mail from now on. (`gateway block` is about mail that we send.)"""
    with open_desk(ctx) as desk:
        from storage.contacts import find_contact

        with desk.writing() as session:
            found = find_contact(session, contact)
            found.blocked = not undo
            session.add(found)
            session.flush()
            view = _view(session, found)
        done = "is taken again" if undo else "is ignored from now on"
        answer(view, as_json, f"Mail of contact {view.id} {done}.")


@app.verb("merge", "gateway contact merge 12 --into maria@client.example")
def merge(
    ctx: typer.Context,
    contact: Named,
    into: Annotated[str, typer.Option("--into", metavar="CONTACT", help="Who stays: his number or an address.")],
    as_json: AsJson = False,
) -> None:
    """Say that two contacts are one person: addresses and tickets go to the one who stays."""
    with open_desk(ctx) as desk:
        from storage.contacts import find_contact, merge_contacts

        with desk.writing() as session:
            stays = find_contact(session, into)
            merge_contacts(session, find_contact(session, contact), stays)
            view = _view(session, stays)
        answer(view, as_json, f"Contact {view.id} has {', '.join(view.emails)} now.")


@app.verb("organisation", 'gateway contact organisation client.example "Client Ltd"')
def organisation(
    ctx: typer.Context,
    domain: Annotated[str, typer.Argument(metavar="[DOMAIN]", help="Everybody with an address there.")] = "",
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Whose domain it is; - for nobody's.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say whose domain it is, so that its people belong together; alone: list the organisations."""
    with open_desk(ctx) as desk:
        from storage.organisations import forget_organisation, list_organisations, name_organisation

        if domain:
            with desk.writing() as session:
                if name == "-":
                    forget_organisation(session, domain)
                else:
                    name_organisation(session, domain, name)
        with desk.reading() as session:
            rows = [OrganisationView(row.domain, row.name) for row in list_organisations(session)]
        if as_json:
            say_json(rows)
        else:
            table(("DOMAIN", "ORGANISATION"), [(row.domain, row.name) for row in rows], empty="No organisation yet.")


@app.verb("erase", "gateway contact erase maria@client.example --yes")
def erase(
    ctx: typer.Context,
    contact: Named,
    yes: Annotated[bool, typer.Option("--yes", help="It cannot be undone.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase a person: his contact, his tickets' content and all mail of his. What others wrote stays, and backups."""
    from config.errors import Refused

    with open_desk(ctx) as desk:
        from storage.contacts import find_contact
        from storage.erasure import erase_contact
        from storage.ids import lock_filing

        with desk.writing() as session:
            lock_filing(session)
            found = find_contact(session, contact)
            if not yes:
                raise Refused(f"Erasing {found.name or contact} cannot be undone: say --yes")
            done = erase_contact(session, found, by=desk.actor(session))
        words = (
            f"{done.messages} messages in {done.tickets} tickets, {done.mails} mails and {done.files} files are gone"
        )
        answer(done, as_json, f"{words}; their bytes leave the disk within two hours. Backups keep what they have.")


app.verb("import", "gateway contact import contacts.csv")(contact_file.import_)
app.verb("export", "gateway contact export > contacts.csv")(contact_file.export)


def _view(session: "Session", contact: "Contact") -> ContactView:
    from storage.contacts import addresses_of
    from storage.organisations import organisations_of

    emails = [address.address for address in addresses_of(session, contact.id)]
    return ContactView(
        id=contact.id,
        name=contact.name,
        emails=emails,
        organisation=next(iter(organisations_of(session, emails).values()), None),
        phone=contact.phone,
        notes=contact.notes,
        known=contact.known,
        blocked=contact.blocked,
        created=contact.created_at,
    )
