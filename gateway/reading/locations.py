"""Images that the HTML of a mail names by their place, and not by a content id. RFC 2557 (MHTML).

They are given their place as content id, so that all that follows knows one way only. No place is ever asked over the
network: it is compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, urljoin

from gateway.reading.wire import Part
from gateway.reading.words import decode_value

_MAX_ID_CHARS: Final = 500
_SOURCE: Final = re.compile(r"""(\bsrc\s{0,9}=\s{0,9})(?:"([^"<>]{1,2000})"|'([^'<>]{1,2000})')""", re.IGNORECASE)


def content_id_of(part: Part) -> str:
    """Its content id, or else its place, or an empty string."""
    written = "".join(part.first("content-id").split()).strip("<>") or _place_of(part)
    return decode_value(written)[:_MAX_ID_CHARS]


def places_of(parts: Iterable[Part]) -> dict[str, str]:
    """The content id of each part by its place."""
    return {place: content_id_of(part) for part in parts if (place := _place_of(part))}


def base_of(part: Part) -> str:
    """Where a part stands, so that places relative to it can be told."""
    return part.first("content-base").strip() or _place_of(part)


def by_content_id(html: str, base: str, places: dict[str, str]) -> str:
    """The HTML with those images named by content id that are in the mail."""

    def named(found: re.Match[str]) -> str:
        written = found[2] or found[3]
        content_id = places.get(written) or places.get(_joined(base, written))
        return f'{found[1]}"cid:{quote(content_id, safe="")}"' if content_id else found[0]

    return _SOURCE.sub(named, html) if places else html


def _place_of(part: Part) -> str:
    return "".join(part.first("content-location").split())


def _joined(base: str, place: str) -> str:
    try:
        return urljoin(base, place)
    except ValueError:
        return place
