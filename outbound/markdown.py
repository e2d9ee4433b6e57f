"""An agent's words as HTML: CommonMark with tables and links, line breaks kept, and no HTML of his own.

What he wrote stays the text part as it is. Rules that surprise people who write mail and not Markdown are off: indented
code, underlined headings, link definitions.
"""

from collections.abc import Mapping
from functools import cache
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token


def html_of(text: str, images: Mapping[str, str] | None = None) -> str:
    """HTML that may stand in a letter. `images` maps names of attached files to the content ids that show them."""
    markdown = _markdown()
    tokens = markdown.parse(text)
    for token in tokens:
        for child in token.children or ():
            if child.type == "image":
                _place(child, images or {})
    return str(markdown.renderer.render(tokens, markdown.options, {}))


def pictures_in(text: str) -> set[str]:
    """The names of files that a text shows as pictures."""
    inside = [child for token in _markdown().parse(text) for child in token.children or ()]
    return {_source(child) for child in inside if child.type == "image"}


def _source(image: Token) -> str:
    return unquote(str(image.attrs.get("src", "")))


def _place(image: Token, images: Mapping[str, str]) -> None:
    source = _source(image)
    if source in images:
        image.attrs = {"src": f"cid:{images[source]}", "alt": image.content, "style": "max-width:100%"}
        return
    # A remote picture is blocked by most programs and tells who opened the mail: its words and address do.
    image.type, image.tag, image.children = "text", "", None
    image.content = f"{image.content} ({source})" if image.content else source


@cache
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": True})
    markdown.enable(["table", "strikethrough", "linkify"]).disable(["code", "lheading", "reference"])
    assert markdown.linkify is not None
    # `report.py` and `Mr.Smith` are no addresses of pages.
    markdown.linkify.set({"fuzzy_link": False, "fuzzy_email": True})
    return markdown
