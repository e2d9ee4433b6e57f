"""Say in words what a calendar part asks: what, when, where, who. RFC 5545, RFC 5546.

It reads a handful of properties of the first events and interprets no recurrence: the part itself is kept.
"""

from __future__ import annotations

from typing import Final

from gateway.reading.parameters import parse_parameters

_MAX_LINES: Final = 5000
_MAX_EVENTS: Final = 5
_MAX_GUESTS: Final = 20
_METHODS: Final = {
    "REQUEST": "Invitation",
    "CANCEL": "Cancelled",
    "REPLY": "Answer to an invitation",
    "COUNTER": "Other time proposed",
    "PUBLISH": "Event",
}
_ANSWERS: Final = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "accepted tentatively"}
_Property = tuple[str, dict[str, str], str]


def describe_calendar(text: str) -> str:
    """A few lines for people, or an empty string when there is no event."""
    method = ""
    events: list[list[_Property]] = []
    depth = 0  # inside an alarm or the like, whose properties are not the event's
    for name, parameters, value in _properties(text):
        if name == "METHOD":
            method = value.upper()
        elif name == "BEGIN" and value.upper() in ("VEVENT", "VTODO"):
            events.append([])
            depth = 1
        elif name in ("BEGIN", "END") and depth:
            depth += 1 if name == "BEGIN" else -1
        elif depth == 1:
            events[-1].append((name, parameters, value))
    title = _METHODS.get(method, "Event")
    return "\n\n".join(_describe(title, event) for event in events[:_MAX_EVENTS])


def _properties(text: str) -> list[_Property]:
    unfolded = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "")
    found: list[_Property] = []
    for line in unfolded.split("\n", _MAX_LINES)[:_MAX_LINES]:
        head, value = _cut(line)
        name, parameters = parse_parameters(head)
        if name:
            found.append((name.upper(), parameters, _unescape(value.strip())))
    return found


def _cut(line: str) -> tuple[str, str]:
    """At the first colon outside of quotes."""
    colon = line.find(":")
    quote = line.find('"')
    if 0 <= quote < colon:
        closing = line.find('"', quote + 1)
        colon = line.find(":", closing + 1) if closing != -1 else colon
    return (line[:colon], line[colon + 1 :]) if colon > 0 else ("", "")


def _unescape(value: str) -> str:
    value = value.replace("\\n", "\n").replace("\\N", "\n")
    return value.replace("\\,", ",").replace("\\;", ";").replace("\\\\", "\\")


def _describe(title: str, event: list[_Property]) -> str:
    first: dict[str, tuple[dict[str, str], str]] = {}
    for name, parameters, value in event:
        first.setdefault(name, (parameters, value))
    lines = [f"{title}: {_one_line(first.get('SUMMARY', ({}, ''))[1])}".rstrip(": ")]
    when = _when(first)
    if when:
        lines.append(f"When: {when}")
    if first.get("LOCATION", ({}, ""))[1]:
        lines.append(f"Where: {_one_line(first['LOCATION'][1])}")
    if "ORGANIZER" in first:
        lines.append(f"Organizer: {_person(*first['ORGANIZER'])}")
    guests = [_guest(parameters, value) for name, parameters, value in event if name == "ATTENDEE"]
    if guests:
        more = f" and {len(guests) - _MAX_GUESTS} more" if len(guests) > _MAX_GUESTS else ""
        lines.append(f"Who: {', '.join(guests[:_MAX_GUESTS])}{more}")
    return "\n".join(lines)


def _when(first: dict[str, tuple[dict[str, str], str]]) -> str:
    start = _moment(*first["DTSTART"]) if "DTSTART" in first else ""
    end = _moment(*first["DTEND"]) if "DTEND" in first else ""
    recurring = " (repeated)" if "RRULE" in first else ""
    return f"{start} - {end}{recurring}" if end and end != start else start + recurring


def _moment(parameters: dict[str, str], value: str) -> str:
    """20260131T140000Z as 2026-01-31 14:00 UTC; what has another form is left as it is."""
    digits = value[:8]
    if len(digits) != 8 or not digits.isdigit():
        return value[:40]
    day = f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}"
    time = value[9:13]
    if not (len(time) == 4 and time.isdigit()):
        return day
    zone = "UTC" if value.endswith("Z") else parameters.get("tzid", "")[:60]
    return f"{day} {time[:2]}:{time[2:]} {zone}".rstrip()


def _person(parameters: dict[str, str], value: str) -> str:
    address = value.strip()
    if address[:7].lower() == "mailto:":
        address = address[7:]
    name = _one_line(parameters.get("cn", ""))
    return f"{name} <{address}>" if name and name != address else address[:200]


def _guest(parameters: dict[str, str], value: str) -> str:
    answer = _ANSWERS.get(parameters.get("partstat", "").upper(), "")
    return f"{_person(parameters, value)} ({answer})" if answer else _person(parameters, value)


def _one_line(value: str) -> str:
    return " ".join(value.split())[:300]
