"""Which inbox forwarded a mail: a sample of each forwarder, what is learnt from it, and what is never sent there."""

import pytest
from fakes.house import House, mail

from outbound.guard import why_not as why_never
from storage.outbox import OutgoingKind
from storage.queues import Acknowledge
from storage.source_inboxes import suggested_inboxes
from storage.spool import Spool

INBOX = "support@company.example"
SRS = "SRS0=abcd=XY=customer.example=carla"
# Forwarder -> reverse-path and header lines as it writes them; OURS stands for the creation address.
FORWARDERS = {
    "gmail": (
        "support+caf_=OURS=in.desk.example@company.example",
        f"X-Forwarded-To: OURS\nX-Forwarded-For: {INBOX} OURS\nDelivered-To: {INBOX}\n",
    ),
    "gmail, headers only": ("carla@customer.example", f"X-Forwarded-For: {INBOX} OURS\n"),
    "m365 mailbox forwarding": ("support+SRS=abcd=XY=customer.example=carla@company.example", ""),
    "m365 under the tenant's domain": (
        "support+SRS=abcd=XY=customer.example=carla@company.onmicrosoft.com",
        f"Resent-From: <{INBOX}>\n",
    ),
    "m365 redirecting rule": (
        "bounces+SRS=abcd=XY@company.onmicrosoft.com",
        f"Resent-From: <{INBOX}>\nX-MS-Exchange-Inbox-Rules-Loop: {INBOX}\n",
    ),
    "m365 redirecting rule, no Resent-From": (
        "bounces+SRS=abcd=XY@company.onmicrosoft.com",
        f"X-MS-Exchange-Inbox-Rules-Loop: {INBOX}\n",
    ),
    "exchange": ("carla@customer.example", f"X-MS-Exchange-ForwardingLoop: {INBOX};0a1b2c3d-1111-2222\n"),
    "icloud": (f"{SRS}@icloud.example", f"Original-Recipient: rfc822;{INBOX}\n"),
    "fastmail": (f"{SRS}@fastmail.example", f"X-Resolved-to: {INBOX}\nX-Delivered-To: {INBOX}\n"),
    "zoho": ("carla@customer.example", f"Delivered-To: {INBOX}\nReceived: from x by mx.zoho.example; now\n"),
    "yahoo": ("carla@customer.example", f"X-Apparently-To: {INBOX}; Sun, 22 Nov 2026 07:00:00 +0000\n"),
    "yahoo, marked": ("carla@customer.example", f"X-Yahoo-Forwarded: from {INBOX} to OURS\n"),
    "postfix": (f"{SRS}@company.example", f"X-Original-To: {INBOX}\nDelivered-To: forwarder@company.example\n"),
    "exim": (
        "carla@customer.example",
        f"Received: from a by mx.company.example with esmtp (Exim 4.96) id 1abc-00 for {INBOX}; now\n",
    ),
    "cpanel": (
        f"{SRS}@cpanel.example",
        f"Received: from a by cpanel.example with esmtps (Exim 4.98)\n\t(envelope-from <carla@customer.example>)\n"
        f"\tid 1abc-00 for {INBOX};\n\tnow\nX-AntiAbuse: Original Domain - in.desk.example\n",
    ),
}  # fmt: skip


def forwarded(
    house: House, forwarder: str, text: str = "Hello, it smokes.", author: str = "carla@customer.example"
) -> Spool:
    """A customer's mail as this forwarder passes it on."""
    path, headers = FORWARDERS[forwarder]
    local = house.address.partition("@")[0]
    path = path.replace("OURS", local)
    headers = headers.replace("OURS", house.address)
    return house.receive(mail(text, subject=text, author=author, to=INBOX, headers=headers), reverse_path=path)


@pytest.mark.parametrize("forwarder", FORWARDERS)
def test_the_inbox_is_found_under(house: House, forwarder: str) -> None:
    """Nobody has named it; it stands on ticket and message, and the author is the customer."""
    ticket = house.ticket_of(forwarded(house, forwarder))
    assert (ticket.source_inbox, ticket.customer_address) == (INBOX, "carla@customer.example")
    assert house.messages(ticket.id)[0].source_inbox == INBOX


@pytest.mark.parametrize("forwarder", FORWARDERS)
def test_a_named_inbox_is_found_under(house: House, forwarder: str) -> None:
    """What an operator has named wins over every other trace."""
    house.name_inbox(INBOX)
    assert house.ticket_of(forwarded(house, forwarder)).source_inbox == INBOX


def suggestions(house: House) -> list[str]:
    """What the operator is shown."""
    with house.database.reading() as session:
        return [inbox.address for inbox in suggested_inboxes(session)]


def never(house: House, kind: OutgoingKind) -> str:
    """Why nothing of this kind is sent to the inbox."""
    with house.database.reading() as session:
        return why_never(session, house.office, INBOX, kind)


def test_three_mails_suggest_an_inbox_and_a_word_blocks_it(house: House) -> None:
    """After three it is shown and gets no automatic mail; once confirmed it gets nothing at all."""
    for number in range(3):
        assert suggestions(house) == []
        assert not never(house, OutgoingKind.ACKNOWLEDGEMENT)
        forwarded(house, "gmail", f"matter {number}", author=f"c{number}@customer.example")
    assert suggestions(house) == [INBOX]
    assert never(house, OutgoingKind.ACKNOWLEDGEMENT)
    assert not never(house, OutgoingKind.REPLY)
    house.name_inbox(INBOX)
    assert suggestions(house) == []
    assert "source inbox" in never(house, OutgoingKind.REPLY)


def test_what_stands_in_to_only_teaches_nothing(house: House) -> None:
    """People write to many addresses; only the way of a mail shows who forwards."""
    for number in range(4):
        house.receive(mail(f"m{number}", subject=f"m{number}", to=INBOX, author=f"c{number}@customer.example"))
    assert suggestions(house) == []


def test_a_customers_own_redirect_and_an_agents_teach_nothing(house: House) -> None:
    """Who passes on his own mail by hand is no inbox of the company."""
    for number in range(4):
        for who in ("carla@customer.example", "agent@company.example"):
            raw = mail(f"m{number} {who}", subject=f"m{number} {who}", headers=f"Resent-From: {who}\n")
            house.receive(raw)
    assert suggestions(house) == []


def test_an_answer_straight_to_us_teaches_nothing(house: House) -> None:
    """Traces in it are those of the customer's own servers."""
    ticket = house.ticket_of(house.receive(mail()))
    address = house.office.marks.reply_address(house.mark(ticket.id))
    for number in range(4):
        house.receive(mail(f"m{number}", headers="Delivered-To: archive@customer.example\n"), to=address)
    assert suggestions(house) == []


def test_what_an_inbox_writes_itself_is_not_acknowledged(house: House) -> None:
    """A ticket, yes; but an answer of ours would come back to us."""
    house.name_inbox(INBOX)
    house.set_queue("Support", acknowledge=Acknowledge.ALL)
    row = house.receive(mail(author=f"Support <{INBOX}>"))
    assert house.ticket_of(row).customer_address == INBOX
    assert any(line[:2] == ["acknowledge", "no"] for line in row.trace)


@pytest.mark.parametrize(
    "path",
    [
        "SRS0=abcd=XY=customer.example=carla@fwd.example",
        "SRS1=ef=first.example==abcd=XY=customer.example=carla@b.example",
        "prvs=1234abcdef=carla@customer.example",
        "carla@customer.example",
    ],
)
def test_a_mail_without_from_is_of_the_sender_before_the_forward(house: House, path: str) -> None:
    """The reverse-path is decoded where the header names nobody."""
    row = house.receive(mail(author=""), reverse_path=path)
    assert house.ticket_of(row).customer_address == "carla@customer.example"
