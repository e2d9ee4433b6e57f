"""Subjects of answers: one `Re:`, whatever earlier answers in other languages put in front, so that it never grows."""

import re

# One prefix at a time, so that the expression stays linear; the names are those that mail programs write.
_PREFIX = re.compile(
    r"\s*(?:re|res|aw|antw|sv|vs|rv|rif|odp|ynt|ref|r)(?:\[\d{1,3}\]|\(\d{1,3}\))?\s?[:\uff1a]\s*", re.IGNORECASE
)
_MAX_PREFIXES = 20


def answer_subject(subject: str) -> str:
    """`Re: ` and the subject without the prefixes of earlier answers. RFC 5322 section 3.6.5."""
    for _ in range(_MAX_PREFIXES):
        found = _PREFIX.match(subject)
        if not found:
            break
        subject = subject[found.end() :]
    return f"Re: {subject.strip()}".strip()
