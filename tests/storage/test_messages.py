"""Messages: what is filed comes back whole, and is found by every name that people and mails have for it."""

import pytest
from fakes.rows import make_ticket, new_message

from config.errors import NotFound
from storage.database import Database
from storage.message_filing import NewAttachment, file_messages, note_duplicate
from storage.messages import Message, attachments_of, find_message, messages_of, reference_key, references_of
from storage.ticket_view import view_messages


def test_filed_message_comes_back_as_it_was(database: Database) -> None:
    """Text of any script, people and times are the same after storing."""
    text = "Olá \U0001f600\tשלום\r\n" + "x" * 100_000
    with database.writing() as session:
        ticket = make_ticket(session)
        wanted = new_message(ticket, text=text, message_id="<1@x.example>")
        (number,) = file_messages(session, [wanted])
    with database.reading() as session:
        (message,) = messages_of(session, ticket.id)
    assert (message.id, message.ref, message.text) == (number, f"{ticket.id}.1", text)
    assert (message.author_name, message.author_email) == wanted.author
    assert (message.date, message.filed_at) == (wanted.date, wanted.filed_at)


def test_batch_of_messages_has_numbers_in_its_order(database: Database) -> None:
    """A batch is stored in one go, numbered from one without gaps; an empty one stores nothing."""
    with database.writing() as session:
        ticket = make_ticket(session)
        assert file_messages(session, []) == []
        assert file_messages(session, [new_message(ticket, place) for place in range(1, 6)]) == [1, 2, 3, 4, 5]
        assert file_messages(session, [new_message(ticket, 6)]) == [6]


def test_message_is_found_by_id_place_and_message_id(database: Database) -> None:
    """12, 3.1 and the Message-ID, with brackets or without, name one message; one that only cites the id does not."""
    with database.writing() as session:
        ticket = make_ticket(session)
        first, _ = file_messages(
            session,
            [
                new_message(ticket, 1, message_id="<One@x.example>"),
                new_message(ticket, 2, message_id="<two@x.example>", references=("<One@x.example>",)),
            ],
        )
        for name in (str(first), f"{ticket.id}.1", "<One@x.example>", "One@x.example", " < One@x.example >"):
            assert find_message(session, name).id == first


def test_name_of_no_message_is_not_found(database: Database) -> None:
    """Numbers of any length and garbage are NotFound."""
    numbers = ["7", "1.9", "2147483648", "9" * 30, "9" * 9999, "9" * 18 + "." + "9" * 9, "1.1.1", "-1", "²"]
    with database.reading() as session:
        for name in ["", "<no@x.example>", "' OR 1=1 --", *numbers]:
            with pytest.raises(NotFound):
                find_message(session, name)


def test_long_message_ids_compare_by_digest() -> None:
    """An id of any length has a short key, spelled with or without brackets and folds; other ids have other keys."""
    long = "<" + "a" * 900 + "@x.example>"
    assert reference_key(long) == reference_key(long[:300] + "\r\n " + long[300:])
    assert len(reference_key(long)) < 100
    assert reference_key(long) != reference_key(long.replace("a@", "b@"))
    assert reference_key("<\ud800" + "a" * 900 + ">").startswith("sha256:")


def test_reference_that_is_named_twice_is_kept_once(database: Database) -> None:
    """A mail that names an id twice, or its own, can be filed, and is found by its own id."""
    with database.writing() as session:
        ticket = make_ticket(session)
        mail = new_message(ticket, message_id="<1@x>", references=("<0@x>", "<0@x>", "<1@x>", ""))
        (number,) = file_messages(session, [mail])
        assert find_message(session, "<1@x>").id == number


def test_long_thread_keeps_its_first_and_newest_ids(database: Database) -> None:
    """Of thirty mails References name the first and the last nineteen, oldest first."""
    with database.writing() as session:
        ticket = make_ticket(session)
        file_messages(session, [new_message(ticket, place, message_id=f"<{place}@x>") for place in range(1, 31)])
        assert references_of(session, ticket.id) == ["<1@x>", *(f"<{place}@x>" for place in range(12, 31))]
        assert references_of(session, ticket.id, limit=30) == [f"<{place}@x>" for place in range(1, 31)]


def test_attachments_belong_to_their_message(database: Database) -> None:
    """Files come back with their message, in their order."""
    files = tuple(NewAttachment(f"{name}.pdf", "application/pdf", 3, "0" * 64) for name in "abc")
    with database.writing() as session:
        ticket = make_ticket(session)
        one, two = file_messages(
            session, [new_message(ticket, 1, attachments=files[:2]), new_message(ticket, 2, attachments=files[2:])]
        )
        found = attachments_of(session, [one, two])
    assert [file.filename for file in found[one]] == ["a.pdf", "b.pdf"]
    assert [file.filename for file in found[two]] == ["c.pdf"]


def test_duplicate_is_noted_on_the_message_with_the_same_content(database: Database) -> None:
    """The message with the same id and content shows the other way; one with the same id and other content does not."""
    with database.writing() as session:
        ticket = make_ticket(session)
        same, other = file_messages(
            session,
            [new_message(ticket, 1, message_id="<1@x>", content_key="k"), new_message(ticket, 2, message_id="<1@x>")],
        )
        note_duplicate(session, "<1@x>", "k", "accepted1")
        note_duplicate(session, "<1@x>", "k", "accepted2")
    with database.reading() as session:
        assert session.get_one(Message, same).also_received == ["accepted1", "accepted2"]
        assert session.get_one(Message, other).also_received == []


def test_picture_is_marked_as_repeated_when_an_earlier_message_has_it(database: Database) -> None:
    """A signature's picture is listed once in a ticket; a file that somebody attaches again is not hidden."""
    logo = NewAttachment("logo.png", "image/png", 6, "a" * 64, content_id="logo", inline=True)
    file = NewAttachment("list.pdf", "application/pdf", 4, "b" * 64)
    with database.writing() as session:
        ticket = make_ticket(session)
        file_messages(session, [new_message(ticket, place, attachments=[logo, file]) for place in (1, 2)])
    with database.reading() as session:
        first, second = view_messages(session, messages_of(session, ticket.id))
    assert [one.repeated for one in first.attachments] == [False, False]
    assert [(one.filename, one.repeated) for one in second.attachments] == [("logo.png", True), ("list.pdf", False)]
