"""From a reply to the wire: one mail, its envelope, and what stands in the outbox afterwards."""

from email import message_from_bytes

from peers.replydesk import CUSTOMER, Desk
from peers.sink import Sink

from storage.outbox import DeliveryState
from storage.tickets import Status


def test_reply_reaches_the_customer_once_with_the_ids_of_the_thread(both_desk: Desk, sink: Sink) -> None:
    """The answer leaves with our Message-ID, the ids that it answers and a signed reply address."""
    number = both_desk.ticket()
    sent = both_desk.reply(number)
    with both_desk.relay():
        [delivery] = both_desk.wait_for(DeliveryState.SENT)
    [mail] = sink.stays_at(1, 0.1)
    parsed = message_from_bytes(mail.raw)
    assert mail.recipients == (CUSTOMER,)
    assert parsed["Message-ID"] == sent.header_id
    assert parsed["In-Reply-To"] == parsed["References"] == f"<mail-{number}-1@customer.example>"
    assert parsed["Subject"] == "Re: It is broken"
    assert both_desk.office.marks.read_reply_address(parsed["Reply-To"].rpartition("<")[2].strip(">"))
    assert both_desk.office.marks.read_return_path(mail.reverse_path)
    assert delivery.last_reply.startswith("250")
    assert sink.violations == []


def test_ticket_waits_for_the_customer_after_a_reply(both_desk: Desk) -> None:
    """A reply sets pending, assigns the unassigned ticket to its author and stands in the ticket."""
    number = both_desk.ticket()
    sent = both_desk.reply(number)
    ticket = both_desk.read_ticket(number)
    assert (ticket.status, ticket.assignee_id, ticket.messages) == (Status.PENDING, both_desk.agent.id, 2)
    assert sent.ref == f"{number}.2"
    assert list(sent.deliveries.values()) == [CUSTOMER]
