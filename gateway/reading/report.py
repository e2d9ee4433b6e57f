"""A machine's word about a mail: delivery report, read receipt or complaint.

Delivery reports of RFC 3464 and in prose, receipts of RFC 8098, complaints of RFC 5965 and of Hotmail. It does
not classify other automatic mail, and it takes no mail of a person for a report because of what he writes
about: the form of the mail or its sender must be a machine's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from gateway.reading.mail import Person, Report, ReportedRecipient
from gateway.reading.report_evidence import is_machine, is_prose_report
from gateway.reading.report_parts import (
    Fields,
    Part,
    blocks_of,
    copy_in,
    decoded,
    fields_in,
    original_message_id,
    parts_of,
    report_type_of,
    type_of,
)
from gateway.reading.report_prose import Failed, above_copy, addressee_of, expanded_from, recipients_in, senders_of
from gateway.reading.report_status import recipients_of
from gateway.reading.written_people import ADDRESS, read_people

MAX_NOTIFICATION: Final = 100_000

_STATUS: Final = ("message/delivery-status", "message/global-delivery-status")
_RECEIPT: Final = ("message/disposition-notification", "message/global-disposition-notification")
_FEEDBACK: Final = ("message/feedback-report", "message/feedback")
_HEADERS: Final = ("rfc822-headers", "rfc822-header", "rfc822")
_COMPLAINERS: Final = (
    "staff@hotmail.com",
    "scomp@aol.net",
    "complaints@email-abuse.amazonses.com",
    "feedback@arf.mail.yahoo.com",
)


def find_report(
    message: Part, subject: str, author: Person, text: str, headers: Sequence[tuple[str, str]]
) -> Report | None:
    """What a machine reports in this mail, or None."""
    parts = list(parts_of(message))
    types = [type_of(part) for part in parts]
    kind = report_type_of(message)
    if kind == "feedback-report" or any(one in _FEEDBACK for one in types) or _is_plain_complaint(subject, author):
        return _complaint(parts, types, headers)
    if kind == "disposition-notification" or any(one in _RECEIPT for one in types):
        return _receipt(parts, headers)
    if any(one in _STATUS for one in types) and (kind or is_machine(author, headers)):
        return _delivery(parts, subject, author, text, headers)
    if notification := _notification(author, text):
        return notification
    prose = _prose(parts, text)
    if kind == "delivery-status" or is_prose_report(subject, author, prose, headers):
        return _delivery(parts, subject, author, text, headers)
    return None


def may_report(subject: str, author: Person, text: str, headers: Sequence[tuple[str, str]]) -> bool:
    """Whether a mail that is one plain text can be a report: most are none, which is told without taking them apart."""
    return (
        not text.strip()
        or _is_plain_complaint(subject, author)
        or _notification(author, text) is not None
        or is_prose_report(subject, author, text, headers)
    )


def _prose(parts: Sequence[Part], text: str) -> str:
    """What the report says for people: its first text, or what is left of a broken multipart."""
    for part in parts:
        own = decoded(part) if _is_prose(part) else ""
        if own.strip():
            # The caller knows the charset; a broken multipart he may not have read.
            return text if text.strip() and type_of(part) == "text/plain" else own
    return text


def _is_prose(part: Part) -> bool:
    kind, _, subtype = type_of(part).partition("/")
    return kind in ("text", "multipart") and subtype not in ("html", *_HEADERS)


def _complaint(parts: Sequence[Part], types: Sequence[str], headers: Sequence[tuple[str, str]]) -> Report:
    blocks = [block for part, kind in zip(parts, types, strict=True) if kind in _FEEDBACK for block in blocks_of(part)]
    addresses = [
        block[name]
        for name in ("original-rcpt-to", "x-hmxmroriginalrecipient", "removed-recipient")
        for block in blocks
        if name in block
    ]
    addresses += [value for name, value in headers if name.lower() == "x-hmxmroriginalrecipient"]
    people = [person.email for value in addresses[:20] for person in read_people(value) if person.email]
    # Providers that hide who complained leave him in the mail, as the one to whom it went.
    people = people or [one for one in [addressee_of(copy_in(parts, ""))] if one]
    recipients = tuple(map(ReportedRecipient, dict.fromkeys(people)))
    return Report("complaint", recipients, original_message_id(parts, "", headers))


def _is_plain_complaint(subject: str, author: Person) -> bool:
    """Hotmail's feedback is an ordinary mail with the accused one attached."""
    return author.email.lower() in _COMPLAINERS and "complaint" in subject.lower()


def _receipt(parts: Sequence[Part], headers: Sequence[tuple[str, str]]) -> Report:
    """RFC 8098 section 3: one recipient, and what he or his program did with the mail."""
    blocks = [block for part in parts if type_of(part) in _RECEIPT for block in blocks_of(part)]
    fields: Fields = {name: value for block in reversed(blocks) for name, value in block.items()}
    found = ADDRESS.search(fields.get("final-recipient", "") or fields.get("original-recipient", ""))
    disposition = fields.get("disposition", "").rpartition(";")[2].strip().partition("/")[0].lower()[:40]
    recipients = (ReportedRecipient(found.group(), disposition),) if found is not None else ()
    original = fields.get("original-message-id", "").strip()[:400]
    return Report("mdn", recipients, original or original_message_id(parts, "", headers))


def _delivery(
    parts: Sequence[Part], subject: str, author: Person, text: str, headers: Sequence[tuple[str, str]]
) -> Report:
    prose, below = above_copy(_prose(parts, text))
    copy = copy_in(parts, below)
    blocks = [block for part in parts if type_of(part) in _STATUS for block in blocks_of(part)]
    # Some write the fields of RFC 3464 into their prose.
    recipients = recipients_of(blocks) or tuple(
        one for one in recipients_of(fields_in(prose)) if one.address and one.status
    )
    if not any(one.address for one in recipients):
        failed = Failed(tuple(_failed(headers)), addressee_of(copy), _strangers(author, headers) | senders_of(copy))
        recipients = recipients_in(prose, failed, subject) or recipients
    if len(recipients) == 1 and not _names_original(blocks) and (written := expanded_from(prose)):
        recipients = (replace(recipients[0], address=written),)
    return Report("dsn", recipients, original_message_id(parts, below or prose, headers))


def _names_original(blocks: Sequence[Fields]) -> bool:
    return any("original-recipient" in block for block in blocks)


def _failed(headers: Sequence[tuple[str, str]]) -> list[str]:
    """X-Failed-Recipients, which Exim and Google write."""
    values = [value for name, value in headers if name.lower() == "x-failed-recipients"]
    found = [person.email for value in values[:20] for person in read_people(value) if person.email]
    return list(dict.fromkeys(found))[:200]


def _strangers(author: Person, headers: Sequence[tuple[str, str]]) -> frozenset[str]:
    """Who is hardly the failed recipient: the machine, and we to whom it reports."""
    ours = [person.email for name, value in headers if name.lower() in ("to", "from") for person in read_people(value)]
    return frozenset(address.lower() for address in (author.email, *ours[:50]) if address)


def _notification(author: Person, text: str) -> Report | None:
    """Amazon SES reports by SNS: JSON in the text of a mail."""
    if not author.email.lower().endswith("sns.amazonaws.com") or '"notificationType"' not in text[:MAX_NOTIFICATION]:
        return None
    line = next((line for line in text[:MAX_NOTIFICATION].split("\n") if line.lstrip().startswith("{")), "")
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return _from_notification(told) if isinstance(told, dict) else None


def _from_notification(told: dict[str, object]) -> Report:
    kind = str(told.get("notificationType"))
    about = told.get(kind.lower())
    mail = told.get("mail")
    listed = [] if not isinstance(about, dict) else _listed(about)
    action = {"Delivery": "delivered"}.get(kind, "failed")
    recipients = tuple(
        ReportedRecipient(
            _word(one, "emailAddress"),
            _word(one, "action") or action,
            _word(one, "status"),
            _word(one, "diagnosticCode"),
        )
        for one in listed[:200]
    )
    original = _word(mail, "messageId") if isinstance(mail, dict) else ""
    return Report("complaint" if kind == "Complaint" else "dsn", recipients, f"<{original}>" if original else "")


def _listed(about: dict[str, object]) -> list[dict[str, object]]:
    for name in ("bouncedRecipients", "complainedRecipients", "recipients", "delayedRecipients"):
        listed = about.get(name)
        if isinstance(listed, list):
            return [one if isinstance(one, dict) else {"emailAddress": one} for one in listed]
    return []


def _word(told: dict[str, object], name: str) -> str:
    value = told.get(name, "")
    return value[:1000] if isinstance(value, str) else ""
