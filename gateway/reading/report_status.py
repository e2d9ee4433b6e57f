"""The recipients of a delivery report in the form of RFC 3464, and what became of the mail for each.

Says what the report says: a status is not improved, only supplied from the diagnostic where it is missing
(RFC 3463). Reports in prose are read in `report_prose`.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.reading.mail import ReportedRecipient
from gateway.reading.report_parts import Fields
from gateway.reading.written_people import ADDRESS

MAX_DIAGNOSTIC: Final = 1_000
ACTIONS: Final = frozenset({"failed", "delayed", "delivered", "relayed", "expanded"})

# Not within an IP address, a version or a longer number.
STATUS: Final = re.compile(r"(?<![\w.-])([245]\.\d{1,3}\.\d{1,3})(?![\w-])(?!\.\d)")


def status_in(text: str) -> str:
    """The first status code of RFC 3463 in a text."""
    found = STATUS.search(text[:20_000])
    return "" if found is None else found[1]


def recipients_of(blocks: list[Fields]) -> tuple[ReportedRecipient, ...]:
    """One for each block that names a recipient."""
    return tuple(
        _recipient(block)
        for block in blocks
        if "final-recipient" in block or "original-recipient" in block or "action" in block
    )


def _recipient(block: Fields) -> ReportedRecipient:
    diagnostic = _after_type(block.get("diagnostic-code", ""))
    status = status_in(block.get("status", "")) or status_in(diagnostic)
    return ReportedRecipient(
        address=_address(block),
        action=_action(block.get("action", ""), status),
        status=status,
        diagnostic=" ".join(diagnostic.split())[:MAX_DIAGNOSTIC],
        remote_mta=_after_type(block.get("remote-mta", ""))[:MAX_DIAGNOSTIC],
    )


def _address(block: Fields) -> str:
    """The recipient to whom we wrote: the final one may be a local account behind that address."""
    for name in ("original-recipient", "final-recipient", "x-actual-recipient"):
        found = ADDRESS.search(_after_type(block.get(name, "")))
        if found is not None:
            return found.group().strip("'.")
    return _after_type(block.get("final-recipient", "")).strip("<> ")[:320]


def _after_type(value: str) -> str:
    """`smtp; 550 5.1.1 ...` without its type (RFC 3464 section 2.1.2)."""
    kind, mark, rest = value.partition(";")
    return rest.strip() if mark and len(kind) <= 20 and " " not in kind.strip() else value.strip()


def _action(value: str, status: str) -> str:
    """Some write `Failed (5.1.1)`, `expired` or nothing."""
    word = value.strip().lower().split(" ", 1)[0].strip(".,;:()")
    if word in ACTIONS:
        return word
    return "delayed" if status.startswith("4") and word not in ("failure", "expired", "fail") else "failed"
