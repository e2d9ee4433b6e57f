"""`gateway contact export` and `import`: contacts as CSV, in the columns that other programs write too."""

import csv
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import AskedWrongly, NotFound
from gateway.cli.desk import Desk, open_desk
from gateway.cli.options import ALL_ROWS, AsJson
from gateway.cli.printing import complain, say, say_json

if TYPE_CHECKING:
    from sqlmodel import Session

COLUMNS = ("name", "emails", "phone", "notes", "known", "blocked")
# What other programs call them.
_ALSO = {"email": "emails", "e-mail": "emails", "e-mail address": "emails", "full name": "name", "telephone": "phone"}
_YES = ("yes", "true", "1", "x")
# A spreadsheet takes a cell that begins so for a formula: it is shown as text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the rows of a file."""

    added: int
    changed: int
    refused: list[str]


def export(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Write all contacts as CSV to standard output."""
    with open_desk(ctx) as desk:
        from storage.contacts import addresses_of, list_contacts

        with desk.reading() as session:
            contacts = list_contacts(session, limit=ALL_ROWS)
            rows = [(one, [a.spelling or a.address for a in addresses_of(session, one.id)]) for one in contacts]
    if as_json:
        say_json([{name: getattr(c, name) for name in COLUMNS if name != "emails"} | {"emails": e} for c, e in rows])
        return
    writer = csv.writer(sys.stdout)
    writer.writerow(COLUMNS)
    for contact, emails in rows:
        cells = (
            contact.name,
            " ".join(emails),
            contact.phone,
            contact.notes,
            *map(_yes, (contact.known, contact.blocked)),
        )
        writer.writerow([_cell(cell) for cell in cells])


def _yes(fact: bool) -> str:
    return "yes" if fact else ""


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file with a head; - is standard input.")],
    as_json: AsJson = False,
) -> None:
    """Add contacts from a CSV file; who is there by one of his addresses is changed."""
    rows = _rows(file)
    with open_desk(ctx) as desk:
        done = _import(desk, rows)
    if as_json:
        say_json(done)
        return
    say(f"{done.added} contacts added, {done.changed} changed.")
    for line in done.refused:
        complain(f"note: {line}")


def _rows(file: Path) -> list[dict[str, str]]:
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise NotFound(f"{file}: {error.strerror}") from None
    text = raw.decode("utf-8-sig", "replace")
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",")
    head = [_ALSO.get(name.strip().lower(), name.strip().lower()) for name in next(reader, [])]
    if not {"name", "emails"} & set(head):
        raise AskedWrongly(f"{file}: the first line names the columns: {', '.join(COLUMNS)}")
    return [{name: cell.strip() for name, cell in zip(head, row, strict=False)} for row in reader if any(row)]


def _import(desk: Desk, rows: list[dict[str, str]]) -> Imported:
    added, changed, refused = 0, 0, []
    with desk.writing() as session:
        for line, row in enumerate(rows, start=2):
            try:
                with session.begin_nested():
                    is_new = _store(session, row)
            except (AskedWrongly, NotFound) as error:
                refused.append(f"line {line}: {error}")
                continue
            added, changed = added + is_new, changed + (not is_new)
    return Imported(added, changed, refused)


def _store(session: "Session", row: dict[str, str]) -> bool:
    """Add a contact, or change the one who has one of the addresses; tells whether he is new."""
    from storage.address import canonical_address
    from storage.contacts import Contact, ContactAddress, add_address, add_contact

    emails = row.get("emails", "").replace(",", " ").replace(";", " ").split()
    if not emails and not row.get("name"):
        raise AskedWrongly("neither a name nor an address")
    known = [found for email in emails if (found := session.get(ContactAddress, canonical_address(email) or ""))]
    contact = session.get_one(Contact, known[0].contact_id) if known else add_contact(session, "", emails)
    for email in emails if known else ():
        add_address(session, contact, email)
    for column in ("name", "phone", "notes"):
        setattr(contact, column, row.get(column, "").removeprefix("'") or getattr(contact, column))
    contact.known = row.get("known", "yes").lower() in _YES
    contact.blocked = row.get("blocked", "").lower() in _YES if "blocked" in row else contact.blocked
    session.add(contact)
    session.flush()
    return not known
