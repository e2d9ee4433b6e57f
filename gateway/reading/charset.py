"""Turn octets into text when the declared charset is right, wrong, unknown or missing.

A header never reaches the codec registry: only the names below do. The table follows
the WHATWG Encoding Standard, whose view of the web fits mail as well: ISO-8859-1 means Windows-1252,
GB2312 means GB18030, Shift_JIS means Windows-31J. UTF-7 (RFC 2152) is read only where it is declared.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from gateway.reading.charset_guess import guess_charset
from gateway.reading.jis import decode_jis

_ALIASES: Final = {
    "utf-8": "utf-8 utf8 unicode-1-1-utf-8 x-unicode20utf8 utf8mb4 cp65001 unicode unicode20utf8",
    "ascii": "us-ascii ascii ansi-x3.4-1968 ansi-x3.4-1986 iso-ir-6 iso646-us us cp367 ibm367 646 ansi-1251-ascii",
    "cp1252": "iso-8859-1 iso8859-1 iso88591 latin1 latin-1 l1 cp819 ibm819 iso-ir-100 windows-1252 cp1252 x-cp1252 "
    "iso-8859-1:1987 ansi win-1252 x-ansi windows1252",
    "iso8859-2": "iso-8859-2 iso8859-2 iso88592 latin2 latin-2 l2 iso-ir-101",
    "iso8859-3": "iso-8859-3 iso8859-3 iso88593 latin3 latin-3 l3 iso-ir-109",
    "iso8859-4": "iso-8859-4 iso8859-4 iso88594 latin4 latin-4 l4 iso-ir-110",
    "iso8859-5": "iso-8859-5 iso8859-5 iso88595 cyrillic iso-ir-144",
    "iso8859-6": "iso-8859-6 iso8859-6 iso88596 iso-8859-6-i iso-8859-6-e arabic asmo-708 iso-ir-127",
    "iso8859-7": "iso-8859-7 iso8859-7 iso88597 greek greek8 iso-ir-126 ecma-118 elot-928 sun-eu-greek",
    "iso8859-8": "iso-8859-8 iso8859-8 iso88598 iso-8859-8-i iso-8859-8-e hebrew visual logical iso-ir-138",
    "cp1254": "iso-8859-9 iso8859-9 iso88599 latin5 latin-5 l5 iso-ir-148 windows-1254 cp1254 x-cp1254",
    "iso8859-10": "iso-8859-10 iso8859-10 latin6 latin-6 l6 iso-ir-157",
    "cp874": "tis-620 windows-874 cp874 dos-874 iso-8859-11 iso8859-11",
    "iso8859-13": "iso-8859-13 iso8859-13",
    "iso8859-14": "iso-8859-14 iso8859-14 latin8",
    "iso8859-15": "iso-8859-15 iso8859-15 iso885915 latin9 latin-9 l9",
    "iso8859-16": "iso-8859-16 iso8859-16 latin10",
    "cp1250": "windows-1250 cp1250 x-cp1250 win-1250",
    "cp1251": "windows-1251 cp1251 x-cp1251 win-1251 windows1251 win1251 ansi-1251",
    "cp1253": "windows-1253 cp1253 x-cp1253",
    "cp1255": "windows-1255 cp1255 x-cp1255",
    "cp1256": "windows-1256 cp1256 x-cp1256",
    "cp1257": "windows-1257 cp1257 x-cp1257",
    "cp1258": "windows-1258 cp1258 x-cp1258",
    "koi8-r": "koi8-r koi8 koi cskoi8r koi8r",
    "koi8-u": "koi8-u koi8-ru",
    "cp866": "ibm866 cp866 866 csibm866",
    "cp437": "ibm437 cp437 437",
    "cp850": "ibm850 cp850 850 cp-850",
    "cp852": "ibm852 cp852 852",
    "mac-roman": "macintosh mac x-mac-roman csmacintosh macroman",
    "mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "gb18030": "gb2312 gb-2312 gbk gb18030 x-gbk cp936 ms936 windows-936 euc-cn gb2312-80 chinese csgb2312 "
    "gb-2312-80 iso-ir-58 x-euc-cn euccn csgbk gb-18030",
    "hz": "hz-gb-2312 hz",
    "big5hkscs": "big5 big5-hkscs x-x-big5 cn-big5 csbig5 cp950 ms950 windows-950 big-5 big5-eten",
    "cp932": "shift-jis sjis x-sjis ms-kanji windows-31j cp932 ms932 csshiftjis shift-jisx0213 shiftjis x-ms-cp932",
    "euc-jp": "euc-jp x-euc-jp eucjp cseucpkdfmtjapanese x-euc ujis",
    "iso-2022-jp": "iso-2022-jp csiso2022jp iso-2022-jp-1 iso-2022-jp-2 iso-2022-jp-3 iso-2022-jp-2004 iso-2022-jp-ms "
    "cp50220 cp50221 cp50222 jis jis7 x-iso-2022-jp",
    "cp949": "euc-kr euckr ks-c-5601-1987 ks-c-5601-1989 ks-c-5601 ksc5601 ksc-5601 korean cseuckr windows-949 cp949 "
    "iso-ir-149 ms949 uhc x-windows-949 cseuckr",
    "iso2022-kr": "iso-2022-kr csiso2022kr",
    "johab": "johab cp1361",
    "utf-16": "utf-16 ucs-2 iso-10646-ucs-2 csunicode utf16",
    "utf-16-le": "utf-16le",
    "utf-16-be": "utf-16be unicodefffe",
    "utf-32": "utf-32 utf32",
    "utf-7": "utf-7 unicode-1-1-utf-7 csunicode11utf7 x-unicode-2-0-utf-7",
}
_CODECS: Final = {alias: codec for codec, aliases in _ALIASES.items() for alias in aliases.split()}
_SINGLE: Final = frozenset(codec for codec in _ALIASES if codec.startswith(("cp12", "iso8859", "koi8", "mac", "cp874")))
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def decode_octets(data: bytes, declared: str = "") -> tuple[str, str]:
    """The text without NUL and lone surrogates, and a defect's name or an empty string. Never raises."""
    codec = codec_of(declared)
    if codec in ("utf-8", "ascii", "") and data.isascii() and b"\x1b" not in data:
        defect = "charset-unknown" if declared.strip() and not codec else ""
        return data.decode("ascii").replace("\0", ""), defect
    text, defect = _decode(data, codec)
    if declared.strip() and not codec:
        defect = "charset-unknown"
    return clean_text(text), defect


def codec_of(declared: str) -> str:
    """The codec that a charset's name stands for, or an empty string when it is unknown."""
    name = declared.strip().strip("\"'").strip().lower().replace("_", "-")
    if name in _CODECS:
        return _CODECS[name]
    name = name.removeprefix("charset=").strip("\"'").removeprefix("x-").partition(" ")[0].rstrip(";,")
    return _CODECS.get(name, "")


def clean_text(text: str) -> str:
    """Without NUL and lone surrogates, which no database takes; line ends become LF."""
    if "\0" in text:
        text = text.replace("\0", "")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return _SURROGATES.sub("\ufffd", text)
    return text


def _decode(data: bytes, codec: str) -> tuple[str, str]:
    if data.startswith(codecs.BOM_UTF8):
        return data[3:].decode("utf-8", "replace"), ""
    if codec in ("utf-8", "ascii", ""):
        return _decode_undeclared(data, codec)
    if codec in _SINGLE:
        return _decode_single(data, codec)
    if codec == "iso-2022-jp":
        return decode_jis(data), ""
    text = _try(data, "utf-8")
    if text is not None and not data.isascii() and sum(1 for one in text[:2000] if one >= "\u2e80") > 1:
        # East Asian text that is valid UTF-8 and East Asian there too is no accident.
        return text, "charset-wrong"
    text = _try(data, codec)
    if text is not None:
        return text, ""
    return _decode_broken(data, codec)


def _decode_undeclared(data: bytes, codec: str) -> tuple[str, str]:
    """UTF-8 says of itself whether it is; all else is a guess."""
    if b"\x1b$" in data and codec != "utf-8":
        return decode_jis(data), "charset-missing"
    text = _try(data, "utf-8")
    if text is not None:
        return text, "charset-wrong" if codec == "ascii" else ""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace"), "charset-missing"
    if codec == "utf-8" and (text := _mostly(data, "utf-8")) is not None:
        return text, "charset-broken"
    return _decode_guessed(data), "charset-wrong" if codec else "charset-missing"


def _decode_single(data: bytes, codec: str) -> tuple[str, str]:
    """A charset of single octets accepts nearly anything, so that valid UTF-8 in it is no accident."""
    if not data.isascii():
        text = _try(data, "utf-8")
        if text is not None and _is_real_utf8(text, codec):
            return text, "charset-wrong"
    text = _try(data, codec)
    if text is not None:
        return text, ""
    if codec == "cp1252":
        # Five octets are unassigned there; WHATWG gives them their C1 meaning.
        return _decode_cp1252(data), ""
    return data.decode(codec, "replace"), "charset-broken"


def _is_real_utf8(text: str, codec: str) -> bool:
    wide = sum(1 for character in text[:2000] if character > "\x7f")
    return codec == "cp1252" or wide > 1


def _decode_cp1252(data: bytes) -> str:
    return "".join(piece.decode("cp1252", "ignore") or piece.decode("latin-1") for piece in _octets(data))


def _octets(data: bytes) -> list[bytes]:
    """Cut around the octets that Windows-1252 does not assign."""
    return re.split(rb"([\x81\x8d\x8f\x90\x9d])", data)


def _decode_broken(data: bytes, codec: str) -> tuple[str, str]:
    """The declared charset does not fit: a few bad octets, a cut end, or another charset altogether."""
    text = _try(data, "utf-8")
    if text is not None:
        return text, "charset-wrong"
    text = _mostly(data, codec)
    if text is not None:
        return text, "charset-broken"
    return _decode_guessed(data), "charset-wrong"


def _decode_guessed(data: bytes) -> str:
    codec = guess_charset(data)
    return _decode_cp1252(data) if codec == "cp1252" else data.decode(codec, "replace")


def _try(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except (UnicodeError, ValueError):
        return None


def _mostly(data: bytes, codec: str) -> str | None:
    """The text with replacement characters, if these are few beside what did decode."""
    text = data.decode(codec, "replace")
    bad = text.count("\ufffd")
    good = sum(1 for character in text if character > "\x7f") - bad
    # In UTF-8 already one whole character beside a bad one is no accident.
    return text if good >= (bad if codec == "utf-8" else 3 * bad) else None
