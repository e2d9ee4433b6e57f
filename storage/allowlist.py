"""Authors whose mail is never held as a storm: a monitoring system, a shop, a colleague who clears his desk.

They pass the counting checks and nothing else: a blocked contact stays blocked, and who wants known contacts only
still does.
"""

from sqlmodel import Session

from storage.patterns import Listed, patterns_about, put_on_list, take_off_list, whole_list


class Allowed(Listed, table=True):
    """A pattern that somebody allowed, in the forms of the block list."""


def allow(session: Session, pattern: str, by: str) -> Allowed:
    """Put a pattern on the list; twice is once."""
    return put_on_list(session, Allowed(pattern=pattern, by=by))


def disallow(session: Session, pattern: str) -> Allowed:
    """Take a pattern off the list. Raises NotFound."""
    return take_off_list(session, Allowed, pattern, "allow")


def list_allowed(session: Session) -> list[Allowed]:
    """The list, in the order of the alphabet."""
    return whole_list(session, Allowed)


def allowed_by(session: Session, address: str) -> str:
    """The pattern that lets a canonical address pass; empty when there is none."""
    return patterns_about(session, Allowed, [address]).match(address)
