"""What binds the mails of a conversation when no Message-ID of ours or of the ticket is named.

Outlook and Exchange number conversations in Thread-Index; other desks repeat the number of their case in every id,
subject or text that they write. Each becomes a key that is stored like a referenced id, so that one index finds them
all. Anybody can write them: they count only from people who take part.
"""

import re
from base64 import b64decode
from hashlib import sha256

from gateway.intake.subject import plain_subject
from gateway.reading.mail import Mail

# [MS-OXOMSG] 2.2.1.3: the first 22 octets name the conversation, five more are added by every answer.
_CONVERSATION_BYTES = 22
THREAD_INDEX = "thread-index:"
_MAX_INDEX = 4_000
_MAX_IDS = 40
_MAX_TEXT = 200_000
_MAX_KEYS = 10

# Desks that put the number of their case into every Message-ID of it; the groups are what stays the same.
_CASE_IDS = (
    ("jira", re.compile(r"<JIRA\.(\d{1,12}\.\d{10,14})\.[^<>]{1,100}@([^<>]{1,100})>", re.IGNORECASE)),
    (
        "github",
        re.compile(r"<([\w.-]{1,100}/[\w.-]{1,100}/(?:issues|pull)/\d{1,10})(?:/[^<>]{0,100})?@github[^<>]{1,100}>"),
    ),
    ("gitlab", re.compile(r"<((?:issue|merge_request)_\d{1,12})@([^<>]{1,100})>", re.IGNORECASE)),
    ("rt", re.compile(r"<rt-[\w.-]{1,60}\.(\d{1,10})-\d{1,10}-\d{1,10}@([^<>]{1,100})>", re.IGNORECASE)),
    ("bugzilla", re.compile(r"<bug-(\d{1,10})-[^<>]{1,60}@([^<>]{1,100})>", re.IGNORECASE)),
    ("redmine", re.compile(r"<redmine\.issue-(\d{1,10})\.[^<>]{1,60}@([^<>]{1,100})>", re.IGNORECASE)),
)
# And those that put it into every text; the word is looked for first, since that is quick.
_CASE_WORDS = (
    ("servicenow", "Ref:MSG", re.compile(r"\bRef:(MSG\d{4,12}(?:_[A-Za-z0-9]{8,40})?)")),
    ("salesforce", ":ref", re.compile(r"\bref:(!?_?00D[\w!.]{5,80}):ref")),
)
# And those that put it into every subject. `[#123]` may be anybody's: osTicket, FreeScout, Freshdesk, or our own.
_CASE_SUBJECTS = (
    ("tag", re.compile(r"\[#(\d{1,12})\]")),
    ("rt", re.compile(r"\[([\w.-]{1,60}(?: [\w.-]{1,30}){0,3}) #(\d{1,12})\]")),  # Request Tracker, GLPI, Kayako
    # OTRS, Znuny, Zammad `[Ticket#2026...]`, AWS `[CASE 123...]` and many others.
    ("ticket", re.compile(r"\[(?:ticket|case|request|incident|issue)[ :#-]{1,3}(?:ID[ :#]{1,2})?(\d{2,20})\]", re.I)),
    ("jira", re.compile(r"\[JIRA\] [^()]{0,60}\(([A-Z][A-Z0-9_]{1,20}-\d{1,9})\)")),
    ("zendesk", re.compile(r"\[(?=[A-Z]{0,5}\d)(?=\d{0,5}[A-Z])([A-Z0-9]{6}-[A-Z0-9]{4,5})\]")),
    ("servicenow", re.compile(r"\b((?:INC|RITM|REQ|CHG|PRB|SCTASK|CS)\d{7,10})\b")),
    ("manageengine", re.compile(r"##(?:[A-Z]{2}-)?(\d{1,12})##")),
    ("microsoft", re.compile(r"\bTrackingID#(\d{14,20})\b", re.IGNORECASE)),
    ("google", re.compile(r"\[(\d-\d{12,14})\]")),
)
_DIGIT = re.compile("[0-9]")
_MAX_SUBJECT = 1_000


def conversation_keys(mail: Mail) -> tuple[str, ...]:
    """The keys of a mail's conversation, in the form of referenced ids; each once."""
    return (*_thread_index(mail), *_case_numbers(mail))


def _thread_index(mail: Mail) -> list[str]:
    """The conversation of Thread-Index together with its topic; none when one of them is missing."""
    topic = plain_subject(mail.header("Thread-Topic"))
    value = "".join(mail.header("Thread-Index")[:_MAX_INDEX].split())
    try:
        index = b64decode(value, validate=True)
    except ValueError:
        return []
    if not topic or len(index) < _CONVERSATION_BYTES:
        return []
    return [f"{THREAD_INDEX}{index[:_CONVERSATION_BYTES].hex()}:{sha256(topic.encode()).hexdigest()[:16]}"]


def _case_numbers(mail: Mail) -> list[str]:
    """The numbers that other desks gave to this matter."""
    ids = (mail.message_id, *mail.in_reply_to, *mail.references)[:_MAX_IDS]
    found = [_key(name, match) for id_ in ids for name, form in _CASE_IDS if (match := form.fullmatch(id_))]
    subject = mail.subject[:_MAX_SUBJECT]
    if _DIGIT.search(subject):
        found += [_key(f"{name}-subject", match) for name, form in _CASE_SUBJECTS for match in form.finditer(subject)]
    text = mail.text[:_MAX_TEXT]
    found += [_key(name, match) for name, word, form in _CASE_WORDS if word in text for match in form.finditer(text)]
    return list(dict.fromkeys(found))[:_MAX_KEYS]


def _key(name: str, match: re.Match[str]) -> str:
    return f"{name}-case:" + "/".join("".join(part.lower().split()) for part in match.groups() if part)
