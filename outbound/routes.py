"""Which way a mail leaves, and under whose name.

The way is what an agent has said for the ticket, else the *answer via* of the address that it came in through, else
that of its queue, else the default servers. A channel of somebody's own never falls back to ours: that would break
SPF and DMARC alignment. RFC 7489 section 3.1.
"""

from dataclasses import dataclass

from sqlmodel import Session

from config.errors import Refused
from outbound.compose import Letter, compose
from outbound.dkim import SealedKey, sealed_key, sign
from outbound.marks import Audience, Mark, Marks, person_tag
from outbound.post_office import PostOffice
from outbound.writing import Person
from storage.address import domain_of
from storage.addresses import AddressState, CreationAddress, list_addresses
from storage.agents import Agent
from storage.channels import Channel, ChannelKind
from storage.dkim_keys import signing_keys
from storage.mailboxes import queue_ids_by_mailbox
from storage.outbox import Outgoing, OutgoingKind
from storage.queues import FromName, Queue, ReplyTo, SourceInbox, source_inboxes
from storage.tickets import Ticket


@dataclass(frozen=True, slots=True)
class Way:
    """How the mails of a ticket leave: the channel (None: the default servers), From, and where answers go."""

    channel_id: int | None
    author: Person
    answers_to: str  # empty: to a signed reply address
    sender: str  # the reverse-path of agents' mail; on the default servers VERP takes its place
    automatic_sender: str  # empty is the null reverse-path
    keys: tuple[SealedKey, ...] = ()  # sign for the domain of From; an account signs for itself


def way_of(session: Session, office: PostOffice, ticket: Ticket, queue: Queue, agent: Agent | None = None) -> Way:
    """The way for a ticket, under the agent's name where the queue wants that.

    Raises Refused when its channel was removed, or when no address can stand in From.
    """
    channel = _channel(session, ticket, queue)
    inbox = _source_inbox(session, ticket, queue)
    address = (channel.from_address if channel else "") or queue.from_address or inbox
    address = address or _creation_address(session, ticket, queue)
    if not address:
        raise Refused(f"Queue {queue.name} has no address to write from: make one with `gateway address new`")
    # Accounts refuse the null reverse-path often, so their automatic mail goes out under their own address.
    own = address if channel and channel.kind is not ChannelKind.FOLDER else ""
    return Way(
        channel_id=channel.number if channel else None,
        author=Person(_name(queue, agent), address),
        answers_to=inbox if queue.reply_to is ReplyTo.INBOX else "",
        sender=address,
        automatic_sender=own,
        keys=keys_of(session, channel.number if channel else None, address),
    )


def _name(queue: Queue, agent: Agent | None) -> str:
    own = queue.display_name or queue.name
    if agent is None or not agent.name or queue.from_name is FromName.QUEUE:
        return own
    return agent.name if queue.from_name is FromName.AGENT else f"{agent.name} via {own}"


def keys_of(session: Session, channel_id: int | None, address: str) -> tuple[SealedKey, ...]:
    """The keys that sign mail of this address: on the default servers alone, since an account signs for itself."""
    return () if channel_id else tuple(map(sealed_key, signing_keys(session, domain_of(address))))


def signed(office: PostOffice, keys: tuple[SealedKey, ...], letter: Letter) -> bytes:
    """The bytes of a letter as they leave, over all attempts the same: composed and signed once."""
    return sign(compose(letter), keys, office.seal, letter.date)


def why_doubted(office: PostOffice, way: Way) -> str:
    """Why receivers may doubt mail of this way, and what to do; empty when they need not.

    The reverse-path is ours, so under another domain only a DKIM key of that domain is aligned. RFC 7489 section 3.1.
    """
    domain = domain_of(way.author.email)
    is_ours = domain in office.settings.own_domains
    if way.channel_id is not None or way.keys or is_ours or not office.settings.outbound.servers:
        return ""
    return (
        f"no DKIM key signs for {domain}, so many will doubt it; `gateway dkim new {domain}` makes one, a channel of "
        "that account or --from with an address of ours avoids it"
    )


def reply_to(office: PostOffice, way: Way, mark: Mark) -> Person | None:
    """What stands in Reply-To: the source inbox, or an address of ours that finds the ticket again."""
    if way.answers_to:
        return None if way.answers_to == way.author.email else Person(way.author.name, way.answers_to)
    return Person(way.author.name, office.marks.reply_address(mark))


def reverse_path(marks: Marks, outgoing: Outgoing, recipient: str) -> str:
    """The envelope sender for one recipient: on the default servers it tells from which mail a bounce comes."""
    if outgoing.kind is not OutgoingKind.REPLY or outgoing.channel_id is not None:
        return outgoing.reverse_path
    mark = Mark(Audience.CUSTOMER, outgoing.ticket_id or 0, outgoing.id, person_tag(recipient))
    return marks.return_path(mark)


def _channel(session: Session, ticket: Ticket, queue: Queue) -> Channel | None:
    address = session.get(CreationAddress, ticket.address_id) if ticket.address_id else None
    channel_id, whose, remedy = queue.answer_via, f"queue {queue.name}", "name another one with --answer-via"
    if address and address.answer_via is not None:
        channel_id, whose = address.answer_via, address.address
    if ticket.way is not None:
        channel_id, whose = ticket.way or None, f"ticket {ticket.id}"
        remedy = f"name another one with `gateway ticket via {ticket.id} CHANNEL`"
    if channel_id is None:
        return None
    channel = session.get_one(Channel, channel_id)
    if channel.removed_at is not None:
        raise Refused(f"The channel {channel.name} of {whose} was removed: {remedy}")
    return channel


def _source_inbox(session: Session, ticket: Ticket, queue: Queue) -> str:
    came_through = session.get(SourceInbox, ticket.source_inbox) if ticket.source_inbox else None
    if came_through and came_through.confirmed and came_through.queue_id == queue.number:
        return came_through.address
    inboxes = source_inboxes(session, queue.number)
    if inboxes:
        return inboxes[0].address
    read = [address for address, queue_id in queue_ids_by_mailbox(session).items() if queue_id == queue.number]
    return ticket.source_inbox if ticket.source_inbox in read else next(iter(read), "")


def _creation_address(session: Session, ticket: Ticket, queue: Queue) -> str:
    came_through = session.get(CreationAddress, ticket.address_id) if ticket.address_id else None
    if came_through and came_through.queue_id == queue.number and came_through.state is AddressState.ACTIVE:
        return came_through.address
    addresses = list_addresses(session, queue.number)
    active = [address for address in addresses if address.state is AddressState.ACTIVE]
    return (active or addresses)[-1].address if addresses else ""
