"""What a rule may ask about a mail, as values: of the mail in hand, or of one that was filed long ago."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.reading.mail import Mail
from storage.address import domain_of


@dataclass(frozen=True, slots=True)
class Facts:
    """One mail on its way into a ticket. `is_answer`: by evidence, not by a policy of its queue."""

    mail: Mail
    author: str  # canonical, empty where the mail names nobody
    recipient: str  # of the envelope
    source_inbox: str
    queue: str
    queue_id: int
    identity: str
    size: int
    is_known: bool
    received: datetime  # in the zone of the settings
    is_answer: bool


def _from(facts: Facts) -> list[str]:
    return [facts.author, facts.mail.author.email, facts.mail.author.name]


def _to(facts: Facts) -> list[str]:
    return [facts.recipient, *(person.email for person in (*facts.mail.to, *facts.mail.cc))]


def _body(facts: Facts) -> list[str]:
    return [facts.mail.text]


def _attachment(facts: Facts) -> list[str]:
    return [file.filename for file in facts.mail.attachments]


# The fields that are texts; a field with several values holds when one of them does.
TEXTS: Mapping[str, Callable[[Facts], list[str]]] = {
    "from": _from,
    "domain": lambda facts: [domain_of(facts.author)],
    "to": _to,
    "source-inbox": lambda facts: [facts.source_inbox],
    "subject": lambda facts: [facts.mail.subject],
    "body": _body,
    "attachment": _attachment,
    "queue": lambda facts: [facts.queue],
    "kind": lambda facts: [facts.mail.kind],
    "authenticity": lambda facts: [facts.identity],
}
# The fields that are true or not.
TRUTHS: Mapping[str, Callable[[Facts], bool]] = {
    "contact-known": lambda facts: facts.is_known,
    "has-attachment": lambda facts: any(not file.inline for file in facts.mail.attachments),
}
