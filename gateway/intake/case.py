"""One recipient's copy of one mail while it is decided where it belongs."""

from dataclasses import dataclass, field

from gateway.reading.authenticity import Authentication, Identity
from gateway.reading.mail import Mail, Person
from outbound.marks import LOOP_HEADER, Mark
from storage.address import canonical_address
from storage.claims import Claimed
from storage.message_filing import NewAttachment
from storage.queues import Queue
from storage.spool import SpoolState

SEVERAL_FROM = "several-from"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A fate other than a ticket; `check` names what decided, and what a person may waive."""

    state: SpoolState
    check: str
    reason: str
    is_storm: bool = False  # held until its author has been quiet, or a person says otherwise
    message_id: int | None = None  # the message that it became by another way than being filed
    ticket_id: int | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A ticket to which a mail seems to belong; `by` names the evidence."""

    ticket_id: int
    by: str
    is_signed: bool  # a mark of ours: it alone is enough to file the mail
    detail: str = ""
    person: bytes | None = None  # the mark was made for one person's own copy: his `person_tag`
    insists: bool = False  # he was told that his answer came too late, and answers that


@dataclass(frozen=True, slots=True)
class Case:
    """A claimed mail as read, with what the envelope says: the queue and, in a signed address, the mark.

    `author` is who wrote it, canonical; empty when the mail names nobody. `trace` collects one line a decision:
    what was asked, what answered, why.
    """

    claimed: Claimed
    mail: Mail
    queue: Queue
    address_id: int | None
    mark: Mark | None  # of a reply address or return path in the envelope
    author: str
    writer: Person
    customer: Person  # whose ticket it is, if it opens one: the author's, but for an agent's letter to an outsider
    source_inbox: str
    is_source_learnt: bool  # this mail shows that it forwards
    content_key: str  # digest of text, attachments and author
    conversation: tuple[str, ...]  # keys of it beside the ids: Thread-Index, case numbers of other desks
    attachments: tuple[NewAttachment, ...]  # their blobs are stored
    authentication: Authentication  # of who sent it to us: not of him whose mail an agent forwarded by hand
    is_author_proven: bool = False
    is_author_vouched: bool = True  # False: only a strange list or forwarder says that he wrote it
    flags: tuple[str, ...] = ()
    silenced_by: str = ""  # the rule that wants no acknowledgement
    template: str = ""  # with which a rule wants it answered
    tells: tuple[int, ...] = ()  # agents to whom a rule wants it told
    trace: list[list[str]] = field(default_factory=list)

    @property
    def customer_address(self) -> str:
        """The customer's address, canonical; empty when the mail names nobody."""
        return self.author if self.customer == self.writer else canonical_address(self.customer.email) or self.author

    @property
    def is_report(self) -> bool:
        """The null reverse-path marks a report or an automatic answer (RFC 5321 section 4.5.5)."""
        return not self.claimed.reverse_path

    @property
    def is_automatic(self) -> bool:
        """Nobody sits behind it, as far as envelope or content tell.

        The loop mark of any gateway stands on automatic mail only, whatever else a server on the way took off.
        """
        return self.is_report or self.mail.kind.is_automatic or bool(self.mail.header_all(LOOP_HEADER))

    @property
    def is_author_denied(self) -> bool:
        """The domain in From asks to doubt what it did not sign or send, and nothing speaks for this mail.

        A second author in From keeps every check from asking; hardly any honest program writes one.
        """
        return self.authentication.identity is Identity.FAILED or SEVERAL_FROM in self.flags

    @property
    def is_past(self) -> bool:
        """Old mail that a person has asked for, out of an archive or a mailbox: nobody waits for a word about it."""
        return "acknowledge" in self.claimed.passed

    def note(self, asked: str, answer: str, why: str = "") -> None:
        """Add a line to the trace."""
        self.trace.append([asked, answer, why])

    def trace_answer(self, asked: str) -> str:
        """The reason of the last line that asked this."""
        return next((why for step, _answer, why in reversed(self.trace) if step == asked), "")
