"""Keys are rotated while mail flows, and the marks of one ticket can be made worthless."""

import asyncio

from fakes.house import House, mail

from gateway.listener.directory import Directory
from outbound.marks import Marks
from outbound.post_office import open_post_office
from storage.installation import rotate_key
from storage.spool import SpoolState
from storage.tickets import get_ticket
from storage.whereabouts import revoke_marks

ANN = "Ann <ann@customer.example>"


def rotate(house: House) -> Marks:
    """A command makes a new key; the marks as the next command knows them."""
    with house.database.writing() as session:
        rotate_key(session)
    return open_post_office(house.settings, house.database).marks


def revoke(house: House, number: int) -> None:
    """An agent makes the marks of a ticket worthless."""
    with house.database.writing() as session:
        revoke_marks(session, get_ticket(session, number), by="agent@company.example")


def test_answers_join_whatever_key_signed_their_address(house: House) -> None:
    """Three rotations under a worker that runs: every answer, old or new, lands in its ticket."""
    ticket = house.ticket_of(house.receive(mail(author=ANN))).id
    addresses = [house.office.marks.reply_address(house.mark(ticket))]
    for _ in range(3):
        addresses.append(rotate(house).reply_address(house.mark(ticket)))
        for address in addresses:
            row = house.receive(mail("more", author=ANN), to=address)
            assert (row.state, house.ticket_of(row).id) == (SpoolState.FILED, ticket)


def test_door_knows_a_new_key_at_once(house: House) -> None:
    """The recipient that a command signed a moment ago is one of ours; an altered one is not."""
    directory = Directory(house.database, open_post_office(house.settings, house.database).marks, 15)
    address = rotate(house).reply_address(house.mark(7))
    altered = address.replace(address[5], "a" if address[5] != "a" else "b", 1)

    async def ask() -> list[bool]:
        await directory.load()
        return [await directory.knows(one) for one in (address, altered)]

    assert asyncio.run(ask()) == [True, False]
    directory.close()


def test_revoked_marks_let_nobody_in(house: House) -> None:
    """A stranger with a leaked address gets a ticket of his own; who takes part is known by his mails' ids."""
    ticket = house.ticket_of(house.receive(mail(author=ANN, message_id="<a@customer.example>"))).id
    leaked = house.office.marks.reply_address(house.mark(ticket))
    assert house.ticket_of(house.receive(mail("mine", author="Eve <eve@else.example>"), to=leaked)).id == ticket
    revoke(house, ticket)
    row = house.receive(mail("again", author="Eve <eve@else.example>", subject="x"), to=leaked)
    assert house.ticket_of(row).id != ticket
    assert "revoked" in [line[0] for line in row.trace]
    answer = mail("more", author=ANN, headers="In-Reply-To: <a@customer.example>\n")
    assert house.ticket_of(house.receive(answer, to=leaked)).id == ticket


def test_marks_written_after_a_revocation_are_good(house: House) -> None:
    """The next answer of an agent carries marks that count again."""
    ticket = house.ticket_of(house.receive(mail(author=ANN))).id
    revoke(house, ticket)
    address = house.office.marks.reply_address(house.mark(ticket))
    assert house.ticket_of(house.receive(mail("more", author=ANN, subject="y"), to=address)).id == ticket


def test_revocation_reaches_the_marks_of_merged_tickets(house: House) -> None:
    """What was merged into a ticket is a way into it too."""
    first, second = (house.ticket_of(house.receive(mail(author=ANN, subject=word))).id for word in ("x", "y"))
    leaked = house.office.marks.reply_address(house.mark(first))
    house.change_ticket(first, merged_into=second)
    revoke(house, second)
    row = house.receive(mail("again", author="Eve <eve@else.example>", subject="z"), to=leaked)
    assert house.ticket_of(row).id not in (first, second)
