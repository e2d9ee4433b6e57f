"""Mail that a program hid in a package: S/MIME's opaque signatures and Outlook's winmail.dat."""

from __future__ import annotations

import base64
import struct
import sys
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from gateway.reading.cms import signed_content
from gateway.reading.parse import read_mail
from gateway.reading.rtf import read_rtf
from gateway.reading.tnef import _words, unpack

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


def rich_winmail(rtf: bytes, *, text: bytes = b"") -> bytes:
    """A TNEF stream whose body is compressed rich text, as Outlook sends it."""
    compress = pytest.importorskip("compressed_rtf").compress
    packed = compress(rtf, compressed=len(rtf) < 10_000)
    value = struct.pack("<HHII", 0x0102, 0x1009, 1, len(packed)) + packed + b"\0" * (-len(packed) % 4)
    stream = b"\x78\x9f\x3e\x22" + struct.pack("<H", 1)
    stream += attribute(1, 0x00069007, struct.pack("<II", 1252, 0))
    stream += attribute(1, 0x0002800C, text + b"\0") if text else b""
    return stream + attribute(1, 0x00069003, struct.pack("<I", 1) + value)


def rich_mail(package: bytes, before: bytes = b"") -> bytes:
    """A mail with this package, and perhaps a plain text before it."""
    return (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"
        + before
        + b"\r\n--b\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\n"
        + b"Content-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(package)
        + b"\r\n--b--\r\n"
    )


WRAPPED_HTML = rb"""{\rtf1\ansi\ansicpg1252\fromhtml1 \fbidis \deff0{\fonttbl
{\f0\fswiss\fcharset0 Arial;}{\f1\fswiss\fcharset204 Arial;}}
{\colortbl\red0\green0\blue0;}
{\*\generator Microsoft Exchange Server;}
{\*\htmltag64 <html><body>}
{\*\htmltag64 <p style="color:red">}
\htmlrtf {\htmlrtf0 caf\'e9 {\*\htmltag84 <b>}\htmlrtf {\b\htmlrtf0 bold\htmlrtf }\htmlrtf0
{\*\htmltag92 </b>}
{\*\htmltag84 &nbsp;}\htmlrtf \'a0\htmlrtf0 \{1\}\htmlrtf\par}\htmlrtf0
{\*\htmltag72 </p>}{\*\mhtmltag84 <img>}
{\f1 \'ef\'f0\'e8} \u8364 ?\u-10179 ?\u-8704 ? {\*\htmltag4 \par}{\*\htmltag58 </body></html>}}"""


def test_html_comes_out_of_rich_text_when_there_is_no_other_body():
    """What Outlook wrapped into RTF is shown as the HTML that it was."""
    mail = read_mail(rich_mail(rich_winmail(WRAPPED_HTML)))
    assert mail.html == '<p style="color:red">café <b>bold</b>&nbsp;{1}</p>при €😀 \n'
    assert mail.text == "café bold {1}\n\nпри €😀"
    assert mail.attachments == ()


def test_words_come_out_of_rich_text_when_nothing_was_wrapped():
    """Paragraphs, tabs and quotation marks are kept, fonts and pictures are not said."""
    rtf = (
        rb"{\rtf1\ansi\ansicpg932{\fonttbl{\f0\fcharset128 MS Gothic;}}{\info{\author Ann}}\pard\f0 "
        rb"\'93\'fa\'96\'7b\par\ldblquote Hi\rdblquote\tab x\~y{\pict\bin4 }{}}}\line{\*\unknown no}\uc0\u12354 end}"
    )
    mail = read_mail(rich_mail(rich_winmail(rtf)))
    assert mail.text == "日本\n\u201cHi\u201d\tx\u00a0y\nあend"


def test_rich_text_is_left_out_when_the_mail_has_another_body():
    """The plain text beside the package, or within it, says the same; HTML in the package is shown with its text."""
    assert read_mail(rich_mail(rich_winmail(WRAPPED_HTML), before=b"plain words")).text == "plain words"
    assert read_mail(rich_mail(rich_winmail(rb"{\rtf1 rich}", text=b"packed words"))).text == "packed words"


def test_rich_text_is_left_out_when_it_is_too_large_or_broken():
    """The files of the package are there all the same."""
    sound = rich_winmail(rb"{\rtf1 rich}")
    file = attribute(2, 0x00069002, b"\1\0" + b"\0" * 12) + attribute(2, 0x00018010, b"a.txt\0")
    file += attribute(2, 0x0006800F, b"file content")
    for broken in (
        sound.replace(b"LZFu", b"XXXX"),
        rich_winmail(bytes(range(32, 127)) * 4000),
        rich_winmail(b"no RTF"),
    ):
        package = unpack(broken + file)
        assert package is not None
        assert (package.text, package.html, package.files) == ("", "", [("a.txt", b"file content")])


def test_file_is_named_by_its_type_when_the_package_names_none():
    """The text may stand among the properties of the message."""
    pytest.importorskip("tnefparse")
    text = b"words\0"
    value = struct.pack("<HHII", 0x001E, 0x1000, 1, len(text)) + text + b"\0" * (-len(text) % 4)
    stream = b"\x78\x9f\x3e\x22\1\0" + attribute(1, 0x00069007, struct.pack("<II", 1252, 0))
    stream += attribute(1, 0x00069003, struct.pack("<I", 1) + value)
    stream += attribute(2, 0x00069002, b"\1\0" + b"\0" * 12) + attribute(2, 0x0006800F, b"content")
    mail = read_mail(rich_mail(stream))
    assert (mail.text, [one.content for one in mail.attachments]) == ("words", [b"content"])
    assert mail.attachments[0].filename


def test_words_are_the_first_when_a_property_has_several():
    """The library hands on a list then."""
    assert _words([b"first", b"second"]) == "first"


def test_package_is_kept_when_it_has_too_many_attributes():
    """The library copies what is left at each of them."""
    assert unpack(b"\x78\x9f\x3e\x22\1\0" + attribute(1, 0x00068004, b"") * 20_000) is None


@given(st.binary(max_size=300))
def test_rich_text_is_read_without_trouble_when_it_is_any_octets(rubbish: bytes) -> None:
    """Whatever stands in it gives words that a database takes."""
    read = read_rtf(rb"{\rtf1\fromhtml1" + rubbish)
    assert "\0" not in read.html
    read.html.encode()


@pytest.mark.parametrize(
    "unit", [rb"{", rb"}", rb"\u-10179 ", rb"\'", rb"{\*", rb"{\f1 \'e0}", rb"\bin1", rb"\uc9\u1 ", b"\\"]
)
def test_rich_text_takes_work_in_step_with_its_size_when_it_repeats_one_thing(unit: bytes) -> None:
    """What is said is never longer than the octets that say it."""
    assert len(read_rtf(rb"{\rtf1 " + unit * 20_000).text) <= 20_000 * len(unit)


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
