"""Guess the charset of octets that nobody labelled, or that were labelled wrongly.

Each family has signs of its own: Latin letters stand alone between ASCII ones, other scripts fill whole words; among
these the commonest characters of each language tell. Made for the few words of a header, where statistics over longer
text guess wild. Only codecs of the allow list come out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_SAMPLE: Final = 8192
_WIDE_RUN: Final = re.compile(rb"[\x80-\xff]+")
_DEFAULT: Final = "cp1252"  # reads everything somehow

_CHINESE: Final = (
    "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后"
    "小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长"
    "知民样现分将外但身些与高意进把法此实回二理美点月明其种声全工己话儿者向情部正名定女问力机给等几很业最"
    "间新什打便位因重被走电四第门相次东政海口使教西再平真听世气信北少关并内加化由却代军产入先山五太水万市"
    "眼体别处总才场师书比住员九笑性通目华报立马命张活难神数件安表原车白应路期叫死常提感金何更反合放做系计"
    "或司利受光王果亲界及今京务制解各任至清物台象记边共风战干接它许八特觉望直服毛林题建南度统色字请交爱让"
    "认算论百吃义科怎元社术结六功指思非流每青管夫连远资队跟带花快条院变联权往展该领传近留红治决周保达办运"
    "武半候七必城父强步完革深区即求品士转量空甚众技轻程告江语英基派满式李息写呢识极令黄德收脸钱党倒未持取"
)
_TRADITIONAL: Final = (
    "的一是不了在人有我他這中大來上國個到說們為子和你地出道也時年得就那要下以生會自著去之過家學對可她里後"
    "小麼心多天而能好都然沒日於起還發成事只作當想看文無開手十用主行方又如前所本見經頭面公同三已老從動兩長"
    "知民樣現分將外但身些與高意進把法此實回二理美點月明其種聲全工己話兒者向情部正名定女問力機給等幾很業最"
    "間新什打便位因重被走電四第門相次東政海口使教西再平真聽世氣信北少關並內加化由卻代軍產入先山五太水萬市"
    "眼體別處總才場師書比住員九笑性通目華報立馬命張活難神數件安表原車白應路期叫死常提感金何更反合放做系計"
    "或司利受光王果親界及今京務制解各任至清物台象記邊共風戰乾接它許八特覺望直服毛林題建南度統色字請交愛讓"
    "認算論百吃義科怎元社術結六功指思非流每青管夫連遠資隊跟帶花快條院變聯權往展該領傳近留紅治決周保達辦運"
    "武半候七必城父強步完革深區即求品士轉量空甚眾技輕程告江語英您謝"
)
_KOREAN: Final = (
    "이다는을의에가고하지도기사리대시어서나로한라인자해만정일그수주아있했장부전들은를니게상니다습까요안녕세문제성보"
    "과구여스원공동조비우면선소유신국오진경연무당화것내말때위분물트드치모음관적업통번금월년호"
)
# The codec that scores is the strict one, without vendors' extensions; the codec that reads has them.
_MULTI: Final[tuple[tuple[str, str, frozenset[str]], ...]] = (
    ("gb2312", "gb18030", frozenset(_CHINESE)),
    ("big5", "big5hkscs", frozenset(_TRADITIONAL)),
    ("euc_kr", "cp949", frozenset(_KOREAN)),
    ("cp932", "cp932", frozenset()),
    ("euc_jp", "euc-jp", frozenset()),
)
_LETTERS: Final[Mapping[str, str]] = {
    # The commonest letters of the languages that are written so, in small form.
    "cp1251": "оеаинтсрвлкмдпуя",
    "koi8-r": "оеаинтсрвлкмдпуя",
    "cp1253": "αοιετσνηυρπκμλςάίόέή",
    "cp1255": "יוהלאםשמרתבנעד",
    "cp1256": "اليمونرتبةدعسكه",
}


def guess_charset(data: bytes) -> str:
    """A codec's name; Windows-1252 when there is no better idea."""
    sample = data[:_SAMPLE]
    runs = _WIDE_RUN.findall(sample)
    if not runs:
        return _DEFAULT
    if sum(1 for run in runs if len(run) <= 2) >= 0.8 * len(runs):
        return _guess_latin(sample)
    multi, score = max(((name, _score_multi(sample, strict, known)) for strict, name, known in _MULTI), key=_second)
    if score < 0.8 and _is_thai(runs):
        return "cp874"
    single, other = max(((name, _score_letters(sample, name)) for name in _LETTERS), key=_second)
    if max(score, other) < 0.35:
        return _DEFAULT
    return multi if score > other else single


def _second(pair: tuple[str, float]) -> float:
    return pair[1]


def _score_multi(data: bytes, codec: str, known: frozenset[str]) -> float:
    """How ordinary the characters are where this charset is written; 0 when much does not decode."""
    beyond = [character for character in data.decode(codec, "replace") if character > "\x7f"]
    if beyond.count("\ufffd") > 1 + len(beyond) // 30:
        return 0.0
    return sum(_weight(character, codec, known) for character in beyond) / len(beyond)


def _weight(character: str, codec: str, known: frozenset[str]) -> float:
    is_mark = "\u3000" <= character <= "\u303f" or "\uff01" <= character <= "\uff5e"
    if known:
        return 1.2 if character in known else 0.9 * is_mark or 0.45 * _is_at_home(character, codec)
    if "\u3041" <= character <= "\u30fe":
        return 1.2
    return 0.45 * (is_mark or "\u4e00" <= character <= "\u9fff")


def _is_at_home(character: str, codec: str) -> bool:
    """Hangul in Korean, ideographs in Chinese."""
    low, high = ("\uac00", "\ud7a3") if codec == "euc_kr" else ("\u4e00", "\u9fff")
    return low <= character <= high


def _score_letters(data: bytes, codec: str) -> float:
    """Common letters count, and no word goes from small to capital letters."""
    text = data.decode(codec, "replace")
    letters = _LETTERS[codec]
    total = score = 0.0
    before = " "
    for character in text:
        if character > "\x7f":
            total += 1
            small = character.lower()
            score += 1.0 if small in letters else 0.25 if character.isalpha() else -0.5
            score -= before.islower() and character.isupper()
        before = character
    return score / total if total else 0.0


_THAI_MARKS: Final = frozenset((0xD1, *range(0xD4, 0xDB), *range(0xE7, 0xEF)))


def _is_thai(runs: list[bytes]) -> bool:
    """Vowel signs and tones stand on consonants, which no other charset's octets do by accident."""
    marks = placed = 0
    for run in runs:
        before = 0
        for octet in run:
            if octet < 0xA1 or 0xDA < octet < 0xDF or octet > 0xFB:
                return False
            if octet in _THAI_MARKS:
                marks += 1
                placed += 0xA1 <= before <= 0xCE or before in _THAI_MARKS
            before = octet
    return marks >= 3 and placed >= 0.95 * marks and marks * 10 >= sum(map(len, runs))


_POLISH: Final = re.compile(
    rb"[A-Za-z][\x9c\x9f\xb3\xb9\xbf](?:[a-z]|\b)|\b[\x8c\x8f\xa3\xaf\xbf\x9c][a-z]|\xea(?:[ ,.\r\n]|$)"
)
_CZECH: Final = re.compile(rb"[A-Za-z](?:[\x9a\x9e][a-z]|[\xf8\xec\xef\xf2\xf9])")
_ONLY_LATIN_2: Final = re.compile(rb"[A-Za-z\xc0-\xff][\xb1\xb6\xbb\xbc\xbe]")
_ONLY_CP1250: Final = re.compile(rb"[\x8a\x8c-\x8f\x9a\x9c-\x9f]|[A-Za-z]\xb9")
_TURKISH: Final = re.compile(rb"[A-Za-z\xe0-\xff][\xf0\xfd\xfe]|\xdd[a-z]")
_ICELANDIC: Final = re.compile(rb"[\xe6\xe1\xed\xf3\xfa\xe9]")


def _guess_latin(sample: bytes) -> str:
    """Western unless letters stand where Western charsets have a superscript, a fraction or an Icelandic letter."""
    if len(_ONLY_LATIN_2.findall(sample)) > len(_ONLY_CP1250.findall(sample)):
        return "iso8859-2"
    if _POLISH.search(sample) or len(_CZECH.findall(sample)) > 1:
        return "cp1250"
    if _TURKISH.search(sample) and not _ICELANDIC.search(sample):
        return "cp1254"
    return _DEFAULT
