"""Every reply of the door, by meaning, on one page. RFC 5321 section 4.2, enhanced codes of RFC 3463 and RFC 5248.

Our own fault is never a permanent reply. Nothing that a peer sent is repeated to him.
"""


class Reply:
    """One line: basic code, enhanced code (empty where RFC 2034 section 3 allows none), text. Never changed."""

    __slots__ = ("code", "line", "wire")

    def __init__(self, code: int, enhanced: str, text: str) -> None:
        self.code = code
        self.line = f"{code} {enhanced} {text}" if enhanced else f"{code} {text}"  # as it is sent, without its end
        self.wire = self.line.encode() + b"\r\n"

    @property
    def is_refusal(self) -> bool:
        """A 4xx or 5xx."""
        return self.code >= 400


# Agreement.
START_MAIL = Reply(354, "", "End data with <CR><LF>.<CR><LF>")
READY_FOR_TLS = Reply(220, "2.0.0", "Ready to start TLS")
BYE = Reply(221, "2.0.0", "Bye")
OK = Reply(250, "2.0.0", "Ok")
SENDER_OK = Reply(250, "2.1.0", "Ok")
RECIPIENT_OK = Reply(250, "2.1.5", "Ok")
WILL_NOT_SAY = Reply(252, "2.5.2", "Send some mail, and it will find out")
HELP = Reply(214, "2.0.0", "RFC 5321 has all that this server does")

# The peer speaks wrongly.
LINE_TOO_LONG = Reply(500, "5.5.2", "Line too long")
BARE_LINE_END = Reply(500, "5.5.2", "Lines end in CR LF")
UNKNOWN_COMMAND = Reply(500, "5.5.1", "Command not recognized")
NOT_IMPLEMENTED = Reply(502, "5.5.1", "Command not implemented")
SYNTAX = Reply(501, "5.5.4", "Syntax error in arguments")
BAD_SENDER = Reply(501, "5.1.7", "Bad sender address syntax")
BAD_RECIPIENT = Reply(501, "5.1.3", "Bad recipient address syntax")
NOT_ASCII = Reply(553, "5.6.7", "Address is not ASCII and SMTPUTF8 was not asked for")
UNKNOWN_PARAMETER = Reply(555, "5.5.4", "Parameter not recognized")
HELLO_FIRST = Reply(503, "5.5.1", "Send EHLO or HELO first")
MAIL_FIRST = Reply(503, "5.5.1", "Send MAIL first")
RECIPIENT_FIRST = Reply(503, "5.5.1", "Send RCPT first")
NESTED_MAIL = Reply(503, "5.5.1", "A mail is under way; send RSET first")
ALREADY_TLS = Reply(503, "5.5.1", "TLS is on already")

# After these the connection is closed.
OUT_OF_STEP = Reply(554, "5.5.0", "You spoke before it was your turn")
NOT_MAIL = Reply(554, "5.5.0", "This is a mail server")
BARE_CHARACTERS = Reply(550, "5.5.2", "Mail with a bare CR, a bare LF or a NUL is not accepted")
TOO_MANY_ERRORS = Reply(421, "4.7.0", "Too many errors")
TOO_MANY_UNKNOWN = Reply(421, "4.7.0", "Too many unknown recipients")
TOO_MANY_CONNECTIONS = Reply(421, "4.7.0", "Too many connections, try again later")
IDLE_TOO_LONG = Reply(421, "4.4.2", "Timeout")
TOO_SLOW = Reply(421, "4.4.2", "Data comes too slowly")
SESSION_TOO_LONG = Reply(421, "4.4.2", "The session has lasted too long")
SHUTTING_DOWN = Reply(421, "4.3.2", "Service is shutting down, try again later")

# What we do not do for this peer, or not for this mail.
NO_SUCH_ADDRESS = Reply(550, "5.1.1", "No such address here")
NO_RELAYING = Reply(550, "5.7.1", "Relaying denied")
TLS_FIRST = Reply(530, "5.7.0", "Send STARTTLS first")
MAIL_TOO_LARGE = Reply(552, "5.3.4", "Mail is larger than this server takes")
HEADERS_TOO_LARGE = Reply(552, "5.3.4", "Headers are larger than this server takes")
TOO_MANY_HOPS = Reply(554, "5.4.6", "Too many hops: the mail runs in a circle")

# Not now.
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "Too many recipients; send the rest in another transaction")
TOO_MUCH_MAIL = Reply(451, "4.7.1", "Too much mail for now, try again later")
NO_SPACE = Reply(452, "4.3.1", "Not enough storage, try again later")
OUR_FAULT = Reply(451, "4.3.0", "Trouble of ours, try again later")


def accepted_as(acceptance_id: str) -> Reply:
    """The one promise: committed to stable storage."""
    return Reply(250, "2.0.0", f"Accepted as {acceptance_id}")


TABLE: frozenset[str] = frozenset(reply.line for reply in list(globals().values()) if isinstance(reply, Reply))
