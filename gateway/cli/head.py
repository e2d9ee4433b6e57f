"""Who a stored mail is from and what it is about, by its header alone: lists of mail need no more."""

from collections.abc import Callable
from dataclasses import dataclass

from config.errors import GatewayError

_MAX_HEADER = 64 * 1024


@dataclass(frozen=True, slots=True)
class Head:
    """From and Subject."""

    name: str = ""
    email: str = ""
    subject: str = ""


def read_head(raw: Callable[[], bytes]) -> Head:
    """The head of a mail; empty when its bytes are gone, so that one lost blob does not hide the list."""
    from gateway.reading.parse import read_mail

    try:
        content = raw()
    except GatewayError:
        return Head()
    header = content[:_MAX_HEADER].partition(b"\r\n\r\n")[0]
    mail = read_mail(header + b"\r\n\r\n")
    return Head(mail.author.name, mail.author.email, mail.subject)
