"""Dates and people as mail clients write them above what they quote and forward."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.reading.mail import Person
from gateway.reading.written_date import read_date
from gateway.reading.written_people import MAX_PEOPLE, read_people, read_person

OCTOBER = [
    "Wednesday, October 27, 2021 15:14",
    "Wed, 27 Oct 2021 15:14:00 +0000",
    "27/10/2021 15:14",
    "10/27/2021 3:14 PM",
    "27. října 2021 v 15:14",
    "st 27. 10. 2021 v 15:14",
    "27. oktober 2021 kl. 15.14",
    "Mi., 27. Okt. 2021 um 15:14 Uhr",
    "27 de octubre de 2021, 15:14",
    "mié, 27 oct 2021 a las 15:14",
    "K, 27. oktoober 2021 kell 15:14",
    "27. lokakuuta 2021 klo 15.14",
    "mer. 27 oct. 2021 à 15:14",
    "27 octobre 2021 à 15 h 14",
    "27. listopada 2021. u 15:14",
    "sri, 27. lis 2021. u 15:14",
    "2021. október 27. 15:14",
    "2021. okt. 27., Sze, 15:14",
    "mer 27 ott 2021 alle ore 15:14",
    "wo 27 okt. 2021 om 15:14",
    "27 października 2021 o 15:14",
    "śr., 27 paź 2021 o 15:14",
    "quarta, 27/10/2021 à(s) 15:14",
    "qua., 27 de out. de 2021 às 15:14",
    "mie., 27 oct. 2021 la 15:14",
    "27 октября 2021 г. в 15:14",
    "27 жовтня 2021 р. о 15:14",
    "27 Ekim 2021 Çarşamba 15:14",
    "27 Eki 2021 Çar, 15:14",
    "Τετ 27 Οκτ 2021 στις 3:14 μ.μ.",
    "2021年10月27日(水) 15:14",
    "2021年10月27日 星期三 下午3:14",
    "2021년 10월 27일 (수) 오후 3:14",
    "2021-10-27 15:14",
    "Th 4, 27 thg 10, 2021 lúc 15:14",
    "יום ד׳, 27 באוק׳ 2021 ב-15:14".replace("באוק׳", "אוק׳"),
    "27.10.21, 15:14",
]


@pytest.mark.parametrize("written", OCTOBER)
def test_date_is_read_when_it_is_written_in_any_language(written: str) -> None:
    """The same minute in all of them."""
    assert read_date(written) == datetime(2021, 10, 27, 15, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "date"),
    [
        ("27 listopada 2021 o 15:14", datetime(2021, 11, 27, 15, 14, tzinfo=UTC)),
        ("mar, 5 mar 2024 a las 10:23", datetime(2024, 3, 5, 10, 23, tzinfo=UTC)),
        ("1/2/2021 3:04 PM", datetime(2021, 1, 2, 15, 4, tzinfo=UTC)),
        ("1/2/2021 15:04", datetime(2021, 2, 1, 15, 4, tzinfo=UTC)),
        ("12:30 AM, 1 May 2020", datetime(2020, 5, 1, 0, 30, tzinfo=UTC)),
        ("1 May 2020 99:99", datetime(2020, 5, 1, tzinfo=UTC)),
        ("1 May 2020", datetime(2020, 5, 1, tzinfo=UTC)),
    ],
)
def test_date_is_read_when_it_could_mean_two_things(written: str, date: datetime) -> None:
    """A neighbour decides: the day beside the month, the halves of the day beside the slashes."""
    assert read_date(written) == date


@pytest.mark.parametrize(
    ("zone", "hours"),
    [("GMT+3", 3), ("UTC+02:00", 2), ("-0500", -5), ("EEST", 3), ("MESZ", 2), ("PST", -8), ("", 0), ("XYZ", 0)],
)
def test_offset_is_kept_when_it_is_written(zone: str, hours: int) -> None:
    """The instant is right, and an agent sees the hour that the customer saw."""
    date = read_date(f"27 October 2021 at 15:14:08 {zone}")
    assert date == datetime(2021, 10, 27, 15, 14, 8, tzinfo=timezone(timedelta(hours=hours)))
    assert date.utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize("written", ["", "tomorrow", "31. 2. 2021", "May 2020 is nice", "13/13/2021", "maybe 2021"])
def test_date_is_none_when_there_is_no_day(written: str) -> None:
    """No guess is better than a wrong one."""
    assert read_date(written) is None


PEOPLE = [
    ("Ann Lee <ann@x.example>", [("Ann Lee", "ann@x.example")]),
    ("Ann Lee [mailto:ann@x.example]", [("Ann Lee", "ann@x.example")]),
    ("Ann <mailto:ann@x.example>", [("Ann", "ann@x.example")]),
    ("ann@x.example <ann@x.example>", [("", "ann@x.example")]),
    ("[ann@x.example](mailto:ann@x.example)", [("", "ann@x.example")]),
    ("'Lee, Ann' <ann@x.example>, \"Bob\" <bob@x.example>", [("Lee, Ann", "ann@x.example"), ("Bob", "bob@x.example")]),
    (
        "Lee, Ann <ann@x.example>, Ray, Bob<bob@x.example>",
        [("Lee, Ann", "ann@x.example"), ("Ray, Bob", "bob@x.example")],
    ),
    ("\"'ann@x.example'\" <ann@x.example>; Bob Ray", [("", "ann@x.example"), ("Bob Ray", "")]),
    ("Ann<mailto:ann@x.example> <ann@x.example<mailto:ann@x.example>>", [("Ann", "ann@x.example")]),
    ("root@localhost, Ülle <ülle@õun.example>", [("", "root@localhost"), ("Ülle", "ülle@õun.example")]),
    ("", []),
]


@pytest.mark.parametrize(("written", "people"), PEOPLE)
def test_people_are_read_when_clients_write_them_their_way(written: str, people: list[tuple[str, str]]) -> None:
    """Links beside addresses, commas in names, names without addresses."""
    assert [(person.name, person.email) for person in read_people(written)] == people


def test_people_are_bounded_when_there_are_very_many() -> None:
    """A list for a whole company is cut, not refused."""
    assert len(read_people("a@b.example, c@d.example; " * 500)) <= MAX_PEOPLE


def test_person_is_the_author_when_somebody_sent_on_his_behalf() -> None:
    """Exchange writes both."""
    assert read_person("Ann <ann@x.example> on behalf of desk@x.example") == Person("Ann", "ann@x.example")
    assert read_person("") == Person("", "")


@given(st.text(max_size=80))
def test_nothing_raises_when_anything_is_written(text: str) -> None:
    """A date is aware, and every person has a name or an address."""
    date = read_date(f"{text} 2021 {text}")
    assert date is None or date.tzinfo is not None
    assert all(person.name or person.email for person in read_people(f"{text}@{text}"))
