"""A DNS server of our own on loopback, UDP and TCP on one port, with a zone that is a dict.

It answers what a resolver would: records, NXDOMAIN for names that it does not know, and on demand SERVFAIL, delay or
silence. Nothing else is asked of it.
"""

import socketserver
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
from peers.ports import LOOPBACK

# Name (no final dot) to type to values as in a zone file; TXT values are plain text.
Zone = dict[str, dict[str, list[str]]]


@dataclass
class DnsServer:
    """What it knows and how it behaves; both may be changed while it runs."""

    zone: Zone
    port: int = 0
    delay_seconds: float = 0.0
    is_silent: bool = False
    servfail: set[str] = field(default_factory=set)
    silent_names: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)  # (name, type) of each question

    @property
    def address(self) -> str:
        """As the setting dns.nameservers wants it."""
        return f"{LOOPBACK}:{self.port}"

    def answer(self, wire: bytes) -> bytes | None:
        """The reply to one query, or None for silence."""
        query = dns.message.from_wire(wire)
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        type_ = dns.rdatatype.to_text(query.question[0].rdtype)
        self.asked.append((name, type_))
        time.sleep(self.delay_seconds)
        if self.is_silent or name in self.silent_names:
            return None
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        if name in self.servfail:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif name not in self.zone:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        elif values := self.zone[name].get(type_):
            texts = [_quoted(value) if type_ == "TXT" else value for value in values]
            reply.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", type_, *texts))
        return reply.to_wire(max_size=65535)


def _quoted(text: str) -> str:
    """A TXT value is written in strings of at most 255 octets."""
    pieces = [text[start : start + 250] for start in range(0, len(text), 250)] or [""]
    return " ".join('"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces)


@contextmanager
def dns_server(zone: Mapping[str, dict[str, list[str]]] | None = None) -> Iterator[DnsServer]:
    """A running server for the time of the block."""
    state = DnsServer(dict(zone or {}))
    udp, tcp = _on_one_port(state)
    state.port = udp.server_address[1]
    for server in (udp, tcp):
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield state
    finally:
        for server in (udp, tcp):
            server.shutdown()
            server.server_close()


def _on_one_port(state: DnsServer) -> tuple[socketserver.ThreadingUDPServer, socketserver.ThreadingTCPServer]:
    """A port that is free for datagrams may be taken for connections: then another one is tried."""
    for _ in range(20):
        udp = socketserver.ThreadingUDPServer((LOOPBACK, 0), _udp_handler(state))
        try:
            return udp, socketserver.ThreadingTCPServer((LOOPBACK, udp.server_address[1]), _tcp_handler(state))
        except OSError:
            udp.server_close()
    raise RuntimeError("no port is free for both datagrams and connections")


def _udp_handler(state: DnsServer) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            wire, socket = self.request
            reply = state.answer(wire)
            if reply is None:
                return
            if len(reply) > 1232:  # too long for a datagram: the client must come again over TCP
                short = dns.message.make_response(dns.message.from_wire(wire))
                short.flags |= dns.flags.TC
                reply = short.to_wire()
            socket.sendto(reply, self.client_address)

    return Handler


def _tcp_handler(state: DnsServer) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            length = int.from_bytes(self.rfile.read(2), "big")
            reply = state.answer(self.rfile.read(length))
            if reply is not None:
                self.wfile.write(len(reply).to_bytes(2, "big") + reply)

    return Handler
