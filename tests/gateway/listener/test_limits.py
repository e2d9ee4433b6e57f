"""Memory, time and numbers are bounded, whatever a peer does."""

import resource
import threading
import time
from pathlib import Path

from peers.ports import until

MAIL = b"Subject: hello\r\n\r\nhello\r\n"
MIB = 1024 * 1024


def test_flood_without_a_line_end_costs_bounded_memory(open_door):
    """300 MiB without CR LF: refused or cut off, and memory grows by less than twice the size limit and 20 MiB."""
    door = open_door(message_bytes=8 * MIB)
    with door.peer() as peer:
        peer.starts_mail([door.address])
        peer.says("DATA")
        sent, growth = _flood(peer, 300 * MIB)
    assert sent < 100 * MIB
    assert growth < 36 * MIB
    assert door.rows() == []


def test_flood_of_one_command_line_costs_bounded_memory(open_door):
    """A command line without an end is forgotten as it comes."""
    door = open_door()
    with door.peer() as peer:
        sent, growth = _flood(peer, 100 * MIB)
    assert sent == 100 * MIB
    assert growth < 20 * MIB


def test_mail_larger_than_it_said_is_refused_in_order(open_door):
    """SIZE is a promise that is checked: 552 after the dot, and the conversation goes on."""
    door = open_door(message_bytes=MIB)
    with door.peer() as peer:
        peer.says("EHLO x")
        assert peer.says("MAIL FROM:<a@b.example> SIZE=10").startswith("250")
        peer.says(f"RCPT TO:<{door.address}>")
        assert peer.gives((b"x" * 998 + b"\r\n") * 5000) == "552 5.3.4 Mail is larger than this server takes"
        assert peer.mails([door.address], MAIL).startswith("250")


def test_mail_of_exactly_the_limit_is_taken(open_door):
    """The limit counts the octets of the mail, not the dots of transparency nor the end."""
    door = open_door(message_bytes=1000)
    for size, code in ((1000, "250"), (1001, "552")):
        with door.peer() as peer:
            assert peer.mails([door.address], b"x" * (size - 2) + b"\r\n").startswith(code)


def test_bytes_in_flight_have_a_budget_that_comes_back(open_door):
    """What is beyond it hears 452 4.3.1, and later there is room again."""
    door = open_door(in_flight_bytes=1000)
    with door.peer() as first, door.peer() as second:
        for peer in (first, second):
            peer.starts_mail([door.address])
            peer.says("DATA")
        first.sends(b"x" * 700)
        time.sleep(0.2)
        second.sends(b"y" * 700 + b"\r\n.\r\n")
        assert second.reply() == "452 4.3.1 Not enough storage, try again later"
        first.sends(b"\r\n.\r\n")
        assert first.reply().startswith("250")
        assert second.mails([door.address], b"y" * 700 + b"\r\n").startswith("250")


def test_idle_peer_hears_421(open_door):
    """Nothing said for too long, or one octet now and then: 421 4.4.2."""
    door = open_door(idle_seconds=0.4)
    with door.peer() as idle, door.peer() as trickler:
        stop = threading.Event()
        threading.Thread(target=_trickle, args=(trickler, stop), daemon=True).start()
        assert idle.rest() == ["421 4.4.2 Timeout"]
        assert trickler.rest() == ["421 4.4.2 Timeout"]
        stop.set()


def test_slow_data_hears_421_while_others_are_served(open_door):
    """Forty peers trickle a mail each; a good one is served at once, all slow ones are cut off."""
    door = open_door(data_grace_seconds=0.5, data_bytes_per_second=500, idle_seconds=2)
    slow = [door.peer() for _ in range(40)]
    for peer in slow:
        peer.starts_mail([door.address])
        peer.says("DATA")
        peer.sends(b"x")
    began = time.monotonic()
    with door.peer() as good:
        assert good.mails([door.address], MAIL).startswith("250")
    assert time.monotonic() - began < 1
    assert [peer.rest() for peer in slow] == [["421 4.4.2 Data comes too slowly"]] * 40
    for peer in slow:
        peer.close()
    assert len(door.rows()) == 1


def test_session_has_an_end(open_door):
    """However busy it is."""
    door = open_door(session_seconds=0.5)
    with door.peer() as peer:
        end = time.monotonic() + 5
        replies = []
        while time.monotonic() < end and not (replies and replies[-1].startswith("421")):
            peer.sends(b"NOOP\r\n")
            replies.append(peer.reply())
            time.sleep(0.05)
        assert replies[-1] == "421 4.4.2 The session has lasted too long"


def test_peer_that_never_reads_is_cut_off(open_door):
    """Replies that nobody takes fill no memory."""
    door = open_door(idle_seconds=0.5, errors=0)
    with door.peer() as peer:
        peer.says("EHLO x")
        sent, growth = _flood(peer, 60 * MIB, b"NOOP\r\n" * 10_000)
    assert sent < 60 * MIB
    assert growth < 20 * MIB


def test_network_has_a_limit_of_connections(open_door):
    """Connections of one network beyond the limit hear 421 at once; a place that gets free is given again."""
    door = open_door(connections_per_network=3)
    peers = [door.peer() for _ in range(3)]
    with door.peer() as fourth:
        assert fourth.greeting == "421 4.7.0 Too many connections, try again later"
        assert fourth.is_closed()
    peers.pop().close()
    until(lambda: _greets(door), 5, "a place is free")
    for peer in peers:
        peer.close()


def test_trusted_network_has_none(open_door):
    """The company's own mail server is exempt."""
    door = open_door(connections_per_network=1, connections_per_minute=1, trusted_networks=["127.0.0.0/8"])
    peers = [door.peer() for _ in range(5)]
    assert all(peer.greeting.startswith("220") for peer in peers)
    for peer in peers:
        peer.close()


def test_all_connections_together_have_a_limit(open_door):
    """Whoever they are."""
    door = open_door(connections=2, trusted_networks=["127.0.0.0/8"])
    with door.peer(), door.peer(), door.peer() as third:
        assert third.greeting.startswith("421 4.7.0")


def test_connections_have_a_rate(open_door):
    """What comes faster than the bucket fills hears 421."""
    door = open_door(connections_per_minute=2, burst_minutes=1)
    greetings = []
    for _ in range(4):
        with door.peer() as peer:
            greetings.append(peer.greeting[:3])
    assert greetings == ["220", "220", "421", "421"]


def test_mail_bomb_is_deferred_and_others_are_not(open_door):
    """One address gets its share and 451 4.7.1 for the rest; never a silent drop."""
    door = open_door(mails_per_minute=3, burst_minutes=1)
    with door.peer() as peer:
        replies = [peer.mails([door.address], MAIL + b"%d\r\n" % number)[:3] for number in range(3)]
        assert replies == ["250"] * 3
        peer.says("EHLO x")
        assert peer.says("MAIL FROM:<a@b.example>") == "451 4.7.1 Too much mail for now, try again later"
    assert len(door.rows()) == 3


def test_full_disk_is_said_before_the_mail_is_sent(open_door):
    """Less free space than the reserve: 452 4.3.1 at MAIL."""
    door = open_door(free_bytes=2**62)
    with door.peer() as peer:
        peer.says("EHLO x")
        assert peer.says("MAIL FROM:<a@b.example>") == "452 4.3.1 Not enough storage, try again later"


def _flood(peer, size, piece=b"x" * MIB):
    """How much the server took before it closed or stopped taking, and how much our memory grew meanwhile."""
    sent, before, most = 0, _memory(), 0
    try:
        while sent < size:
            peer.sends(piece)
            sent += len(piece)
            most = max(most, _memory())
    except OSError:
        pass
    return sent, most - before


def _trickle(peer, stop):
    try:
        while not stop.wait(0.1):
            peer.sends(b"N")
    except OSError:
        pass


def _greets(door):
    with door.peer() as peer:
        return peer.greeting.startswith("220")


def _memory():
    """The resident memory of this process, where the listener runs too."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
