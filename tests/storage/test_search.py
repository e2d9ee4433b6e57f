"""Search: both databases find the same, and what people type never reaches an engine as an operator."""

import random
import unicodedata
from dataclasses import replace

import pytest
from fakes.rows import file_texts, make_ticket, new_message
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from config.errors import AskedWrongly, NotFound
from storage.database import Database
from storage.finding import hits, parse_query, search_messages, snippet
from storage.message_filing import NewAttachment, file_messages
from storage.search import Indexed, folded_words, forget_words, index_messages
from storage.tags import change_tags
from storage.tickets import Priority, Status, get_ticket, set_priority, set_status

TEXTS = [
    "Cotação para o João",
    "Der Straßenbau in München",
    "invoice_2024-03.pdf attached, order #4711",
    "日本語 のメール",
    "The printer smokes",
    "ﬁnal ℡ Ⓐdvice",
    "\U0001e922 a letter that is younger than the tokenizer",
    "AND OR NOT NEAR",
]
FREE_TEXT = st.text(st.characters(), max_size=40)
OPERATORS = st.text(st.sampled_from("\"'*^:()+-&|!<>\\{}, %_\x00\ud800aä1"), max_size=20)


@pytest.fixture
def filled(database: Database) -> Database:
    """A ticket with one message for each text."""
    file_texts(database, TEXTS)
    return database


def found(database: Database, words: str) -> list[str]:
    """The texts that are found, the oldest first."""
    with database.reading() as session:
        return [TEXTS[number - 1] for number in reversed(search_messages(session, words))]


WORDS = {
    "cotacao": 0,
    "COTAÇÃO": 0,
    "cotac\u0327a\u0303o": 0,
    "joao para": 0,
    "cot": 0,
    "strassenbau": 1,
    "STRAẞENBAU munch": 1,
    "invoice": 2,
    "2024": 2,
    "invoice_2024-03.pdf": 2,
    "#4711": 2,
    "日本語": 3,
    "のメ": 3,
    "printer smoke": 4,
    "tel": 5,
    "final advice": 5,
    "\U0001e922": 6,
    "near not": 7,
    "AND": 7,
}
NOTHING = ("", "  ", '"', "*", "()", "rinter", "print smokes", "cotacao munchen", "tomorrow")


def test_words_find_their_message_alone(filled: Database) -> None:
    """Case, accents, ligatures and order do not matter; the last word may be a beginning. The same on both."""
    assert {words: found(filled, words) for words in WORDS} == {words: [TEXTS[at]] for words, at in WORDS.items()}


def test_words_that_are_not_all_there_find_nothing(filled: Database) -> None:
    """No words find nothing, nor the inside of a word, nor a beginning that is not last, nor words of two mails."""
    assert {words: found(filled, words) for words in NOTHING} == {words: [] for words in NOTHING}


def test_people_subject_and_files_are_found_the_newest_first(filled: Database) -> None:
    """Every message of Ann's with this subject is found, the newest first, and no more than asked for."""
    with filled.reading() as session:
        everything = search_messages(session, "ann@customer.example printer")
        assert everything == sorted(everything, reverse=True)
        assert len(everything) == len(TEXTS)
        assert search_messages(session, "ann", 3) == everything[:3]


@given(st.text(st.characters(max_codepoint=127)))
def test_words_in_ascii_are_divided_as_all_others(text: str) -> None:
    """The quick way and the general one give the same words; what stands in other scripts takes the general one."""
    assert [*folded_words(text), "e"] == folded_words(f"{text} \u00e9")


def oracle(words: str) -> list[str]:
    """What a reader of the texts would find: the mails of the fixture have Ann, her address and the subject too."""
    wanted = folded_words(words)[:64]
    if not wanted:
        return []
    return [text for text in TEXTS if _has(wanted, folded_words(f"Printer\n{text}\nAnn ann@customer.example"))]


def _has(wanted: list[str], words: list[str]) -> bool:
    return set(wanted[:-1]) <= set(words) and any(word.startswith(wanted[-1]) for word in words)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FREE_TEXT | OPERATORS | st.builds(" ".join, st.lists(st.sampled_from(TEXTS) | OPERATORS, max_size=4)))
@example('" OR "1')
@example("') OR 1=1; DROP TABLE message_words; --")
@example("a:* & !b | (c <-> d)")
@example("words: ^printer NEAR(a b, 3) *")
@example("the " * 1000 + "printer")
def test_any_text_finds_what_a_reader_would(filled: Database, words: str) -> None:
    """Whatever is typed, operators of both engines too, nothing raises; plain reading finds the same, in any order."""
    # Quotes, stars and colons mean something of ours; the next test has them.
    plain = words.translate(dict.fromkeys(map(ord, '"*:'), " "))
    assert sorted(found(filled, plain)) == sorted(oracle(plain))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FREE_TEXT | OPERATORS | st.text(st.sampled_from('"*: abfile:subject:'), max_size=30))
@example('" OR "1')
@example('subject:"')
@example('file:"a b" "c')
@example("from:* *")
def test_any_text_with_signs_of_ours_never_raises(filled: Database, words: str) -> None:
    """Phrases that do not end, fields without a word, stars alone."""
    assert set(found(filled, words)) <= set(TEXTS)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(), max_size=60))
def test_any_text_is_found_by_its_own_words(database: Database, text: str) -> None:
    """A message with any text can be stored, and is found by its first word."""
    with database.writing() as session:
        session.connection().exec_driver_sql("DELETE FROM message_words")
        index_messages(session, [(1, Indexed(text))])
        first = folded_words(text)[:1]
        assert search_messages(session, "".join(first)) == [1] * len(first)


def test_longest_words_of_every_script_can_be_indexed(database: Database) -> None:
    """A mail made of signs that grow when they are taken apart can be filed: no database refuses its words."""
    # Squared words of Japanese: one sign becomes five letters of three octets.
    signs = [chr(code) for code in range(0x3300, 0x3358) if len(unicodedata.normalize("NFKD", chr(code))) >= 4]
    chance = random.Random(4711)
    words = ["".join(chance.choices(signs, k=22)) for _ in range(4300)]
    with database.writing() as session:
        index_messages(session, [(1, Indexed(" ".join(words)))])
        assert search_messages(session, words[0]) == [1]


MAILS = (
    ("Invoice of March", "Please find the invoice of your order.", "Maria <maria@client.example>", "order-4711.pdf"),
    ("Your order", "The order is late. We sent the invoice in March.", "Bob <bob@shop.example>", ""),
    ("Holidays", "Maria sent her order to Bob, the late order.", "Ann <ann@invoice.example>", "plan.xlsx"),
)


@pytest.fixture
def mailed(database: Database) -> Database:
    """Three tickets with one mail each, of three people."""
    for subject, text, author, filename in MAILS:
        with database.writing() as session:
            ticket = make_ticket(session)
            name, _, email = author.rstrip(">").partition(" <")
            files = (NewAttachment(filename, "application/pdf", 1, "0" * 64),) if filename else ()
            message = replace(new_message(ticket, text=text, attachments=files), subject=subject, author=(name, email))
            file_messages(session, [message])
    return database


def places(database: Database, typed: str) -> list[int]:
    """The mails that are found, by their place in MAILS, the best first."""
    with database.reading() as session:
        return [number - 1 for number in search_messages(session, typed)]


TYPED = {
    "invoice": [0, 2, 1],  # in the subject, in an address, in the text
    "order": [1, 0, 2],  # in the subject, in the name of a file, in the text
    "subject:order": [1],
    "from:maria": [0],
    "maria": [0, 2],
    "file:order": [0],
    "file:plan.xlsx": [2],
    '"late order"': [2],
    '"order is late"': [1],
    '"march please"': [],  # a phrase does not reach from the subject into the text
    'subject:"invoice of march"': [0],
    "inv* late": [2, 1],
    "inv late": [],
    "ho": [2],
    "from:shop subject:your": [1],
    "colour:red": [],
    "http://order": [],
}


def test_fields_phrases_and_beginnings_find_what_was_meant_the_best_first(mailed: Database) -> None:
    """Subjects before names and files, those before texts; the newest first within each. The same on both."""
    assert {typed: places(mailed, typed) for typed in TYPED} == TYPED


def test_filters_narrow_what_is_found(mailed: Database) -> None:
    """By queue, status, tag, priority, assignee, customer and date; with words or alone."""
    with mailed.writing() as session:
        second = get_ticket(session, 2)
        set_status(session, second, Status.SOLVED, by="x")
        set_priority(session, second, Priority.HIGH, by="x")
        change_tags(session, second, ["vip"], by="x")
        second.customer_address = "bob@shop.example"
        session.add(second)
    wanted = {
        "order status:solved": [1],
        "tag:VIP": [1],
        "priority:high order": [1],
        "customer:bob@shop.example": [1],
        "status:new queue:support": [2, 0],
        "assignee:nobody order": [1, 0, 2],
        "order before:2020-01-01": [],
        "order after:2020-01-01": [1, 0, 2],
    }
    assert {typed: places(mailed, typed) for typed in wanted} == wanted


@pytest.mark.parametrize("typed", ["a status:done", "a priority:huge", "before:soon", "queue:Nowhere a"])
def test_filter_that_makes_no_sense_is_refused(mailed: Database, typed: str) -> None:
    """It is never taken for a word."""
    with pytest.raises((AskedWrongly, NotFound)):
        places(mailed, typed)


def test_hit_shows_the_words_around_the_first_place(mailed: Database) -> None:
    """Folded like the search; the subject where the text has none of the words."""
    with mailed.reading() as session:
        assert hits(session, "sent", [2])[0].snippet == "The order is late. We sent the invoice in March."
        assert hits(session, "holidays", [3])[0].snippet == "Holidays"
        assert [hit.ref for hit in hits(session, "order", [3, 1])] == ["3.1", "1.1"]
    long = " ".join(["word"] * 50 + ["Cotação"] + ["word"] * 50)
    assert snippet(long, parse_query("cotac").terms).count("word") == 16


def test_forgotten_message_is_not_found(mailed: Database) -> None:
    """Only its own words are gone."""
    with mailed.writing() as session:
        forget_words(session, [1])
    assert places(mailed, "invoice") == [2, 1]


def test_whole_words_come_before_beginnings(database: Database) -> None:
    """The older message has the very word, so it comes first; with a star both are the same."""
    with database.writing() as session:
        index_messages(session, [(1, Indexed("the print is good")), (2, Indexed("the printer is broken"))])
    with database.reading() as session:
        assert search_messages(session, "print") == [1, 2]
        assert search_messages(session, "print*") == [2, 1]
