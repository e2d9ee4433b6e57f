"""A connection that breaks at any byte, either way: what was stored is never sent again, and what was not is."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from peers.faultproxy import Fault, FaultProxy, Side, Trouble
from peers.sink import Sink

from config.errors import GatewayError
from outbound.envelope import Answer, Envelope, Patience, Server, ServerTrouble
from outbound.signin import connect
from outbound.writing import written_address
from storage.outbox import DeliveryState

# More than either side says in one of these sessions.
_OCTETS = {Side.CLIENT: 330, Side.SERVER: 330}
_PEOPLE = ("ann@customer.example", "ben@customer.example")


class Marker:
    """The dot marker: whether it was set."""

    def __init__(self) -> None:
        self.is_set = False

    async def set(self) -> bool:
        """Note that the dot comes."""
        self.is_set = True
        return True


async def _send(port: int, envelope: Envelope, marker: Marker) -> list[Answer]:
    try:
        line = await connect(Server("127.0.0.1", port, "none"), "mx.desk.example", Patience(2, 2))
        answers = await line.deliver(envelope, marker.set)
    except ServerTrouble as trouble:
        return [Answer(one, DeliveryState.DEFERRED, trouble.reply) for one in envelope.recipients]
    line.abort()
    return answers


@pytest.mark.parametrize("fault", [Fault.CLOSE, Fault.RESET, Fault.HALF_CLOSE])
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.slow)])
def test_mail_is_neither_lost_nor_doubled_wherever_the_connection_breaks(side: Side, fault: Fault, step: int) -> None:
    """Sent means stored, deferred means not stored, and uncertain comes only behind the marker."""
    said: dict[bytes, list[Answer]] = {}
    with Sink() as sink, FaultProxy(sink.port) as proxy:
        for octets in range(1, _OCTETS[side], step):
            mark, marker = b"mark-%d." % octets, Marker()
            content = b"Subject: Re\r\nMessage-ID: <%s@x>\r\n\r\n.It works again.\r\n" % mark
            proxy.next(Trouble(fault, of=side, octets=octets))
            said[mark] = asyncio.run(_send(proxy.port, Envelope("desk@x.example", _PEOPLE, content), marker))
            assert sorted(one.recipient for one in said[mark]) == list(_PEOPLE)
            assert marker.is_set or {one.state for one in said[mark]} == {DeliveryState.DEFERRED}
        stored = [mail.raw for mail in sink.mails]
    states = {mark: {one.state for one in answers} for mark, answers in said.items()}
    kept = {mark: sum(mark in raw for raw in stored) for mark in said}
    assert [mark for mark, found in states.items() if DeliveryState.DEFERRED in found and kept[mark]] == []
    assert [mark for mark, found in states.items() if found == {DeliveryState.SENT} and kept[mark] != 1] == []
    assert set().union(*states.values()) <= {DeliveryState.SENT, DeliveryState.DEFERRED, DeliveryState.UNCERTAIN}
    assert max(kept.values()) == 1


LOCALS = st.text(
    st.one_of(st.sampled_from('\r\n\0 \t<>@"\\,;:.()+-=é\u2028'), st.characters()), min_size=1, max_size=40
)


@settings(max_examples=60, deadline=None)
@given(local=LOCALS)
def test_whatever_stands_in_an_address_there_is_one_recipient_on_the_wire(local: str) -> None:
    """It arrives as the one that was meant, or is refused before anything is sent: never another RCPT (T40)."""
    try:
        address = written_address(f"{local}@customer.example")
    except GatewayError:
        return
    with Sink() as sink:
        answers = asyncio.run(_send(sink.port, Envelope("desk@x.example", (address,), b"Subject: x\r\n\r\n"), Marker()))
        assert [one.state for one in answers] == [DeliveryState.SENT]
        [mail] = sink.wait_for(1)
        assert (mail.reverse_path, mail.recipients) == ("desk@x.example", (address,))
        assert len([line for _, line in sink.commands if line.upper().startswith("RCPT")]) == 1
        assert sink.violations == []
