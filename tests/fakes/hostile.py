"""Mails that were made to cost: of each family one of any size, to see how the work grows with it.

The families are those on which readers of mail have hung: patterns that look back and forth, structures that
nest, and lists without an end.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from typing import Final

_HEAD: Final = b"From: Ann <ann@customer.example>\r\nTo: desk@company.example\r\nMIME-Version: 1.0\r\n"


def _fill(unit: str, size: int) -> str:
    return (unit * (size // len(unit.encode()) + 1))[:size]


def _plain(unit: str, subject: str = "Re: Printer", fields: str = "") -> Callable[[int], bytes]:
    head = f"Subject: {subject}\r\n{fields}Content-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n"
    return lambda size: _HEAD + (head + _fill(unit, size)).encode()


def _html(unit: str) -> Callable[[int], bytes]:
    head = "Subject: Re: x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hello</p>"
    return lambda size: _HEAD + (head + _fill(unit, size)).encode()


def _field(name: str, unit: str, begin: str = "") -> Callable[[int], bytes]:
    return lambda size: _HEAD + f"{name}: {begin}{_fill(unit, size)}\r\n\r\nHello\r\n".encode()


def _part(kind: str, content: Callable[[int], bytes], encoding: str = "8bit") -> Callable[[int], bytes]:
    head = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    return lambda size: _HEAD + head + content(size)


def _nested_multiparts(size: int) -> bytes:
    depth = size // 60
    opened = "".join(
        f"Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n" for level in range(depth)
    )
    return _HEAD + f"{opened}\r\nHello\r\n".encode()


def _many_parts(size: int) -> bytes:
    head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    return _HEAD + head + b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" * (size // 36)


def _nested_mails(size: int) -> bytes:
    return _HEAD + b"Content-Type: message/rfc822\r\n\r\n" * (size // 32)


def _report(unit: str) -> Callable[[int], bytes]:
    head = b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nfailed\r\n"
    status = b"--b\r\nContent-Type: message/delivery-status\r\n\r\n"
    return lambda size: _HEAD + head + status + _fill(unit, size).encode() + b"\r\n--b--\r\n"


def _tnef(size: int) -> bytes:
    attribute = struct.pack("<BII", 1, 0x00068004, 0) + b"\0\0"
    return b"\x78\x9f\x3e\x22\1\0" + attribute * (size // len(attribute))


FAMILIES: Final[dict[str, Callable[[int], bytes]]] = {
    "quotation: header lines": _plain("From: a@b.c\nTo: a@b.c,\n"),
    "quotation: attributions": _plain("On 5 Mar 2024 at 10:23 a@b.c wrote:\n> x\n\n"),
    "quotation: unfinished attributions": _plain("On 5 Mar 2024 at 10:23 a@b.c <\n"),
    "quotation: separators": _plain("-----Original Message-----\n"),
    "quotation: unknown labels": _plain("Xx: Ann <a@b.c>\nYy: 2024 10:23\n"),
    "quotation: marks": _plain("> a\nb\n"),
    "quotation: initials": _plain("Ann> a\nwrote:\n"),
    "signatures": _plain("-- \nP.S. x\n"),
    "lines of devices": _plain("Sent from my iPhone\n\n"),
    "long line": _plain("a@"),
    "long line of blanks": _plain(" "),
    "forward headings": _plain("---------- Forwarded message ---------\nFrom: a@b.c\nDate: ", "Fwd: x"),
    "forward headings of unknown languages": _plain("----- xyz -----\nAbc: Ann <a@b.c>\n", "Fwd: x"),
    "prefixes of the subject": _field("Subject", "Re: Fwd: [x] "),
    "encoded words": _field("Subject", "=?utf-8?q?=C3?= "),
    "unfinished encoded words": _field("Subject", "=?utf-8?q?"),
    "addresses": _field("Cc", "a@b.c, "),
    "quotation marks in From": _field("Reply-To", '"'),
    "comments in addresses": _field("Reply-To", "("),
    "groups of addresses": _field("Cc", "a:b@c.d;"),
    "references": _field("References", "<a@b.c> "),
    "MIME parameters": _field("Content-Type", ";a*1*=utf-8''%41", "text/plain"),
    "quoted MIME parameters": _field("Content-Type", ';a="', "text/plain"),
    "many fields": lambda size: _HEAD + b"X-A: b\r\n" * (size // 8) + b"\r\nHello\r\n",
    "nested multiparts": _nested_multiparts,
    "many parts": _many_parts,
    "nested mails": _nested_mails,
    "boundaries that are none": _part("multipart/mixed; boundary=b", lambda size: b"--bx\r\n" * (size // 6)),
    "base64 rubbish": _part("application/x", lambda size: b"A=B-" * (size // 4), "base64"),
    "quoted-printable rubbish": _part("text/plain", lambda size: b"=\t " * (size // 3), "quoted-printable"),
    "uuencode that is none": _part("text/plain", lambda size: b"begin 644 x\r\n" * (size // 13)),
    "yEnc that is none": _part("text/plain", lambda size: b"=ybegin line=1 size=1 name=x\r\n" * (size // 30)),
    "octets of no charset": _part("text/plain", lambda size: b"\xff\xfe\x80 " * (size // 4)),
    "flowed lines": _part("text/plain; format=flowed", lambda size: b"> a \r\n" * (size // 6)),
    "enriched text": _part("text/enriched", lambda size: b"<bold><" * (size // 7)),
    "PGP armour": _part("text/plain", lambda size: b"-----BEGIN PGP SIGNED MESSAGE-----\r\n" * (size // 36)),
    "calendar": _part("text/calendar", lambda size: b"BEGIN:VEVENT\r\nSUMMARY:x\r\n" * (size // 25)),
    "S/MIME nesting": _part("application/pkcs7-mime", lambda size: b"\x30\x80" * (size // 2), "binary"),
    "TNEF attributes": _part("application/ms-tnef", lambda size: base64.encodebytes(_tnef(size * 3 // 4)), "base64"),
    "HTML nesting": _html("<div>"),
    "HTML quotations": _html('<blockquote type="cite">x'),
    "HTML tables": _html("<table><tr><td>x"),
    "HTML attributes": _html('<p a="'),
    "HTML comments": _html("<!-- "),
    "HTML references": _html("&amp;&#x41;"),
    "HTML links": _html('<a href="cid:x">y</a>'),
    "report in prose: addresses": _plain("a@b.c failed\n", "failure notice", "Return-Path: <>\r\n"),
    "report in prose: servers": _plain("host a.b said 550 5.1.1 <a@b.c>\n", "failure notice", "Return-Path: <>\r\n"),
    "report: recipients": _report("Final-Recipient: rfc822; a@b.c\nAction: failed\n\n"),
    "report: one long field": _report("Diagnostic-Code: x\n "),
}
