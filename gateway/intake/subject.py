"""Subjects: without the prefixes of answers and forwards in any language, and with our tag found."""

import re

from gateway.reading.phrases import count_robot_words

# Answer and forward prefixes of mail programs, in the languages that people use them in.
_PREFIXES = (
    "re|aw|antw|antwort|sv|vs|odp|ynt|rif|ref|res|r|ad|aps|atb|bls|blz|hl|tr|fw|fwd|wg|doorst|enc|rv|i|pd|vb|vl|ilt|"
    "videresend|redir|回复|答复|回覆|转发|轉寄|转寄|返信|転送|회신|전달|ответ|отв|пересл|הועבר|תשובה"
)
_PREFIX = re.compile(rf"\s*(?:{_PREFIXES})\s?(?:\[\d{{1,3}}\]|\(\d{{1,3}}\))?\s?[:：]", re.IGNORECASE)
_OWN_TAG = re.compile(r"\[#(\d{1,10})\]")
# The same with the name of a queue, as other desks write it and people do by hand.
_QUEUE_TAG = re.compile(r"\[([^\[\]#]{1,80})-(\d{1,10})\]")
_MAX_TAGS = 5
_MAX_PREFIXES = 50
_MAX_LOOKED_AT = 2000


def plain_subject(subject: str) -> str:
    """The subject in lower case without prefixes, our tags and extra white space: what it is about."""
    return " ".join(without_prefixes(_OWN_TAG.sub(" ", subject)).split()).casefold()


def without_prefixes(subject: str) -> str:
    """The subject as its first author wrote it."""
    for _ in range(_MAX_PREFIXES):
        match = _PREFIX.match(subject)
        if not match:
            break
        subject = subject[match.end() :]
    return subject.strip()


def clean_subject(subject: str) -> str:
    """A subject to show: without the tags that we wrote ourselves, in one line."""
    return " ".join(_OWN_TAG.sub(" ", subject).split())


def tagged_tickets(subject: str) -> list[tuple[str, int]]:
    """The numbers in tags `[#123]` and `[QUEUE-123]`, in their order, each with the word before it or an empty one."""
    found = [(match.start(), "", int(match[1])) for match in _OWN_TAG.finditer(subject[:_MAX_LOOKED_AT])]
    found += [(match.start(), match[1], int(match[2])) for match in _QUEUE_TAG.finditer(subject[:_MAX_LOOKED_AT])]
    return [(word, number) for _at, word, number in sorted(found)[:_MAX_TAGS]]


def layers(subject: str) -> int:
    """How many robots have answered before: our tags, and the words of reports and automatic answers."""
    return len(_OWN_TAG.findall(subject[:_MAX_LOOKED_AT])) + count_robot_words(subject)
