"""The JSON that `gateway mail read` promises."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from gateway.reading.mail import Attachment, Forwarded, Mail, Person, Report, ReportedRecipient
from gateway.reading.show import as_json

KEYS = {
    *("message_id", "in_reply_to", "references", "from", "sender", "reply_to", "to", "cc", "subject", "date", "kind"),
    *("text", "reply_text", "html", "attachments", "forwarded", "report", "defects"),
}


def test_all_promised_names_are_there_when_the_mail_is_empty():
    """Every name of the contract is in the JSON of any mail, and `file` only when there is one."""
    shown = as_json(Mail("<1@x>"))
    assert set(KEYS) <= set(shown)
    assert "file" not in shown
    assert as_json(Mail("<1@x>"), "a.eml")["file"] == "a.eml"


def test_values_are_plain_when_everything_is_set():
    """A mail with all its parts can be written as JSON, with digests, sizes and ISO dates."""
    date = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    mail = Mail(
        "<1@x>",
        author=Person("Ann", "ann@x"),
        sender=Person("", "s@x"),
        date=date,
        attachments=(Attachment("a.txt", "text/plain", b"abc", "cid", True),),
        forwarded=Forwarded(Person("Bob", "bob@x"), date=date, subject="s"),
        report=Report("dsn", (ReportedRecipient("r@x", "failed", "5.1.1"),), "<o@x>"),
    )
    shown = json.loads(json.dumps(as_json(mail)))
    assert shown["from"] == {"name": "Ann", "email": "ann@x"}
    assert shown["date"] == "2026-01-02T03:04:05+00:00"
    assert shown["attachments"][0]["sha256"].startswith("ba7816bf")
    assert shown["attachments"][0]["size"] == 3
    assert shown["forwarded"]["from"]["email"] == "bob@x"
    assert shown["report"]["recipients"][0]["status"] == "5.1.1"
