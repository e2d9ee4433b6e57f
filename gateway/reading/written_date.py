"""A date as a mail client writes it for people, in any language: "26. října 2021 v 9:31", "2021年10月27日 15:14".

It is for the mails that people quote and forward. The Date field of a header has its own grammar
(RFC 5322 section 3.3) and is read with the header.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

from gateway.reading.labels import folded

MAX_LENGTH: Final = 200

# Year, month and day, and what else is written: the time.
Day = tuple[tuple[int, int, int], str]

# How the names of the twelve months begin. Where two languages disagree, `_month` decides.
_MONTHS: Final = (
    "jan ian ene gen sty led sij sau ocak oca tammi janv янв яну січ сту јан студ ιαν ינו ينا کانون كانون jaan",
    "feb fév fev lut úno velj vas şub helmi veebr febr фев фев лют феб φεβ פבר فبر شباط luty",
    "mar már mär maar març mrt bře ožu kov maal märts мар бер сак μαρ מרץ מרס مار آذار mac mars maart märz",
    "apr abr avr kwi dub tra bal huht nis апр кві кра απρ אפר أبر ابر نيسان ápr",
    "may mai maj mei mag kvě svi geg touk mayıs maí máj май мая тра мај μαϊ μαι מאי ماي مايو أيار mayo maio maggio",
    "jun juin giu cze červn červen čvn lipnj bir kesä haz juun июн юни чер јун ιουν יונ يون حزيران iun jún júní",
    "jul juil lug lip červenc čvc srpnj liep heinä tem juul июл юли лип јул ιουλ יול يول تموز iul júl júlí lipc",
    "aug ago aoû aou aoû sie srp kol rugp elo ağu авг сер жні αυγ אוג أغس اغس آب ágú avg agu ogos",
    "sep set wrz zář ruj rugs syys eyl сен сеп вер σεπ ספט سبت أيلول szept",
    "oct okt out ott paź říj rij spal loka eki окт жов кас οκτ אוק أكت اكت تشرين oktoober",
    "nov noi lis listop stud lapk marr kas ноя ное лис нов νοε נוב نوف nóv",
    "dec déc dez dic gru pro gruo joul ara дек гру сне дец δεκ דצמ ديس des dets diciembre",
)
_STEMS: Final = {stem: number for number, stems in enumerate(_MONTHS, 1) for stem in stems.split()}
_LONGEST_STEM: Final = max(map(len, _STEMS))
# Croatian names that mean another month in Czech or Polish.
_CROATIAN: Final = {"lis": 10, "lip": 6, "srp": 7, "tra": 4}

# Scripts whose vowel signs are no letters to a regular expression.
_SPELLED: Final = {
    name: month
    for month, names in enumerate(
        (
            "มกราคม ม.ค. जनवरी जन॰ জানুয়ারী জানুয়ারি", "กุมภาพันธ์ ก.พ. फ़रवरी फरवरी ফেব্রুয়ারী ফেব্রুয়ারি",
            "มีนาคม มี.ค. मार्च মার্চ", "เมษายน เม.ย. अप्रैल এপ্রিল", "พฤษภาคม พ.ค. मई", "มิถุนายน มิ.ย. जून জুন",
            "กรกฎาคม ก.ค. जुलाई জুলাই", "สิงหาคม ส.ค. अगस्त আগস্ট", "กันยายน ก.ย. सितंबर সেপ্টেম্বর",
            "ตุลาคม ต.ค. अक्टूबर अक्तूबर অক্টোবর", "พฤศจิกายน พ.ย. नवंबर নভেম্বর", "ธันวาคม ธ.ค. दिसंबर ডিসেম্বর",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
_BUDDHIST: Final = 543  # years that the Thai count ahead
_WORDS: Final = re.compile(r"\d+|[^\W\d_]+")
_YEAR_FIRST: Final = re.compile(r"(\d{4})\s?[年년./-]\s?(\d{1,2})\s?[月월./-]\s?(\d{1,2})")
_NUMBERS: Final = re.compile(r"(\d{1,2})\s?[./-]\s?(\d{1,2})\s?[./-]\s?(\d{4}|\d{2})(?!\d)")
_VIETNAMESE: Final = re.compile(r"(\d{1,2})\s(?:thg|tháng)\s?(\d{1,2}),?\s(?:năm\s)?(\d{4})")
_CLOCK: Final = re.compile(r"(?<!\d)(\d{1,2})\s?[:.h時时시点]\s?(\d{2})(?:\s?[:.m分분]\s?(\d{2}))?(?!\d)")
_OFFSET: Final = re.compile(r"(?:gmt|utc)?\s?([+-])(\d{1,2})(?::?(\d{2}))?(?!\d)")
_AFTERNOON: Final = re.compile(r"\d\s?p\.?\s?m\b|下午|午後|오후|μ\.?μ|\bös\b|晚上|\bmu\b|\d\sch\b")
_FORENOON: Final = re.compile(r"\d\s?a\.?\s?m\b|上午|午前|오전|π\.?μ|\böö\b|凌晨|\d\ssa\b")
_ZONES: Final = {
    "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7, "akst": -9, "hst": -10,
    "brt": -3, "art": -3, "wet": 0, "west": 1, "bst": 1, "cet": 1, "cest": 2, "mez": 1, "mesz": 2, "hnec": 1, "haec": 2,
    "eet": 2, "eest": 3, "oez": 2, "oesz": 3, "msk": 3, "trt": 3, "sast": 2, "jst": 9, "kst": 9, "sgt": 8, "hkt": 8,
    "awst": 8, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13,
}  # fmt: skip


def read_date(written: str) -> datetime | None:
    """The instant that is written, in the offset that is written or else in UTC; None where there is no date."""
    text = _latin_months(folded(written[:MAX_LENGTH]))
    day = _year_first(text) or _vietnamese(text) or _month_by_name(text) or _numbers(text)
    if day is None:
        return None
    (year, month, date), rest = day
    hour, minute, second = _clock(rest)
    year -= _BUDDHIST if year > 2400 else 0
    try:
        return datetime(year, month, date, hour, minute, second, tzinfo=_zone(rest))
    except ValueError:
        return None


def _latin_months(text: str) -> str:
    """The month as a word that the other patterns know."""
    if not any("\u0900" <= letter <= "\u0e7f" for letter in text):
        return text
    for name, month in _SPELLED.items():
        text = text.replace(name, f" {_MONTHS[month - 1].split()[0]} ")
    return text


def _year_first(text: str) -> Day | None:
    found = _YEAR_FIRST.search(text)
    if found is None:
        return None
    year, month, day = map(int, found.groups())
    return (year, month, day), _without(text, found.start(), found.end())


def _vietnamese(text: str) -> Day | None:
    found = _VIETNAMESE.search(text)
    if found is None:
        return None
    day, month, year = map(int, found.groups())
    return (year, month, day), _without(text, found.start(), found.end())


def _numbers(text: str) -> Day | None:
    found = _NUMBERS.search(text)
    if found is None:
        return None
    day, month, year = map(int, found.groups())
    american = month > 12 or (day <= 12 and "/" in found.group() and _is_twelve_hours(text))
    if american:
        day, month = month, day
    return (year if year > 99 else 2000 + year, month, day), _without(text, found.start(), found.end())


def _month_by_name(text: str) -> Day | None:
    """The month whose neighbour is a day: Spanish "mar" is a Tuesday too."""
    words = list(_WORDS.finditer(text))
    years = [word for word in words if word.group().isdecimal() and 1970 <= int(word.group()) <= 2199 + _BUDDHIST]
    if not years:
        return None
    after = None
    for place, word in enumerate(words):
        month = _month(word.group(), text)
        if not month:
            continue
        day = _day_at(words, place - 1) or _day_at(words, place - 2, between=words[place - 1].group() if place else "")
        if day is not None:
            return _named(text, years[0], month, day, word)
        after = after or _named(text, years[0], month, _day_at(words, place + 1), word)
    return after


def _named(text: str, year: re.Match[str], month: int, day: re.Match[str] | None, word: re.Match[str]) -> Day | None:
    if day is None:
        return None
    rest = text
    for found in sorted((year, day, word), key=lambda match: -match.start()):
        rest = _without(rest, found.start(), found.end())
    return (int(year.group()), month, int(day.group())), rest


def _day_at(words: list[re.Match[str]], place: int, between: str = "de") -> re.Match[str] | None:
    """The number of a day at this place; "27 de out." has one word between."""
    if not 0 <= place < len(words) or between not in ("de", "di", "of", "d"):
        return None
    word = words[place].group()
    return words[place] if len(word) <= 2 and word.isdecimal() and 1 <= int(word) <= 31 else None


def _month(word: str, text: str) -> int:
    if word[:3] in _CROATIAN and " u " in text:
        return _CROATIAN[word[:3]]
    for length in range(min(len(word), _LONGEST_STEM), 1, -1):
        if word[:length] in _STEMS:
            return _STEMS[word[:length]]
    return 0


def _without(text: str, start: int, end: int) -> str:
    return f"{text[:start]} ~ {text[end:]}"


def _is_twelve_hours(text: str) -> bool:
    return bool(_AFTERNOON.search(text) or _FORENOON.search(text))


def _clock(text: str) -> tuple[int, int, int]:
    found = _CLOCK.search(text)
    if found is None:
        return 0, 0, 0
    hour, minute, second = (int(number or 0) for number in found.groups())
    if hour < 12 and _AFTERNOON.search(text):
        hour += 12
    elif hour == 12 and _FORENOON.search(text):
        hour = 0
    return (hour, minute, second) if hour < 24 and minute < 60 and second < 60 else (0, 0, 0)


def _zone(text: str) -> tzinfo:
    found = _OFFSET.search(text)
    if found is not None and int(found.group(2)) <= 14:
        ahead = timedelta(hours=int(found.group(2)), minutes=min(int(found.group(3) or 0), 59))
        return timezone(ahead if found.group(1) == "+" else -ahead)
    named = [_ZONES[word.group()] for word in _WORDS.finditer(text) if word.group() in _ZONES]
    return timezone(timedelta(hours=named[-1])) if named else UTC
