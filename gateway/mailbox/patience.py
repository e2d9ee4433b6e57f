"""How long to be patient with a mail that does not come: it may be the mail, or a server that has a bad day.

A mail that ends the connection is tried alone, over a new one; after some of these it is stepped over. One that the
server refuses in words is stepped over at once, since it is asked for again later; but a server that refuses many in
a row refuses to work, and is waited for.
"""

from collections.abc import Sequence

from gateway.mailbox.account import MailboxTrouble

_CONNECTIONS = 3
_REFUSALS = 10


class Patience:
    """What one reader remembers of a mailbox over its connections."""

    def __init__(self) -> None:
        self._uid_validity = 0
        self._ended: dict[int, int] = {}
        self._reason = ""
        self._refusals = 0

    def begin(self, uid_validity: int) -> None:
        """Another look at the mailbox."""
        if uid_validity != self._uid_validity:
            self._ended = {}
        self._uid_validity, self._refusals = uid_validity, 0

    def is_suspect(self, uid: int) -> bool:
        """Whether the connection ended while this mail was asked for, among others: ask for it alone."""
        return uid in self._ended

    def end_of(self, uids: Sequence[int]) -> str:
        """Why this mail, alone, is to be stepped over now; empty while it is not."""
        if len(uids) != 1 or self._ended.get(uids[0], 0) < _CONNECTIONS:
            return ""
        del self._ended[uids[0]]
        return f"it ends the connection: {self._reason}"

    def connection_ended(self, uids: Sequence[int], reason: str) -> None:
        """Of several, any may be the one; one alone is."""
        self._reason = reason
        if len(uids) > 1:
            self._ended = dict.fromkeys(uids, 0)
        else:
            self._ended[uids[0]] = self._ended.get(uids[0], 0) + 1

    def came(self, uids: Sequence[int]) -> None:
        """They are not to blame."""
        self._refusals = 0
        for uid in uids:
            self._ended.pop(uid, None)

    def refused(self, reason: str) -> None:
        """One more was refused in words. Raises MailboxTrouble when it cannot be the mails."""
        self._refusals += 1
        if self._refusals > _REFUSALS:
            raise MailboxTrouble(f"the server gives no mail any more: {reason}")
