"""What DNS said, as a value: authenticity is judged from answers that were fetched before.

Nothing here asks DNS. A question without an answer is noted, so that whoever fetches knows what to ask next.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Question:
    """A name in lower case without a final dot, and the type of record that is asked for."""

    name: str
    type: str  # A | AAAA | MX | PTR | TXT


@dataclass(frozen=True, slots=True)
class Answer:
    """The records of a name. None at all is an answer too; `is_trouble` is the lack of one."""

    values: tuple[str, ...] = ()  # TXT: octets as Latin-1, its strings joined; MX: "10 mx.example"
    is_trouble: bool = False
    is_no_name: bool = False  # neither such a name nor any below it (RFC 8020), not merely no such record


NOTHING: Final = Answer()
NO_NAME: Final = Answer(is_no_name=True)
TROUBLE: Final = Answer(is_trouble=True)


class Answers:
    """The answers at hand, and in `missing` the questions that were put and have none yet."""

    def __init__(self, known: Mapping[Question, Answer]) -> None:
        self._known = known
        self.missing: set[Question] = set()

    def ask(self, name: str, type_: str) -> Answer:
        """The answer; without one it is trouble, as if the server had been silent."""
        question = Question(name.lower().rstrip("."), type_)
        answer = self._known.get(question)
        if answer is None:
            self.missing.add(question)
            return TROUBLE
        return answer
