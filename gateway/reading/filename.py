"""Make the name of an attachment safe for every file system and every terminal.

The name stays data: nothing is ever stored under it. It is cleaned because people download under it.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_MAX_OCTETS: Final = 200
_FORBIDDEN: Final = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"|?*\u2028\u2029\ud800-\udfff]+')
# Marks that turn the reading direction or are not seen: they hide what a file is ("exe.jpg").
_INVISIBLE: Final = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\..*)?", re.DOTALL)

_EXTENSIONS: Final = {
    "text/plain": "txt",
    "text/html": "html",
    "text/calendar": "ics",
    "text/csv": "csv",
    "text/x-vcard": "vcf",
    "text/vcard": "vcf",
    "text/directory": "vcf",
    "text/rfc822-headers": "txt",
    "message/rfc822": "eml",
    "message/global": "eml",
    "message/delivery-status": "txt",
    "message/global-delivery-status": "txt",
    "message/disposition-notification": "txt",
    "message/feedback-report": "txt",
    "image/jpeg": "jpg",
    "image/pjpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/bmp": "bmp",
    "image/tiff": "tif",
    "image/svg+xml": "svg",
    "image/heic": "heic",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "application/pdf": "pdf",
    "application/zip": "zip",
    "application/json": "json",
    "application/xml": "xml",
    "text/xml": "xml",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/pgp-signature": "asc",
    "application/pgp-encrypted": "asc",
    "application/pgp-keys": "asc",
    "application/pkcs7-signature": "p7s",
    "application/x-pkcs7-signature": "p7s",
    "application/pkcs7-mime": "p7m",
    "application/x-pkcs7-mime": "p7m",
    "application/ms-tnef": "dat",
}


def safe_filename(name: str) -> str:
    """The name without paths, controls and tricks; empty when nothing of it is left."""
    if len(name) > 2000:
        name = name[:1000] + name[-1000:]  # the extension stands at the end
    name = _INVISIBLE.sub("", unicodedata.normalize("NFC", name))
    name = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    if len(name) > 2 and name[1] == ":" and name[0].isalpha():
        name = name[2:]
    name = " ".join(_FORBIDDEN.sub("_", name).split()).strip(". ")
    if _RESERVED.fullmatch(name):
        name = f"_{name}"
    return _shorten(name)


def default_filename(content_type: str, stem: str = "") -> str:
    """A name for a part that has none."""
    extension = _EXTENSIONS.get(content_type, "bin")
    main = content_type.partition("/")[0]
    default = {"image": "image", "message": "message", "text": "text"}.get(main, "attachment")
    return safe_filename(f"{safe_filename(stem)[:100] or default}.{extension}")


def _shorten(name: str) -> str:
    """At most 200 octets of UTF-8, with the extension kept."""
    if len(name.encode("utf-8")) <= _MAX_OCTETS:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 20:
        stem, extension = name, ""
    room = _MAX_OCTETS - len(extension.encode("utf-8")) - 1
    stem = stem.encode("utf-8")[:room].decode("utf-8", "ignore").rstrip(". ")
    return f"{stem}.{extension}" if extension else stem
