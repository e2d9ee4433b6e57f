"""Mail that a program hid in a package: S/MIME's opaque signatures and Outlook's winmail.dat."""

from __future__ import annotations

import struct
import sys
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID

from gateway.reading.cms import signed_content
from gateway.reading.parse import read_mail
from gateway.reading.tnef import unpack

INNER = b"Content-Type: text/plain\r\n\r\nsigned words\r\n"


@pytest.fixture(scope="module")
def signed() -> bytes:
    """An opaque signature over a small mail, in DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ann")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256())
    signer = pkcs7.PKCS7SignatureBuilder().set_data(INNER).add_signer(certificate, key, hashes.SHA256())
    return signer.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])


def indefinite(content: bytes) -> bytes:
    """The same structure as Outlook writes it: without lengths, the content in pieces."""
    pieces = b"".join(b"\x04" + bytes([len(part)]) + part for part in (content[:10], content[10:]))
    octets = b"\x24\x80" + pieces + b"\0\0"
    inner = b"\x30\x80\x06\x09" + bytes.fromhex("2a864886f70d010701") + b"\xa0\x80" + octets + b"\0\0" + b"\0\0"
    algorithms = b"\x31\x80\x30\x00\x00\x00"
    data = b"\x30\x80\x02\x01\x01" + algorithms + inner + b"\0\0"
    return b"\x30\x80\x06\x09" + bytes.fromhex("2a864886f70d010702") + b"\xa0\x80" + data + b"\0\0\0\0"


def test_signed_content_is_found(signed):
    """The entity that was signed comes out of DER and of BER without lengths."""
    assert signed_content(signed) == INNER
    assert signed_content(indefinite(INNER)) == INNER


def test_signed_mail_is_read_inside(signed):
    """The words stand in the text, and the signature is kept."""
    mail = read_mail(b"Content-Type: application/pkcs7-mime; name=smime.p7m\r\n\r\n" + signed)
    assert (mail.text.strip(), [one.filename for one in mail.attachments]) == ("signed words", ["smime.p7m"])
    assert mail.defects == ()


def test_broken_packages_are_none(signed):
    """Whatever is cut off or altered gives None, never an exception."""
    sound = indefinite(INNER)
    for end in range(0, 80, 3):
        signed_content(signed[:end])
        signed_content(sound[:end])
    for place in range(0, len(sound)):
        signed_content(sound[:place] + b"\x85" + sound[place + 1 :])
    assert signed_content(b"") is None
    assert signed_content(b"\x30\x8f" + b"\xff" * 20) is None
    assert signed_content(sound.replace(b"\x24\x80", b"\x05\x80")) is None
    assert signed_content(b"\x30\x80" * 10) is None


def attribute(level: int, tag: int, content: bytes) -> bytes:
    """One attribute of a TNEF stream with its checksum."""
    return struct.pack("<BII", level, tag, len(content)) + content + struct.pack("<H", sum(content) & 0xFFFF)


def winmail() -> bytes:
    """A TNEF stream of a body and one file."""
    stream = b"\x78\x9f\x3e\x22" + struct.pack("<H", 1)
    stream += attribute(1, 0x0002800C, b"packed words\0")
    stream += attribute(2, 0x00069002, b"\1\0" + b"\0" * 12)
    stream += attribute(2, 0x00018010, b"..\\a.txt\0")
    return stream + attribute(2, 0x0006800F, b"file content")


def test_package_of_outlook_is_opened():
    """Files come out of winmail.dat, and its text is shown where there is no other."""
    pytest.importorskip("tnefparse")
    mail = read_mail(b"Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\n" + winmail())
    assert [(one.filename, one.content) for one in mail.attachments] == [("a.txt", b"file content")]
    assert mail.text == "packed words"


def test_what_is_no_package_is_kept():
    """A winmail.dat that cannot be opened stays an attachment."""
    for content in (b"rubbish", b"\x78\x9f\x3e\x22", b"\x78\x9f\x3e\x22" + b"\xff" * 30):
        mail = read_mail(b"Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\n" + content)
        assert [one.filename for one in mail.attachments] == ["winmail.dat"]
    assert unpack(b"") is None


def test_package_is_kept_when_tnef_cannot_be_opened_here(monkeypatch):
    """Without the extra the file stays as it came."""
    monkeypatch.setitem(sys.modules, "tnefparse", None)
    assert unpack(b"\x78\x9f\x3e\x22" + b"\0" * 40) is None
