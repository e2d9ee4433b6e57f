"""The PROXY header of a balancer in front of us, versions 1 and 2: who the client really is.

HAProxy's document proxy-protocol.txt, sections 2.1 and 2.2. Believed only from the networks that the
listener names; whoever else comes to such a listener hears nothing at all.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address

from gateway.listener.stream import Gone, Stream

_LONGEST_V1 = 107
_LONGEST_V2 = 536
_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_WORD = b"PROXY "
_V2_HEADER = 16
_LOCAL, _PROXIED = 0x20, 0x21
_TCP4, _TCP6 = 0x11, 0x21


async def read_client(stream: Stream) -> str | None:
    """The client's address, or None when the balancer speaks for itself. Raises Gone when this is no header."""
    while len(stream.unread) < len(_SIGNATURE):
        await stream.wait()
        if not _may_be_header(bytes(stream.unread[: len(_SIGNATURE)])):
            raise Gone
    if stream.unread.startswith(_SIGNATURE):
        return await _read_v2(stream)
    return await _read_v1(stream)


def _may_be_header(begin: bytes) -> bool:
    return _SIGNATURE.startswith(begin) or begin[: len(_WORD)] == _WORD[: len(begin)]


async def _read_v1(stream: Stream) -> str | None:
    line = await stream.line(_LONGEST_V1)
    if not line.endswith(b"\r\n") or not line.isascii():
        raise Gone
    words = line[:-2].decode().split(" ")
    if words[:2] == ["PROXY", "UNKNOWN"]:
        return None
    if len(words) != 6 or words[0] != "PROXY" or words[1] not in {"TCP4", "TCP6"}:
        raise Gone
    try:
        return str(ip_address(words[2]))
    except ValueError:
        raise Gone from None


async def _read_v2(stream: Stream) -> str | None:
    while len(stream.unread) < _V2_HEADER:
        await stream.wait()
    command, family = stream.unread[12], stream.unread[13]
    size = _V2_HEADER + int.from_bytes(stream.unread[14:16], "big")
    if command not in {_LOCAL, _PROXIED} or size > _LONGEST_V2:
        raise Gone
    while len(stream.unread) < size:
        await stream.wait()
    body = bytes(stream.unread[_V2_HEADER:size])
    del stream.unread[:size]
    return _address_v2(family, body) if command == _PROXIED else None


def _address_v2(family: int, body: bytes) -> str | None:
    if family == _TCP4 and len(body) >= 12:
        return str(IPv4Address(body[:4]))
    if family == _TCP6 and len(body) >= 36:
        return str(IPv6Address(body[:16]))
    if family in {_TCP4, _TCP6}:
        raise Gone
    return None
