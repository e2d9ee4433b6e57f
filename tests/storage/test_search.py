"""Search: both databases find the same, and what people type never reaches an engine as an operator."""

import random
import unicodedata

import pytest
from fakes.rows import file_texts
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from storage.database import Database
from storage.search import folded_words, index_messages, search_messages

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


def oracle(words: str) -> list[str]:
    """What a reader of the texts would find: the mails of the fixture have Ann, her address and the subject too."""
    wanted = folded_words(words).split()[:64]
    if not wanted:
        return []
    return [text for text in TEXTS if _has(wanted, folded_words(f"Printer\n{text}\nAnn ann@customer.example").split())]


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
    """Whatever is typed, operators of both engines too, nothing raises, and the result is that of plain reading."""
    assert found(filled, words) == oracle(words)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(), max_size=60))
def test_any_text_is_found_by_its_own_words(database: Database, text: str) -> None:
    """A message with any text can be stored, and is found by its first word."""
    with database.writing() as session:
        session.connection().exec_driver_sql("DELETE FROM message_words")
        index_messages(session, [(1, text)])
        first = folded_words(text).split()[:1]
        assert search_messages(session, "".join(first)) == [1] * len(first)


def test_longest_words_of_every_script_can_be_indexed(database: Database) -> None:
    """A mail made of signs that grow when they are taken apart can be filed: no database refuses its words."""
    # Squared words of Japanese: one sign becomes five letters of three octets.
    signs = [chr(code) for code in range(0x3300, 0x3358) if len(unicodedata.normalize("NFKD", chr(code))) >= 4]
    chance = random.Random(4711)
    words = ["".join(chance.choices(signs, k=22)) for _ in range(4300)]
    with database.writing() as session:
        index_messages(session, [(1, " ".join(words))])
        assert search_messages(session, words[0]) == [1]
