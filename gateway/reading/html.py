"""Make the HTML of a mail safe to show, with the look that people need.

nh3 (html5ever) builds the tree and keeps only what is allowed here: no script, no form, no style sheet, no
address that a browser would load by itself. Images stay when they are in the mail (`cid:`, `data:`); the address
of a remote one is kept in `data-remote-src`, where it loads only when somebody asks for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

import nh3

from gateway.reading.html_guard import refusal


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TAGS: Final = _words(
    "a abbr acronym address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd "
    "del details dfn dir div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li "
    "main mark nav ol p pre q rp rt ruby s samp section small span strike strong sub summary sup table tbody td "
    "tfoot th thead time tr tt u ul var wbr"
)
_WITH_CONTENT: Final = _words(
    "script style title template noscript iframe object applet svg math textarea select audio video canvas"
)
_COMMON: Final = _words("style dir lang title align valign")
_SIZED: Final = _words("width height bgcolor")
_ATTRIBUTES: Final = {
    "*": set(_COMMON),
    "a": {"href", "name"},
    "img": {"src", "alt", "width", "height", "border", "hspace", "vspace"},
    "font": {"color", "face", "size"},
    "table": {*_SIZED, "border", "cellpadding", "cellspacing", "rules", "frame", "summary"},
    "td": {*_SIZED, "colspan", "rowspan", "nowrap", "abbr"},
    "th": {*_SIZED, "colspan", "rowspan", "nowrap", "abbr", "scope"},
    "tr": set(_SIZED),
    "tbody": set(_SIZED),
    "thead": set(_SIZED),
    "tfoot": set(_SIZED),
    "col": {"span", "width"},
    "colgroup": {"span", "width"},
    "hr": {"size", "width", "color", "noshade"},
    "ol": {"start", "type", "reversed"},
    "ul": {"type"},
    "li": {"value", "type"},
    "blockquote": {"type"},
    "del": {"datetime"},
    "ins": {"datetime"},
    "time": {"datetime"},
    "details": {"open"},
    "br": {"clear"},
    "div": {"bgcolor"},
}
_PROPERTIES: Final = _words(
    "color background background-color font font-family font-size font-style font-variant font-weight line-height "
    "letter-spacing word-spacing text-align text-decoration text-indent text-transform vertical-align white-space "
    "direction unicode-bidi width height min-width max-width min-height max-height margin margin-top margin-right "
    "margin-bottom margin-left padding padding-top padding-right padding-bottom padding-left border border-top "
    "border-right border-bottom border-left border-color border-style border-width border-collapse border-spacing "
    "border-radius border-top-color border-top-style border-top-width border-right-color border-right-style "
    "border-right-width border-bottom-color border-bottom-style border-bottom-width border-left-color border- "
    "left-style border-left-width list-style list-style-type list-style-position table-layout caption-side empty- "
    "cells float clear display visibility overflow-wrap word-wrap word-break text-decoration-line text- "
    "decoration-color text-decoration-style quotes opacity box-sizing page-break-before page-break-after"
)
# A value is plain words and numbers, or a colour or a sum of those; any other function could load something.
_VALUE: Final = re.compile(r"(?:[^()\\<>{}@;:]|\b(?:rgb|rgba|hsl|hsla|calc)\([0-9a-z.,%/ +*\-]*\))*", re.IGNORECASE)
_DATA_IMAGE: Final = re.compile(r"data:image/(?:png|gif|jpe?g|webp|bmp|x-icon)[;,]", re.IGNORECASE)
_CID: Final = re.compile(r'\bsrc="cid:([^"]*)"')
_REMOTE: Final = "remote-"
_MAX_STYLE_CHARS: Final = 8 * 1024


@dataclass(frozen=True, slots=True)
class SafeHtml:
    """Cleaned HTML, and the content ids of the images that it shows."""

    html: str
    content_ids: frozenset[str]


def clean_html(html: str) -> tuple[SafeHtml | None, str]:
    """Safe HTML, or None with the defect that forbade to look at it."""
    defect = refusal(html)
    if defect:
        return None, defect
    cleaned = _CLEANER.clean(html)
    cleaned = cleaned.replace(f' src="{_REMOTE}', ' data-remote-src="')
    return SafeHtml(cleaned, content_ids_in(cleaned)), ""


def content_ids_in(cleaned: str) -> frozenset[str]:
    """The content ids that cleaned HTML refers to."""
    if "cid:" not in cleaned:
        return frozenset()
    return frozenset(unquote(found.replace("&amp;", "&")).strip() for found in _CID.findall(cleaned))


def _filter_attribute(tag: str, name: str, value: str) -> str | None:
    if name == "style":
        return _clean_style(value) or None
    if name == "src":
        return _image_source(value.strip())
    if name == "href":
        return None if value.strip()[:5].lower() == "data:" else value
    return value


def _image_source(value: str) -> str | None:
    scheme = value.partition(":")[0].lower()
    if scheme == "cid":
        return "cid:" + "".join(value[4:].split()).strip("<>")
    if scheme in ("http", "https"):
        return _REMOTE + value
    return value if _DATA_IMAGE.match(value) else None


@lru_cache(maxsize=4096)
def _clean_style(style: str) -> str:
    """Only known properties with harmless values; comments could hide either, and go first."""
    if len(style) > _MAX_STYLE_CHARS or "/*" in style:
        return ""
    kept = []
    for declaration in style.split(";"):
        name, colon, value = declaration.partition(":")
        name, value = name.strip().lower(), value.strip()
        if colon and name in _PROPERTIES and value and _VALUE.fullmatch(value):
            kept.append(f"{name}:{value}")
    return ";".join(kept)


_CLEANER: Final = nh3.Cleaner(
    tags=set(_TAGS),
    clean_content_tags=set(_WITH_CONTENT),
    attributes=_ATTRIBUTES,
    attribute_filter=_filter_attribute,
    strip_comments=True,
    link_rel="noopener noreferrer nofollow",
    url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
    url_relative="deny",
)
