"""Which part of a mail is its text, its HTML, an attachment."""

from __future__ import annotations

import base64

import pytest

from gateway.reading.bounds import MAX_TEXT_OCTETS
from gateway.reading.enriched import enriched_to_text
from gateway.reading.flowed import unflow
from gateway.reading.invitation import describe_calendar
from gateway.reading.mail import Mail
from gateway.reading.parse import ENCRYPTED_NOTE, read_mail
from gateway.reading.sniff import picture_type

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\nrest").decode()


def multipart(kind: str, *parts: str) -> Mail:
    """A mail of these parts, each with its own header."""
    body = "".join(f"--b\r\n{part}\r\n" for part in parts)
    return read_mail(f"Content-Type: multipart/{kind}; boundary=b\r\n\r\n{body}--b--\r\n".encode())


def single(header: str, body: str | bytes) -> Mail:
    """A mail of one part."""
    content = body.encode() if isinstance(body, str) else body
    return read_mail(header.encode() + b"\r\n\r\n" + content)


def names(mail: Mail) -> list[str]:
    """The names of its attachments."""
    return [one.filename for one in mail.attachments]


TEXT = "Content-Type: text/plain\r\n\r\nplain"
HTML = "Content-Type: text/html\r\n\r\n<p>rich</p>"


def test_mixed_texts_are_joined():
    """Several texts of a mixed mail are one text, with the HTML among them shown in place."""
    mail = multipart("mixed", TEXT, HTML, "\r\nfooter")
    assert mail.text == "plain\n\nrich\n\nfooter"
    assert mail.html is not None
    assert [mail.html.count(word) for word in ("plain", "<p>rich</p>", "footer")] == [1, 1, 1]


def test_best_html_of_an_alternative_is_shown():
    """The last HTML form wins; forms for watches and AMP are no attachments."""
    amp = "Content-Type: text/x-amp-html\r\n\r\n<html amp4email>"
    mail = multipart("alternative", TEXT, "Content-Type: text/html\r\n\r\n<p>old</p>", amp, HTML)
    assert (mail.text, mail.html, mail.attachments) == ("plain", "<p>rich</p>", ())


def test_blank_plain_half_gives_way():
    """An empty plain form does not hide the text of the HTML."""
    assert multipart("alternative", "\r\n \r\n", HTML).text == "rich"


def test_alternative_of_files_keeps_them():
    """A file among alternatives is an attachment; without any text there is none."""
    mail = multipart("alternative", "Content-Type: application/pdf; name=a.pdf\r\n\r\nx")
    assert (mail.text, names(mail)) == ("", ["a.pdf"])


def test_inline_picture_is_marked():
    """A picture that the HTML shows is inline, with its true type; an unshown one is an ordinary attachment."""
    picture = f"Content-Type: image/gif\r\nContent-ID: <%s>\r\nContent-Transfer-Encoding: base64\r\n\r\n{PNG}"
    html = "Content-Type: text/html\r\n\r\n<img src='cid:one'><img src='cid:bad'>"
    bad = "Content-Type: image/png\r\nContent-ID: <bad>\r\n\r\n<svg onload=alert(1)>"
    mail = multipart("related", html, picture % "one", picture % "two", bad)
    assert [(one.content_id, one.inline) for one in mail.attachments] == [("one", True), ("two", False), ("bad", False)]
    assert [one.content_type for one in mail.attachments] == ["image/png", "image/gif", "image/png"]


@pytest.mark.parametrize(
    ("base", "place", "source"),
    [
        ("", "image001.png", "image001.png"),
        ("file:///C:/1F2A/mail.htm", "file:///C:/1F2A/image001.png", "image001.png"),
        ("", "http://shop.example/ab.png", "http://shop.example/ab.png"),
        ("http://shop.example/x/", "http://shop.example/a.png", "../a.png"),
    ],
)
def test_image_is_shown_when_html_names_it_by_its_place(base, place, source):
    """RFC 2557: Content-Location instead of a content id, absolute or relative to that of the page."""
    page = f"<p>Hi<IMG width=5 src='{source}'><img src=\"b.png\">"
    html = f"Content-Type: text/html\r\nContent-Location: {base}\r\n\r\n{page}"
    image = f"Content-Type: image/png\r\nContent-Location: {place}\r\nContent-Transfer-Encoding: base64\r\n\r\n{PNG}"
    mail = multipart("related", html, image)
    assert [(one.inline, one.content_id) for one in mail.attachments] == [(True, place)]
    assert mail.html is not None
    assert mail.html.count('src="cid:') == 1


def test_place_that_is_no_address_is_left_alone_when_html_names_it():
    """What cannot be joined is compared as it stands, and never asked for."""
    html = "Content-Type: text/html\r\nContent-Location: http://[bad\r\n\r\n<p>Hi<img src='http://[x'>"
    image = f"Content-Type: image/png\r\nContent-Location: y\r\nContent-Transfer-Encoding: base64\r\n\r\n{PNG}"
    mail = multipart("related", html, image)
    assert not mail.attachments[0].inline


def test_related_root_is_named_by_start():
    """The root of a related mail may stand anywhere."""
    html = "Content-Type: text/html\r\nContent-ID: <root>\r\n\r\n<p>rich</p>"
    body = f"--b\r\nContent-Type: image/png\r\n\r\nx\r\n--b\r\n{html}\r\n--b--"
    mail = single('Content-Type: multipart/related; boundary=b; start="<root>"', body)
    assert (mail.html, names(mail)) == ("<p>rich</p>", ["image.png"])


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Content-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt", "a.txt"),
        ("Content-Type: text/plain\r\nContent-Disposition: attachment", "text.txt"),
        ("Content-Type: text/x-patch", "text.bin"),
        ("Content-Type: text/html; name=page.html", "page.html"),
        ("Content-Type: message/delivery-status", "message.txt"),
        ("Content-Type: application/pdf\r\nContent-Description: My Report", "My Report.pdf"),
        ("Content-Type: no type at all; name=x", "x"),
        ("Content-Disposition: attachment; filename*=utf-8''caf%C3%A9.txt", "café.txt"),
        ("Content-Disposition: attachment; filename==?utf-8?q?caf=C3=A9.txt?=", "café.txt"),
        ("Content-Disposition: attachment; filename=caf\xe9.txt", "café.txt"),
    ],
)
def test_what_is_not_shown_is_attached(header, name):
    """Each other part is an attachment with the best name that there is."""
    assert names(multipart("mixed", TEXT, f"{header}\r\n\r\ncontent")) == [name]


def test_attached_mail_is_named_by_its_subject():
    """A mail in a mail keeps its octets and is called as its subject."""
    mail = multipart("digest", "\r\nSubject: =?utf-8?q?Caf=C3=A9?=\r\n\r\nhello")
    assert names(mail) == ["Café.eml"]
    assert mail.attachments[0].content_type == "message/rfc822"


def test_large_text_is_shown_in_part():
    """Of a very large text the beginning is shown and the whole is attached."""
    for kind in ("plain", "html"):
        mail = single(f"Content-Type: text/{kind}", b"x" * (MAX_TEXT_OCTETS + 1))
        assert len(mail.attachments[0].content) == MAX_TEXT_OCTETS + 1
        assert len(mail.text) == MAX_TEXT_OCTETS
        assert "text-too-large" in mail.defects


def test_refused_html_is_text_and_attachment():
    """HTML that must not be looked at is still read as text, and kept as a file."""
    mail = single("Content-Type: text/html", "<div>" * 300 + "hello")
    assert (mail.text, mail.html, names(mail)) == ("hello", None, ["message.html"])
    assert mail.defects == ("html-too-deep",)


@pytest.mark.parametrize(
    ("encoding", "body", "text", "defect"),
    [
        ("quoted-printable", "caf=C3=A9 = \r\nx=3D1", "café x=1", ""),
        ("Quoted Printable (yes)", "a=3Db", "a=b", ""),
        ("base64", "aGVsbG8=\r\n", "hello", ""),
        ("base64", "aGVsbG8", "hello", "base64-broken"),
        ("base64", "aGVs\r\n!bG8=\r\naGVsbG8=\r\naGVsbG8=", "hellohellohello", "base64-broken"),
        (
            "base64",
            "aGVsbG8gd29ybGQgaGVsbG8gd29ybGQ=\r\n-- \r\nList",
            "hello world hello world\n-- \r\nList",
            "base64-broken",
        ),
        ("base64", "this is, of course, no base64.", "this is, of course, no base64.", "base64-missing"),
        ("8bits", "as it is", "as it is", ""),
        ("x-strange", "as it is", "as it is", "transfer-encoding-unknown"),
        ("x-uuencode", "begin 644 a\r\n#86)C\r\n`\r\nend\r\n", "abc", ""),
        ("x-uuencode", "no begin line", "no begin line", ""),
        ("x-yenc", "=ybegin line=128 size=3 name=a\r\n\x8b\x8c\x8d\r\n=yend size=3\r\n", "abc", ""),
    ],
)
def test_transfer_encoding_is_undone(encoding, body, text, defect):
    """Sound and broken transfer encodings give what can be read, and say what was wrong."""
    mail = read_mail(
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n".encode()
        + body.encode("latin-1" if "yenc" in encoding else "utf-8")
    )
    assert (mail.text, mail.defects) == (text.replace("\r", ""), (defect,) if defect else ())


def test_files_in_the_text_are_taken_out():
    """uuencode and yEnc in a text are attachments; a sentence that begins so is not."""
    body = (
        b"see\nbegin 644 a.txt\n#86)C\n`\nend\nbegin 644 times\nnot encoded at all\n"
        b"begin-base64 644 b\naGk=\n====\nend\nbye\n"
    )
    mail = single("Subject: x", body)
    assert [(one.filename, one.content) for one in mail.attachments] == [("a.txt", b"abc"), ("b", b"hi")]
    assert mail.text == "see\nbegin 644 times\nnot encoded at all\nbye\n"


def test_yenc_undoes_its_escapes():
    """Escaped octets and the part line of yEnc are understood."""
    body = b"=ybegin part=1 line=128 size=3 name=x.bin\r\n=ypart begin=1 end=3\r\n=j\x8b=\r\n=yend size=2\r\n"
    (attachment,) = single("Subject: x", body).attachments
    assert (attachment.filename, attachment.content) == ("x.bin", bytes([(0x6A - 64 - 42) & 255]) + b"a")


def test_flowed_text_is_joined():
    """Soft line breaks go, quotations and signatures keep their lines. RFC 3676."""
    assert unflow("a \nb\n> c \n> d\n-- \nme\n  stuffed \n", deletes_space=False) == "a b\n> c d\n-- \nme\n stuffed "
    assert unflow("a \n> b \nc \n-- \nd ", deletes_space=False) == "a \n> b \nc \n-- \nd "
    assert unflow("a \nb", deletes_space=True) == "ab"
    assert single("Content-Type: text/plain; format=flowed; delsp=yes", "a \r\nb").text == "ab"


def test_enriched_text_loses_its_commands():
    """text/enriched and text/richtext read as plain text."""
    text = "<bold>Hi</bold> <color><param>red</param>you</color>\nthere\n\nnew <<b> <nofill>a\nb</nofill><nl>x < y"
    assert enriched_to_text(text) == "Hi you there\nnew <b> a\nb\nx < y"
    assert single("Content-Type: text/enriched", "<bold>Hi</bold>").text == "Hi"


CALENDAR = """BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VEVENT
SUMMARY:Plan\\, then
  do
DTSTART;TZID="Europe/Berlin":20260131T140000
DTEND:20260131T150000Z
RRULE:FREQ=DAILY
LOCATION:Room 1
ORGANIZER;CN=Ann:mailto:ann@x.org
ATTENDEE;CN="Bob: B";PARTSTAT=ACCEPTED:MAILTO:bob@x.org
ATTENDEE:carol@x.org
BEGIN:VALARM
SUMMARY:alarm
END:VALARM
END:VEVENT
END:VCALENDAR
"""


def test_invitation_is_told_in_words():
    """What, when, where and who of an invitation stand in the text, and the file is kept."""
    assert describe_calendar(CALENDAR) == (
        "Invitation: Plan, then do\nWhen: 2026-01-31 14:00 Europe/Berlin - 2026-01-31 15:00 UTC (repeated)\n"
        "Where: Room 1\nOrganizer: Ann <ann@x.org>\nWho: Bob: B <bob@x.org> (accepted), carol@x.org"
    )
    mail = multipart("alternative", TEXT, f"Content-Type: text/calendar; method=REQUEST\r\n\r\n{CALENDAR}")
    assert mail.text.startswith("plain\n\nInvitation: Plan")
    assert names(mail) == ["invitation.ics"]


def test_calendar_without_an_event_is_kept_and_not_told():
    """There is nothing to say of it: the text stays as it was, and the file is an attachment."""
    mail = multipart("alternative", TEXT, "Content-Type: text/calendar; method=PUBLISH\r\n\r\nnothing")
    assert mail.text == multipart("alternative", TEXT).text
    assert [file.filename for file in mail.attachments] == ["invitation.ics"]


def test_odd_calendars_are_told_as_far_as_they_go():
    """Missing and broken properties leave gaps, never an exception."""
    assert describe_calendar("nothing") == ""
    odd = "BEGIN:VEVENT\nDTSTART:tomorrow\nDTEND:tomorrow\nEND:VEVENT\nBEGIN:VTODO\nDTSTART;VALUE=DATE:20260102\n"
    guests = "".join(f"ATTENDEE:g{number}@x.org\n" for number in range(25))
    told = describe_calendar(f'{odd}{guests}X;Y="open:z\n:')
    assert told.startswith("Event\nWhen: tomorrow\n\nEvent\nWhen: 2026-01-02\nWho: g0@x.org")
    assert told.endswith("g19@x.org and 5 more")


def test_encrypted_mail_says_so():
    """Encrypted mail is kept as it is, and its text tells why there is none."""
    pgp = "Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1"
    mail = multipart("encrypted", pgp, "Content-Type: application/octet-stream; name=encrypted.asc\r\n\r\nx")
    assert (mail.text, mail.defects) == (ENCRYPTED_NOTE, ("encrypted",))
    assert names(mail) == ["attachment.asc", "encrypted.asc"]
    inline = single("Subject: x", "-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----\n")
    assert inline.defects == ("encrypted",)
    assert inline.text.startswith("-----BEGIN")
    smime = single("Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", b"\x30\x80")
    assert (smime.text, names(smime)) == (ENCRYPTED_NOTE, ["smime.p7m"])


def test_signed_text_is_read_without_its_armour():
    """OpenPGP's inline signature becomes an attachment."""
    body = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nHello\n- -- \nme\n"
        "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\nafter\n"
    )
    mail = single("Subject: x", body)
    assert (mail.text, names(mail)) == ("Hello\n-- \nme\nafter\n", ["signature.asc"])
    broken = body.replace("Hash: SHA256\n\n", "")
    assert single("Subject: x", broken).attachments == ()
    assert single("Subject: x", "> " + body).attachments == ()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8", "image/webp"),
        (b"RIFF\0\0\0\0WAVE", ""),
        (b"<svg>", ""),
    ],
)
def test_pictures_are_known_by_their_octets(content, kind):
    """What is shown in place is what it claims to be."""
    assert picture_type(content) == kind
