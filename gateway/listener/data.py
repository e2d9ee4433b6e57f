"""Receive a mail up to its dot: bounded, in bulk, byte for byte. RFC 5321 sections 4.1.1.4 and 4.5.2.

Only CR LF . CR LF ends a mail. aiosmtpd reads line by line, keeps a line without an end whatever its
length, and costs six times as much. What the mail says is no question here: `policy` looks at headers.
"""

from io import IncrementalNewlineDecoder

from gateway.listener.limits import Budget
from gateway.listener.replies import BARE_CHARACTERS, MAIL_TOO_LARGE, NO_SPACE, Reply
from gateway.listener.stream import Stream

_DOT = b"\r\n.\r\n"
_DOT_BEGINS = b"\r\n."
_FEW_DOTS = 20
# A mail that is too large is read on, so that its sender hears the 552 (RFC 5321 section 4.2.5), but not for ever.
_PATIENCE_BYTES = 16 * 1024 * 1024


class Incoming:
    """The bytes of one mail as they come. The CR LF that ended the DATA line stands before them."""

    def __init__(self, largest: int, budget: Budget) -> None:
        self._bytes = bytearray(b"\r\n")
        self._searched = 0
        self._seen = 0
        # It tells which of CR LF, CR and LF it has met, in one pass: to count them takes three, each slower.
        self._ends = IncrementalNewlineDecoder(None, translate=False)
        self._is_stuffed = False
        self._largest = largest
        self._budget = budget
        self._held = 0
        self.refusal: Reply | None = None
        self.discarded = 0

    def take(self, chunk: bytearray) -> bytearray | None:
        """Add what came; returns what stands behind the dot once it is there."""
        self._bytes += chunk
        end = self._find_end()
        if end < 0:
            self._searched = max(0, len(self._bytes) - len(_DOT) + 1)
            self._look_at_ends(self._searched)
            self._check_room(self._searched)  # what follows may be the end, which is no part of the mail
            return None
        behind = self._bytes[end + len(_DOT) :]
        del self._bytes[end + 2 :]
        self._look_at_ends(len(self._bytes))
        self._check_room(len(self._bytes))
        return behind

    def content(self) -> bytes | Reply:
        """The mail without its dots of transparency, or why it cannot be taken. Call it once, after the dot."""
        if self.refusal is not None:
            return self.refusal
        if self._ends.newlines != "\r\n" or b"\0" in self._bytes:
            return BARE_CHARACTERS
        content = bytes(memoryview(self._bytes)[2:])
        self._bytes = bytearray()
        if not self._is_stuffed:
            return content
        return content.removeprefix(b".").replace(b"\r\n.", b"\r\n")

    def release(self) -> None:
        """Give back what the mail held of the budget; it is stored or refused."""
        self._budget.give_back(self._held)
        self._held = 0
        self._bytes = bytearray()

    def _find_end(self) -> int:
        """Where the dot that ends the mail stands, or a negative number.

        One octet is found sixteen times as fast as three, and but for its header a file in base64 has no dots.
        """
        start = max(self._searched, 2)  # where no CR LF fits before it, a dot ends nothing
        for _ in range(_FEW_DOTS):
            begin = self._bytes.find(b".", start) - 2
            if begin < 0 or self._bytes.startswith(_DOT, begin):
                return begin
            self._is_stuffed |= self._begins_line(begin)
            start = begin + len(_DOT_BEGINS)
        return self._find_end_among_dots(start)

    def _find_end_among_dots(self, start: int) -> int:
        """As `_find_end`, for a text. Up to the first dot that is not the end one search answers both questions."""
        if not self._is_stuffed:
            begin = self._bytes.find(_DOT_BEGINS, start)
            if begin < 0 or self._bytes.startswith(_DOT, begin):
                return begin
            self._is_stuffed |= self._begins_line(begin)
            start = begin
        return self._bytes.find(_DOT, start)

    def _begins_line(self, begin: int) -> bool:
        """Whether a dot of transparency stands here; of a line that is not whole nobody knows yet."""
        return self._bytes.startswith(_DOT_BEGINS, begin) and begin + len(_DOT) <= len(self._bytes)

    def _look_at_ends(self, until: int) -> None:
        # In pieces as they come, so that a large mail holds the loop at no time. It knows of a CR LF across the seam.
        if until > self._seen:
            with memoryview(self._bytes) as all_:
                self._ends.decode(str(all_[self._seen : until], "latin-1"))
            self._seen = until

    def _check_room(self, until: int) -> None:
        size = max(0, until - 2)
        if self.refusal is None:
            if self._largest and size > self._largest:
                self.refusal = MAIL_TOO_LARGE
            elif self._budget.take(size - self._held):
                self._held = size
            else:
                self.refusal = NO_SPACE
        if self.refusal is not None:
            self._forget()

    def _forget(self) -> None:
        # The last four octets may be the beginning of the end.
        keep = self._bytes[-(len(_DOT) - 1) :]
        self.discarded += len(self._bytes) - len(keep)
        self._bytes = keep
        self._searched = self._seen = 0
        self._budget.give_back(self._held)
        self._held = 0


async def receive(stream: Stream, incoming: Incoming) -> bool:
    """Read up to the dot. False when we lost patience with a mail that was refused long ago. Raises Gone."""
    chunk = stream.take_all()
    while True:
        behind = incoming.take(chunk)
        if behind is not None:
            stream.put_back(behind)
            return True
        if incoming.refusal is not None and incoming.discarded > _PATIENCE_BYTES:
            return False
        chunk = await stream.more()
