"""The JSON of a mail as `gateway mail read --json` promises it: names may be added, never renamed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

from gateway.reading.mail import Attachment, Forwarded, Mail, Person, Report


def as_json(mail: Mail, file: str | None = None) -> dict[str, object]:
    """Plain values only, ready for any JSON writer."""
    shown: dict[str, object] = {} if file is None else {"file": file}
    shown |= {
        "message_id": mail.message_id,
        "in_reply_to": list(mail.in_reply_to),
        "references": list(mail.references),
        "from": _person(mail.author),
        "sender": _person(mail.sender) if mail.sender else None,
        "reply_to": _people(mail.reply_to),
        "to": _people(mail.to),
        "cc": _people(mail.cc),
        "subject": mail.subject,
        "date": _date(mail.date),
        "kind": str(mail.kind),
        "kind_reason": mail.kind_reason,
        "text": mail.text,
        "reply_text": mail.reply_text,
        "html": mail.html,
        "attachments": [_attachment(one) for one in mail.attachments],
        "forwarded": _forwarded(mail.forwarded) if mail.forwarded else None,
        "report": _report(mail.report) if mail.report else None,
        "defects": list(mail.defects),
    }
    return shown


def _person(person: Person) -> dict[str, object]:
    return {"name": person.name, "email": person.email}


def _people(people: Iterable[Person]) -> list[dict[str, object]]:
    return [_person(one) for one in people]


def _date(date: datetime | None) -> str | None:
    return date.isoformat() if date else None


def _attachment(attachment: Attachment) -> dict[str, object]:
    return {
        "filename": attachment.filename,
        "content_type": attachment.content_type,
        "size": len(attachment.content),
        "content_id": attachment.content_id,
        "inline": attachment.inline,
        "sha256": hashlib.sha256(attachment.content).hexdigest(),
    }


def _forwarded(forwarded: Forwarded) -> dict[str, object]:
    return {
        "from": _person(forwarded.author),
        "to": _people(forwarded.to),
        "cc": _people(forwarded.cc),
        "subject": forwarded.subject,
        "date": _date(forwarded.date),
        "body": forwarded.body,
        "message_id": forwarded.message_id,
        "note": forwarded.note,
    }


def _report(report: Report) -> dict[str, object]:
    recipients = [
        {
            "address": one.address,
            "action": one.action,
            "status": one.status,
            "diagnostic": one.diagnostic,
            "remote_mta": one.remote_mta,
        }
        for one in report.recipients
    ]
    return {"type": report.type, "recipients": recipients, "original_message_id": report.original_message_id}
