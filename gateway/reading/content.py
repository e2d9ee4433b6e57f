"""What a mail shows and holds, while its parts are walked: sections of text and HTML, and attachments."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from html import escape

from gateway.reading.html_text import html_to_text
from gateway.reading.mail import Attachment
from gateway.reading.sniff import picture_type


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of the mail: its plain text, its raw HTML and the cleaned one, each perhaps missing."""

    text: str | None = None
    raw_html: str | None = None
    html: str | None = None

    def words(self) -> str:
        """Its text; that of HTML is made only where somebody asks, since most mails bring both."""
        if self.text is not None:
            return self.text
        return html_to_text(self.html if self.html is not None else self.raw_html or "")


@dataclass(slots=True)
class Content:
    """What a mail shows, while it is put together."""

    sections: list[Section] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    shown_content_ids: set[str] = field(default_factory=set)

    def text(self) -> str:
        """The whole text, from HTML where there is no other."""
        pieces = [words for one in self.sections if (words := one.words()).strip()]
        return "\n\n".join(piece.strip("\n") for piece in pieces) if len(pieces) > 1 else "".join(pieces)

    def html(self) -> str | None:
        """The safe HTML; sections of plain text among it are put in as such."""
        if not any(one.html is not None for one in self.sections):
            return None
        return "\n".join(one.html if one.html is not None else _as_html(one.words()) for one in self.sections)

    def raw_html(self) -> str | None:
        """The HTML as it came, if it is the whole text of the mail."""
        pieces = [one for one in self.sections if one.text or one.raw_html]
        return pieces[0].raw_html if len(pieces) == 1 else None

    def marked_attachments(self) -> tuple[Attachment, ...]:
        """The attachments, with those marked inline that the HTML shows."""
        return tuple(self._marked(one) for one in self.attachments)

    def _marked(self, attachment: Attachment) -> Attachment:
        """One that is shown in place gets its true type; what is no picture is never shown so."""
        if not attachment.content_id or attachment.content_id not in self.shown_content_ids:
            return attachment
        found = picture_type(attachment.content)
        if not found:
            return replace(attachment, inline=False)
        return replace(attachment, inline=True, content_type=found)


def _as_html(text: str) -> str:
    return f'<div style="white-space:pre-wrap">{escape(text)}</div>'
