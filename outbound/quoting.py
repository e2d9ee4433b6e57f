"""Quote the mail that is answered, where a queue wants it: who wrote what and when, without our own tokens.

A token in a quotation would travel on to whoever is copied in, and locate the ticket for him. What unverified writers
said, and sign-up codes of other services, are never quoted onward (the "ticket trick").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from outbound.post_office import PostOffice
from outbound.writing import MAX_NAME, body_lines, one_line
from storage.address import canonical_address
from storage.messages import Direction, Message
from storage.tickets import Participant, ParticipantRole

MAX_QUOTED = 20_000
_HEADS = {
    "en": "On {date}, {name} wrote:",
    "pt": "Em {date}, {name} escreveu:",
    "es": "El {date}, {name} escribió:",
    "fr": "Le {date}, {name} a écrit :",
    "de": "Am {date} schrieb {name}:",
}


@dataclass(frozen=True, slots=True)
class Quote:
    """The head and the words of a mail that is quoted."""

    head: str
    words: str

    @property
    def text(self) -> str:
        """As it stands in a text part. RFC 3676 section 4.5."""
        lines = (f"> {line}".rstrip() for line in self.words.rstrip("\n").split("\n"))
        return "\n".join([self.head, *lines])


def quote_of(message: Message | None, people: Sequence[Participant], language: str, office: PostOffice) -> Quote | None:
    """The quotation of a mail that came in, or None when it may not be quoted."""
    if message is None or message.direction is not Direction.INBOUND or not _may_be_quoted(message, people):
        return None
    words = office.marks.without_marks(message.reply_text or message.text).strip()
    if not words:
        return None
    head = _HEADS.get(language, _HEADS["en"]).format(
        date=f"{message.date.astimezone(ZoneInfo(office.settings.time_zone)):%Y-%m-%d %H:%M}",
        name=one_line(message.author_name or message.author_email, MAX_NAME),
    )
    cut = words if len(words) <= MAX_QUOTED else f"{words[:MAX_QUOTED]}\n[...]"
    return Quote(head, body_lines(cut))


def _may_be_quoted(message: Message, people: Sequence[Participant]) -> bool:
    address = canonical_address(message.author_email)
    role = next((person.role for person in people if person.address == address), ParticipantRole.UNVERIFIED)
    is_flagged = message.is_for_agents_only or message.kind == "verification"
    return role is not ParticipantRole.UNVERIFIED and not is_flagged
