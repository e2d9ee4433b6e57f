"""Choose what of a mail is shown, and keep everything else as attachments. RFC 2046 sections 5.1 and 5.2, RFC 2387.

The rule that nothing is lost: each leaf of the part tree ends either in the text, or in the HTML, or as an
attachment. Only another form of a text that is shown already (the plain half of an alternative) is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.reading.bounds import MAX_TEXT_OCTETS
from gateway.reading.charset import clean_text, decode_octets
from gateway.reading.cms import signed_content
from gateway.reading.content import Content, Section
from gateway.reading.defects import Defects
from gateway.reading.enriched import enriched_to_text
from gateway.reading.filename import default_filename, safe_filename
from gateway.reading.flowed import unflow
from gateway.reading.html import clean_html
from gateway.reading.html_charset import declared_in_html
from gateway.reading.invitation import describe_calendar
from gateway.reading.locations import base_of, by_content_id, content_id_of, places_of
from gateway.reading.mail import Attachment
from gateway.reading.parameters import Parameters, parse_parameters
from gateway.reading.pgp import is_encrypted, without_armour
from gateway.reading.sniff import picture_type
from gateway.reading.tnef import unpack
from gateway.reading.transfer import decode_transfer
from gateway.reading.uucode import take_out_files
from gateway.reading.wire import Part, parse_fields, take_apart
from gateway.reading.words import decode_value

_SHOWN_AS_TEXT: Final = frozenset(("text/plain", "text/enriched", "text/richtext", "text/markdown", "text/x-markdown"))
# Other forms of the same text that mail programs do not show: for watches, and Google's AMP.
_TNEF: Final = frozenset(("application/ms-tnef", "application/vnd.ms-tnef"))
_SMIME: Final = frozenset(("application/pkcs7-mime", "application/x-pkcs7-mime"))
_MAX_PACKAGES: Final = 3  # signed mail in signed mail
_UNSHOWN: Final = frozenset(("text/x-amp-html", "text/watch-html", "text/x-watch-html"))


class BodyReader:
    """Walks the part tree once."""

    def __init__(self, defects: Defects, charset: str) -> None:
        self.defects = defects
        self.charset = charset  # for raw octets in file names
        self.content = Content()
        self.packages_left = _MAX_PACKAGES
        self.places: dict[str, str] = {}  # content ids of the parts around, by their place

    def read(self, part: Part) -> Content:
        """Everything that the mail shows and holds."""
        self._walk(part, is_first=True)
        return self.content

    def _walk(self, part: Part, *, is_first: bool) -> None:
        if part.children:
            self._multipart(part, is_first=is_first)
        elif not part.content_type.startswith("multipart/"):
            self._leaf(part, is_first=is_first)

    def _multipart(self, part: Part, *, is_first: bool) -> None:
        if part.content_type == "multipart/alternative":
            self._alternative(part.children)
        elif part.content_type == "multipart/related":
            self._related(part)
        else:
            if part.content_type == "multipart/encrypted":
                self.defects.add("encrypted")
            for number, child in enumerate(part.children):
                self._walk(child, is_first=is_first and number == 0)

    def _related(self, part: Part) -> None:
        """The root first, whatever its place: the others are what it shows. RFC 2387 section 3.2."""
        wanted = part.parameters.get("start", "").strip("<> ")
        root = next((one for one in part.children if wanted and content_id_of(one) == wanted), part.children[0])
        self.places = places_of(part.children)
        self._walk(root, is_first=True)
        for child in part.children:
            if child is not root:
                self._walk(child, is_first=False)

    def _alternative(self, children: Iterable[Part]) -> None:
        """The same text in several forms: the plain one is the text, the best HTML is shown."""
        inner = BodyReader(self.defects, self.charset)
        inner.packages_left, inner.places = self.packages_left, self.places
        forms: list[Section] = []
        for child in children:
            if child.content_type in _UNSHOWN:
                continue
            inner.content.sections = []
            inner._walk(child, is_first=True)
            forms += inner.content.sections
        self.content.attachments += inner.content.attachments
        self.content.shown_content_ids |= inner.content.shown_content_ids
        merged = self._merge(forms)
        if merged is not None:
            self.content.sections.append(merged)

    def _merge(self, forms: list[Section]) -> Section | None:
        if not forms:
            return None
        plain = [one for one in forms if one.raw_html is None and one.text and one.text.strip()]
        rich = [one for one in forms if one.raw_html is not None]
        best = rich[-1] if rich else Section()
        texts = _without_repeats(one.text or "" for one in plain)
        text = "\n\n".join(texts) if texts else best.text
        return Section(text, best.raw_html, best.html)

    def _leaf(self, part: Part, *, is_first: bool) -> None:
        disposition, parameters = parse_parameters(part.first("content-disposition"))
        name = self._filename(part, parameters)
        octets, defect = decode_transfer(part.body, part.first("content-transfer-encoding"))
        if defect:
            self.defects.add(defect)
        if self._open(part, octets, name):
            return
        is_shown = disposition != "attachment" and (not name or (is_first and not self.content.sections))
        if is_shown and part.content_type in _SHOWN_AS_TEXT:
            self._text(part, octets)
        elif is_shown and part.content_type in ("text/html", "application/xhtml+xml"):
            self._html(part, octets)
        elif part.content_type == "text/calendar" and disposition != "attachment":
            self._calendar(part, octets, name)
        else:
            self._attach(part, octets, name, disposition == "inline")

    def _open(self, part: Part, octets: bytes, name: str) -> bool:
        """A package in which a mail program hides a mail: is it dealt with?"""
        if part.content_type in _TNEF or name.lower() == "winmail.dat":
            return self._unpack(octets)
        if part.content_type in _SMIME and not name.lower().endswith((".p7s", ".p7c")):
            self._signed_or_encrypted(part, octets, name)
            return True
        return False

    def _unpack(self, octets: bytes) -> bool:
        """What Outlook packed becomes attachments; its text is shown where the mail has no other."""
        package = unpack(octets)
        if package is None or not (package.files or package.text or package.html):
            return False
        is_silent = not any(one.words().strip() for one in self.content.sections)
        if is_silent and (package.html or package.text):
            self.content.sections.clear()
            kind = "text/html" if package.html else "text/plain"
            words = (package.html or package.text).encode("utf-8")
            self._leaf(Part((), words, kind, {"charset": "utf-8"}), is_first=True)
        for raw_name, content in package.files:
            kind = picture_type(content) or "application/octet-stream"
            name = safe_filename(raw_name) or default_filename(kind)
            self.content.attachments.append(Attachment(name, kind, content))
        return True

    def _signed_or_encrypted(self, part: Part, octets: bytes, name: str) -> None:
        """S/MIME: signed mail is read inside, encrypted mail is kept; the package stays in both cases."""
        inner = signed_content(octets) if self.packages_left else None
        if inner is not None:
            self.packages_left -= 1
            self._walk(take_apart(inner, self.defects), is_first=True)
        else:
            self.defects.add("encrypted")
        self._attach(part, octets, name or "smime.p7m", False)

    def _text(self, part: Part, octets: bytes) -> None:
        octets, files = take_out_files(octets)
        for one in files:
            name = safe_filename(decode_octets(one.name, self.charset)[0])
            kind = "application/octet-stream"
            self.content.attachments.append(Attachment(name or default_filename(kind), kind, one.content))
        text = self._decode(self._shown(part, octets, "message.txt"), part.parameters.get("charset", ""))
        if part.content_type in ("text/enriched", "text/richtext"):
            text = enriched_to_text(text)
        elif part.parameters.get("format", "").lower() == "flowed":
            text = unflow(text, deletes_space=part.parameters.get("delsp", "").lower() == "yes")
        self.content.sections.append(Section(self._without_armour(text)))

    def _without_armour(self, text: str) -> str:
        if "-----BEGIN PGP " not in text:
            return text
        if is_encrypted(text):
            self.defects.add("encrypted")
        text, signature = without_armour(text)
        if signature:
            kind = "application/pgp-signature"
            self.content.attachments.append(Attachment("signature.asc", kind, signature.encode("utf-8")))
        return text

    def _shown(self, part: Part, octets: bytes, name: str) -> bytes:
        """As much as is shown of a part; one that is larger is an attachment as well."""
        if len(octets) <= MAX_TEXT_OCTETS:
            return octets
        self.defects.add("text-too-large")
        self._attach(part, octets, name, False)
        return octets[:MAX_TEXT_OCTETS]

    def _html(self, part: Part, octets: bytes) -> None:
        shown = self._shown(part, octets, "message.html")
        raw = self._decode(shown, part.parameters.get("charset", "") or declared_in_html(octets))
        safe, defect = (
            (None, "html-too-large")
            if len(shown) < len(octets)
            else clean_html(by_content_id(raw, base_of(part), self.places))
        )
        if safe is None:
            self.defects.add(defect)
            if len(shown) == len(octets):
                self._attach(part, octets, "message.html", False)
            self.content.sections.append(Section(None, raw))
            return
        self.content.shown_content_ids |= safe.content_ids
        self.content.sections.append(Section(None, raw, safe.html))

    def _calendar(self, part: Part, octets: bytes, name: str) -> None:
        """Summarised for the reader and kept for his calendar."""
        summary = describe_calendar(self._decode(octets, part.parameters.get("charset", "utf-8")))
        if summary:
            self.content.sections.append(Section(summary))
        self._attach(part, octets, name or "invitation.ics", False)

    def _decode(self, octets: bytes, charset: str) -> str:
        text, defect = decode_octets(octets, charset)
        if defect:
            self.defects.add(defect)
        return clean_text(text)

    def _attach(self, part: Part, octets: bytes, name: str, is_inline: bool) -> None:
        self.content.attachments.append(
            Attachment(
                filename=name or default_filename(part.content_type, _stem(part, octets)),
                content_type=part.content_type,
                content=octets,
                content_id=content_id_of(part),
                inline=is_inline,
            )
        )

    def _filename(self, part: Part, disposition: Parameters) -> str:
        raw = disposition.get("filename") or part.parameters.get("name") or ""
        if not raw:
            return ""
        return safe_filename(decode_value(raw, self.charset))


def _without_repeats(texts: Iterable[str]) -> list[str]:
    return list({text.strip(): text for text in texts}.values())


def _stem(part: Part, octets: bytes) -> str:
    """A nameless mail is named by its subject, anything else by its description."""
    if part.content_type in ("message/rfc822", "message/global"):
        head = octets[: 64 * 1024].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
        subject = next((value for name, value in parse_fields(head) if name.lower() == "subject"), "")
        return decode_value(subject)
    return decode_value(part.first("content-description"))[:80]
