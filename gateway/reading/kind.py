"""Decide who or what wrote a mail: a class, never a reason to drop it. RFC 3834, RFC 2919, RFC 2369.

The first answer of the tuple `_DECIDERS` wins; each gives its reason for the trace. What only the envelope tells
(a null reverse-path) is not known here. `X-Auto-Response-Suppress` alone and `X-MS-Exchange-Inbox-Rules-Loop` alone
say nothing: Exchange puts them on mail that people wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.reading.confirmation import is_confirmation
from gateway.reading.mail import Kind, Person, Report
from gateway.reading.phrases import is_absence_subject, is_absence_text, is_code_mail, is_reply_subject

Answer = tuple[Kind, str]


@dataclass(frozen=True, slots=True)
class Clues:
    """What the deciders look at; header names in lower case, first value of each."""

    fields: dict[str, str]
    author: Person
    subject: str
    text: str
    report: Report | None
    submitted: str  # the keyword of Auto-Submitted
    reply_mark: str  # the header that calls this an automatic answer, or an empty string


_REPORT_KINDS: Final = {"dsn": Kind.DSN, "mdn": Kind.MDN, "complaint": Kind.COMPLAINT}
_AUTO_REPLY_FIELDS: Final = (
    "x-autoreply",
    "x-auto-reply",
    "x-autorespond",
    "x-autoresponder",
    "x-autoreply-from",
    "x-autoresponse",
    "x-mail-autoreply",
    "x-autoresponder-id",
    "x-vacation",
)
_LIST_FIELDS: Final = (
    "list-post",
    "x-mailman-version",
    "x-beenthere",
    "mailing-list",
    "x-google-group-id",
    "x-mailing-list",
)
_BULK_FIELDS: Final = ("list-unsubscribe", "feedback-id", "x-campaign", "x-campaignid", "x-mailgun-tag", "x-mc-user")
_ROBOT: Final = re.compile(
    r"(?:[\w.+-]{0,60}[-_.])?"
    r"(?:mailer-?daemon|post[-_.]?master|no[-_.]?reply|do[-_.]?not[-_.]?reply|not?[-_.]?reply|ne[-_.]?pas[-_.]?repondre|"
    r"n[aã]o[-_.]?responda|nao[-_.]?responder|no[-_.]?responder|noresponder|bounces?|auto[-_.]?reply|autoresponder)"
    r"(?:[-_.+].{0,64})?"
)
# Behind these sit people as well, but none who sends a code.
_SERVICE: Final = re.compile(
    r"(?:accounts?|security|verif(?:y|ication|ications)|auth|login|signin|notif(?:y|ication|ications)|alerts?|info|hello"
    r"|team|support|feedback|service|system|admin|mail|welcome|register|registration|otp|id)(?:[-_.+].{0,64})?"
)


def decide_kind(
    headers: tuple[tuple[str, str], ...], author: Person, subject: str, text: str, report: Report | None
) -> Answer:
    """The kind, and the header or pattern that decided it."""
    fields: dict[str, str] = {}
    for name, value in headers:
        fields.setdefault(name.lower(), value)
    submitted = _auto_submitted(fields)
    clues = Clues(fields, author, subject, text, report, submitted, _marked_as_reply(fields, submitted))
    for decide in _DECIDERS:
        answer = decide(clues)
        if answer is not None:
            return answer
    return Kind.HUMAN, "nothing says otherwise"


def _confirmation(clues: Clues) -> Answer | None:
    """Before all else, since it comes from a no-reply address and may be marked automatic."""
    provider = is_confirmation(clues.author.email, clues.subject, clues.text)
    return (Kind.CONFIRMATION, f"forwarding confirmation of {provider}") if provider else None


def _report(clues: Clues) -> Answer | None:
    if clues.report is None:
        return None
    return _REPORT_KINDS.get(clues.report.type, Kind.DSN), f"report of type {clues.report.type}"


def _auto_submitted(fields: Mapping[str, str]) -> str:
    """The keyword without comments and parameters. RFC 3834 section 5."""
    return re.split(r"[;(\s]", fields.get("auto-submitted", "").strip(), maxsplit=1)[0].lower()


def _out_of_office(clues: Clues) -> Answer | None:
    submitted = clues.fields.get("auto-submitted", "").lower()
    if "vacation" in submitted:
        return Kind.OUT_OF_OFFICE, "Auto-Submitted"
    if is_reply_subject(clues.subject):
        return Kind.OUT_OF_OFFICE, "subject of an automatic reply"
    marked = clues.reply_mark or ("Auto-Submitted" if submitted not in ("", "no") else "")
    if marked and is_absence_subject(clues.subject):
        return Kind.OUT_OF_OFFICE, f"subject of an absence and {marked}"
    if clues.reply_mark and is_absence_text(clues.text):
        return Kind.OUT_OF_OFFICE, f"text of an absence and {marked}"
    loops = clues.fields.get("x-ms-exchange-inbox-rules-loop")
    if loops is not None and clues.fields.get("x-auto-response-suppress", "").strip().lower() == "all" and submitted:
        return Kind.OUT_OF_OFFICE, "X-MS-Exchange-Inbox-Rules-Loop with X-Auto-Response-Suppress: All"
    return None


def _marked_as_reply(fields: Mapping[str, str], submitted: str) -> str:
    if submitted == "auto-replied":
        return "Auto-Submitted"
    for name in ("precedence", "x-precedence"):
        if fields.get(name, "").strip().lower() in ("auto_reply", "auto-reply", "autoreply"):
            return "Precedence"
    if fields.get("x-autogenerated", "").strip().lower() == "reply":
        return "X-Autogenerated"
    if fields.get("delivered-to", "").strip().lower().startswith("autoresponder"):
        return "Delivered-To"
    return next(
        (name for name in _AUTO_REPLY_FIELDS if fields.get(name, "no").strip().lower() not in ("no", "false")), ""
    )


def _auto_replied(clues: Clues) -> Answer | None:
    return (Kind.AUTO_REPLIED, clues.reply_mark) if clues.reply_mark else None


def _verification(clues: Clues) -> Answer | None:
    """A sign-up code of another service, which nobody outside must ever read here (ticket trick)."""
    is_robot = _is_robot(clues.author.email) or clues.submitted == "auto-generated"
    is_service = _SERVICE.fullmatch(clues.author.email.partition("@")[0].lower()) is not None
    reason = is_code_mail(clues.subject, clues.text, is_robot=is_robot, is_service=is_service)
    return (Kind.VERIFICATION, reason) if reason else None


def _auto_generated(clues: Clues) -> Answer | None:
    fields = clues.fields
    if clues.submitted not in ("", "no"):
        return Kind.AUTO_GENERATED, "Auto-Submitted"
    if fields.get("x-fc-machinegenerated", "").strip().lower() == "true":
        return Kind.AUTO_GENERATED, "X-FC-MachineGenerated"
    if fields.get("x-amazon-mail-relay-type", "").strip().lower() == "notification":
        return Kind.AUTO_GENERATED, "X-AMAZON-MAIL-RELAY-TYPE"
    if fields.get("x-loop", "").strip().lower() in ("yes", "true"):
        return Kind.AUTO_GENERATED, "X-Loop"
    if "x-autogenerated" in fields:
        return Kind.AUTO_GENERATED, "X-Autogenerated"
    return (Kind.AUTO_GENERATED, "X-Failed-Recipients") if "x-failed-recipients" in fields else None


def _list(clues: Clues) -> Answer | None:
    if clues.fields.get("list-post", "").strip().lower().startswith("no"):
        return None
    name = next((name for name in _LIST_FIELDS if name in clues.fields), "")
    if not name and _precedence(clues) == "list":
        name = "Precedence"
    if not name and "list-id" in clues.fields and not any(field in clues.fields for field in _BULK_FIELDS):
        name = "List-Id"
    return (Kind.LIST, name) if name else None


def _bulk(clues: Clues) -> Answer | None:
    if _precedence(clues) in ("bulk", "junk"):
        return Kind.BULK, "Precedence"
    name = next((name for name in (*_BULK_FIELDS, "list-id") if name in clues.fields), "")
    return (Kind.BULK, name) if name else None


def _precedence(clues: Clues) -> str:
    return (clues.fields.get("precedence") or clues.fields.get("x-precedence") or "").strip().lower()


def _robot(clues: Clues) -> Answer | None:
    return (Kind.AUTO_GENERATED, "address of a robot in From") if _is_robot(clues.author.email) else None


def _is_robot(email: str) -> bool:
    return _ROBOT.fullmatch(email.partition("@")[0].lower()) is not None


_DECIDERS: Final[tuple[Callable[[Clues], Answer | None], ...]] = (
    _confirmation,  # a no-reply writes it, and it must not be taken for the rest
    _report,  # reports are marked automatic too
    _out_of_office,  # the special case of an automatic answer
    _auto_replied,
    _verification,  # before bulk: such mails carry unsubscribe links
    _auto_generated,
    _list,  # before bulk: people write to lists
    _bulk,
    _robot,
)
