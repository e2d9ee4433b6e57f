"""Names and addresses as a mail client writes them for people: `John Doe [mailto:john@acme.com]; 'Ann, Lee' <ann@x.y>`.

It is for the lines of a mail that somebody quotes or forwards. Address fields of a real header have a grammar
of their own (RFC 5322 section 3.4) and are read with the header.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.reading.mail import Person

MAX_LENGTH: Final = 16_000
MAX_PEOPLE: Final = 200

_CJK: Final = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # letters of languages that set no blank around an address
_LOCAL: Final = (
    rf"(?:[a-zA-Z0-9_.+=&?/'-]{{1,64}}|(?:(?![{_CJK}])[\w.+=&?/'-]){{1,64}}|(?<![{_CJK}])[{_CJK}0-9._-]{{1,64}})"
)
_LABEL: Final = rf"(?:[a-zA-Z0-9_-]{{1,63}}(?=[^\w]|[{_CJK}]|\Z)|[\w-]{{1,63}})"
# Tried only where a word begins, and 64 letters at most from there: linear.
ADDRESS: Final = re.compile(rf"(?:(?<![\w.+/'=-])|(?<=[{_CJK}])){_LOCAL}@{_LABEL}(?:\.{_LABEL}){{0,10}}")
_MAILTO: Final = re.compile(r"<mailto:[^<>]{1,400}>|\(mailto:[^()]{1,400}\)", re.IGNORECASE)
_MAILTO_WORD: Final = re.compile(r"[\[<(]mailto:", re.IGNORECASE)
_ON_BEHALF: Final = re.compile(
    r"\s(?:on behalf of|im auftrag von|de la part de|en nombre de|em nome de|per conto di|namens|på vegne a[fv])\s",
    re.IGNORECASE,
)
_AROUND: Final = " \t\r\n,;:<>()[]\"'“”„‘’«»*|_\\"


def read_people(written: str) -> tuple[Person, ...]:
    """Everybody who is named, in order; without an address where only a name is written."""
    text = _plain(written[:MAX_LENGTH])
    people: list[Person] = []
    begin = 0
    for found in ADDRESS.finditer(text):
        if len(people) >= MAX_PEOPLE:
            return tuple(people)
        *nameless, name = _names(text[begin : found.start()])
        people += [Person(other, "") for other in nameless if other]
        begin = found.end()
        _add(people, Person("" if "@" in name else name, found.group().strip(".'/?=&")))
    people += [Person(name, "") for name in _names(text[begin:]) if _is_name(name)]
    return tuple(people[:MAX_PEOPLE])


def read_person(written: str) -> Person:
    """The first one who has an address, or else the first who has a name."""
    people = read_people(_ON_BEHALF.split(written[:MAX_LENGTH], maxsplit=1)[0])
    with_address = [person for person in people if person.email]
    return next(iter(with_address or people), Person("", ""))


def _plain(written: str) -> str:
    """Without the links that clients write beside the address that they show."""
    bare = _MAILTO.sub("", written)
    return _MAILTO_WORD.sub(" <", bare if "@" in bare else written)


def _names(gap: str) -> list[str]:
    """What stands before an address: its name, and before that the people of whom only the name is written."""
    return [" ".join(piece.strip(_AROUND).split()) for piece in gap.split(";")]


def _is_name(name: str) -> bool:
    return 1 < len(name) <= 200 and any(letter.isalpha() for letter in name)


def _add(people: list[Person], person: Person) -> None:
    """`ann@x.y <ann@x.y>` is one person."""
    if people and people[-1].email.lower() == person.email.lower():
        people[-1] = Person(people[-1].name or person.name, people[-1].email)
    else:
        people.append(person)
