"""How a queue's mail looks: the text part that everybody can read, and the letter in HTML beside it.

The words are the agent's, the frame is a template; CSS is written into each element, since many programs drop style
sheets, and what is for dark screens stays in the head. Every picture travels in the mail: nothing is loaded from
anywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from config.errors import BadConfiguration
from config.settings import Settings
from outbound.compose import File
from outbound.quoting import Quote
from outbound.writing import body_lines
from storage.colors import hex_color
from storage.queues import Queue

if TYPE_CHECKING:
    from css_inline import CSSInliner
    from markupsafe import Markup

TEXT_ONLY = "none"
_DEFAULT_COLOR = "#3b5bdb"
# Names that people give, in shades on which white can be read.
_LOGO_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif"}
MAX_LOGO = 262_144
# Stands in a letter where its mark will: a letter is dressed once, and each of its copies has a mark of its own.
REF_PLACE = "\ue000ref\ue000"  # characters that mean nothing to anybody else
# Beyond it a mail goes as text alone; nobody writes that much.
_MAX_MARKDOWN = 50_000
_MARKERS = {
    "en": "Please write your answer above this line",
    "pt": "Por favor, escreva a sua resposta acima desta linha",
    "es": "Por favor, escriba su respuesta encima de esta línea",
    "fr": "Veuillez écrire votre réponse au-dessus de cette ligne",
    "de": "Bitte schreiben Sie Ihre Antwort über diese Zeile",
}


@dataclass(frozen=True, slots=True)
class Look:
    """What a queue says about its mail. `header` and `footer` are Markdown."""

    sender: str
    template: str = TEXT_ONLY
    color: str = ""
    logo: str = ""  # a file in the operator's folder of templates
    header: str = ""
    footer: str = ""
    language: str = "en"
    has_marker: bool = False
    has_ref: bool = True  # a signed mark stands at the end

    @property
    def marker(self) -> str:
        """The line above which an answer is written; `gateway.reading.labels` knows its signs again."""
        return f"##- {_MARKERS.get(self.language, _MARKERS['en'])} -##" if self.has_marker else ""


@dataclass(frozen=True, slots=True)
class Words:
    """What is said: by the author in Markdown, in his signature, and by whom he answers."""

    text: str
    signature: str = ""
    quote: Quote | None = None
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Dressed:
    """A letter's text, its HTML (empty: text alone), and its files; those with a content id stand in the HTML."""

    text: str
    html: str
    files: tuple[File, ...]


def look_of(settings: Settings, queue: Queue, *, plain: bool = False) -> Look:
    """How mail of a queue looks; `plain`: as text alone, this time."""
    return Look(
        sender=queue.display_name or settings.company.name or queue.name,
        template=TEXT_ONLY if plain else queue.template,
        color=queue.color,
        logo=queue.logo,
        header=queue.mail_header,
        footer=queue.mail_footer,
        language=queue.language,
        has_marker=queue.reply_marker,
        has_ref=settings.outbound.body_mark,
    )


def dress(settings: Settings, look: Look, words: Words, files: Sequence[File] = ()) -> Dressed:
    """The parts of a letter. Raises BadConfiguration when template or logo cannot be used."""
    text = plain_text(look, words)
    if look.template == TEXT_ONLY or len(words.text) > _MAX_MARKDOWN:
        return Dressed(text, "", tuple(files))
    folder = settings.outbound.templates
    logo = _logo(settings, look) if look.logo else None
    shown = _shown(settings.domain, words.text, files)
    html = letter_html(folder, look, words, shown, f"cid:{logo.content_id}" if logo else "")
    return Dressed(text, html, (*([logo] if logo else []), *shown))


def kept_html(html: str) -> str | None:
    """A letter as its ticket keeps it: without its mark, which would let every reader in; None for text alone."""
    return html.replace(REF_PLACE, "") or None


def load_tools() -> None:
    """Import what dresses and signs a letter (0.3 s): for a process that will do so while it holds a lock."""

    import outbound.markdown
    import outbound.render  # noqa: F401 - each import is what this is for


def plain_text(look: Look, words: Words) -> str:
    """The text part: words, signature, footer, quotation."""
    # "-- " with its space is what mail programs know as the beginning of a signature. RFC 3676 section 4.3.
    signature = f"-- \n{words.signature.strip()}" if words.signature.strip() else ""
    quote = words.quote.text if words.quote else ""
    parts = (look.marker, words.text.rstrip(), signature, look.footer.strip(), quote)
    return body_lines("\n\n".join(part for part in parts if part))


def letter_html(folder: Path | None, look: Look, words: Words, files: Sequence[File], logo: str) -> str:
    """The letter in its template, with CSS in each element."""
    # Slow imports (0.2 s together), needed only where a letter is dressed.
    from markupsafe import Markup

    from outbound.markdown import html_of
    from outbound.render import render_letter

    color = hex_color(look.color) or _DEFAULT_COLOR
    html = render_letter(
        look.template,
        {
            "language": look.language,
            "subject": words.subject,
            "sender": look.sender,
            "color": color,
            "on_color": _readable_on(color),
            "logo": logo,
            "marker": look.marker,
            # html_of lets no HTML of anybody through, so what it makes is ours.
            "header": Markup(html_of(look.header)),  # noqa: S704
            "footer": Markup(html_of(look.footer)),  # noqa: S704
            "words": Markup(html_of(words.text, {one.filename: one.content_id for one in files if one.content_id})),  # noqa: S704
            "signature": _lines(words.signature.strip()),
            "quote_head": words.quote.head if words.quote else "",
            "ref": REF_PLACE if look.has_ref else "",
            "quote": _lines(words.quote.words.rstrip()) if words.quote else "",
        },
        folder,
    )
    return str(_inliner().inline(html))


def read_logo(folder: Path | None, name: str) -> File:
    """A picture in the operator's folder. Raises BadConfiguration with what to do."""
    if folder is None:
        raise BadConfiguration(f"The logo {name} needs a folder: set `templates` in [outbound]")
    content_type = _LOGO_TYPES.get(Path(name).suffix.lower(), "")
    if not content_type or Path(name).name != name:
        raise BadConfiguration(f"The logo {name!r} must be the name of a .png, .jpg or .gif file in {folder}")
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise BadConfiguration(f"Cannot read the logo {folder / name}: {error.strerror}") from error
    if len(content) > MAX_LOGO:
        raise BadConfiguration(f"The logo {folder / name} has {len(content):,} bytes; {MAX_LOGO:,} are enough")
    return File(name, content_type, content)


def _logo(settings: Settings, look: Look) -> File:
    file = read_logo(settings.outbound.templates, look.logo)
    return replace(file, content_id=_content_id(settings.domain, file.content))


def _shown(domain: str, text: str, files: Sequence[File]) -> list[File]:
    """The files; a picture that the author's Markdown shows has an id and stands in the letter. RFC 2392."""
    from outbound.markdown import pictures_in

    pictures = pictures_in(text) if any(map(_is_picture, files)) else set()
    return [
        replace(file, content_id=_content_id(domain, file.content))
        if _is_picture(file) and file.filename in pictures
        else file
        for file in files
    ]


def _is_picture(file: File) -> bool:
    return file.content_type.lower().startswith("image/")


def _content_id(domain: str, content: bytes) -> str:
    return f"{sha256(content).hexdigest()[:24]}@{domain}"


def _lines(text: str) -> "Markup":
    """Text whose line ends stay: Outlook knows no other way."""
    from markupsafe import Markup, escape

    return Markup("<br>\n").join(escape(line) for line in text.split("\n"))


def _readable_on(color: str) -> str:
    """Black or white, whichever stands out. WCAG 2.1, relative luminance, without its gamma."""
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return "#1f2328" if 0.299 * red + 0.587 * green + 0.114 * blue > 150 else "#ffffff"


def _inliner() -> "CSSInliner":
    from css_inline import CSSInliner

    return CSSInliner(keep_style_tags=False, keep_at_rules=True, load_remote_stylesheets=False)
