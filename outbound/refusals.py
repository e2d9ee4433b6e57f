"""What servers say: whether it is about a mail or about our account there, and what a person should do about it."""

import re
from dataclasses import dataclass

from outbound.writing import one_line

_MAX_REPLY = 500
# Codes that speak of the account, whatever step they come at (RFC 4954 section 6; Exchange Online, Gmail).
_ACCOUNT_CODES = frozenset({530, 534, 535, 538})
_ACCOUNT_STATUS = frozenset({"5.7.57", "5.7.60", "5.7.30", "5.7.139", "5.2.252", "5.7.708", "5.1.90"})
_ACCOUNT_WORDS = (
    "sendasdenied",
    "smtpclientauthentication is disabled",
    "clientauthentication disabled",
    # Postfix, Exim and Sendmail say it of each recipient; we pass all mail through this server, so it means us.
    "not owned by user",
    "sender address rejected: not logged in",
    "relay access denied",
    "relay not permitted",
    "relaying denied",
    # Our own words about accounts that sign in with OAuth 2.
    "needs a new sign-in",
    "the token server refused: 4",
    "the account may not do this",
)
# Nobody is there (RFC 3463 section 3.2); 5.1.7 and 5.1.8 speak of the sender.
_NOBODY_THERE = frozenset({"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")


@dataclass(frozen=True, slots=True)
class Reply:
    """An SMTP reply; code 0 stands for silence, a lost connection or TLS trouble, with our own words as text."""

    code: int
    text: str

    def __str__(self) -> str:
        text = one_line(self.text, _MAX_REPLY)
        return f"{self.code} {text}" if self.code else text

    @property
    def is_positive(self) -> bool:
        """2xx."""
        return 200 <= self.code < 300

    @property
    def is_permanent(self) -> bool:
        """5xx: the same again would hear the same. RFC 5321 section 4.2.1."""
        return 500 <= self.code < 600

    @property
    def is_about_account(self) -> bool:
        """Our login or our right to send is the trouble: no recipient is to blame, every mail would hear it."""
        if self.code in _ACCOUNT_CODES:
            return True
        status = _STATUS.search(self.text[:_MAX_REPLY])
        words = self.text[:_MAX_REPLY].lower()
        return bool(status and status[1] in _ACCOUNT_STATUS) or any(known in words for known in _ACCOUNT_WORDS)


def says_nobody_is_there(reply: str) -> bool:
    """Whether a server says, for good, that the address does not exist."""
    status = _STATUS.search(reply[:_MAX_REPLY])
    return bool(status and status[1] in _NOBODY_THERE)


# What a reply holds -> what it means and what to do. The first that fits is said.
_SEND_AS = (
    "the account may not send under this From address: give it Send As rights, or change --from to its own address"
)
_NO_SIGN_IN = "the server wants a sign-in before it takes mail: set a user and a password for the channel"
_OTHER_TLS = "the server does not begin with TLS on this port: try --security starttls, or --port 465"
_HUNG_UP = "the server hung up: it may keep us out, or want TLS at once (--port 465 --security tls); ask its operator"
_UNTRUSTED = (
    "nobody whom we trust vouches for the server's certificate: its operator needs one of a public authority, or name "
    "the file of his authority in SSL_CERT_FILE"
)
_SENTENCES: tuple[tuple[str, str], ...] = (
    (
        "needs a new sign-in",
        "somebody must sign in to this account again: `gateway channel sign-in NAME`; mail waits until then",
    ),
    (
        "aadsts7000222",
        "the client secret of the application has expired: make a new one and put it in client_secret of [office365]",
    ),
    ("aadsts7000215", "the client secret is wrong: copy its value, not its ID, into client_secret of [office365]"),
    ("aadsts700016", "Microsoft knows no such application in this tenant: check client_id and tenant of [office365]"),
    (
        "the account may not do this",
        "the application may not send for this account: grant it Mail.Send, and the account Send As rights",
    ),
    (
        "aadsts7000218",
        "the application lets nobody sign in with a code: in its registration, Authentication > Allow public client "
        "flows > Yes",
    ),
    ("aadsts90002", "Microsoft knows no such tenant: check tenant of [office365]"),
    (
        "aadsts65001",
        "the application may not do this for the account yet: add the permissions of docs/accounts.md to its "
        "registration, and grant admin consent",
    ),
    ("aadsts50020", "that account is not of this tenant; a personal one (Outlook.com, Hotmail, Live) never is"),
    ("the token server refused", "Microsoft gave no token: check client_id, tenant and client_secret of [office365]"),
    (
        "basic authentication is disabled",
        "Microsoft takes no passwords for this account, and for no personal Outlook.com, Hotmail or Live account: "
        "add the channel with --kind office365",
    ),
    (
        "disabled for the tenant",
        "SMTP is off for the whole organisation: an administrator must allow SMTP AUTH for this mailbox "
        "(Set-CASMailbox -SmtpClientAuthenticationDisabled $false), or use --via graph",
    ),
    (
        "security defaults",
        "the security defaults of the organisation forbid SMTP with a password: add the channel with --kind office365",
    ),
    (
        "conditional access",
        "a conditional access policy keeps this account out: an administrator must make an exception for it",
    ),
    (
        "5.7.139",
        "Microsoft does not let this account sign in over SMTP: an administrator must allow SMTP AUTH for it",
    ),
    ("5.7.30", "Microsoft has turned off passwords for SMTP: this account needs OAuth"),
    ("5.7.57", _NO_SIGN_IN),
    ("sendasdenied", _SEND_AS),
    ("5.7.60", _SEND_AS),
    ("not owned by user", _SEND_AS),
    ("not logged in", _NO_SIGN_IN),
    ("relay access denied", _NO_SIGN_IN),
    ("relay not permitted", _NO_SIGN_IN),
    ("relaying denied", _NO_SIGN_IN),
    (
        "5.7.520",
        "Microsoft 365 does not allow this mailbox to forward to the outside: an administrator makes an outbound "
        "anti-spam policy for it, with automatic forwarding on, at https://security.microsoft.com/antispamv2",
    ),
    ("5.7.9", "Google wants an app password here: make one in the account's security settings, then set it again"),
    ("5.7.14", "Google wants a sign-in in the browser once: open the account, then try again"),
    (
        "certificate has expired",
        "the server's certificate has expired: its operator must renew it; mail waits until then",
    ),
    (
        "not valid for",
        "the server's certificate is for another name: set --host to the name that stands in it, or ask its operator",
    ),
    ("self-signed", _UNTRUSTED),
    ("self signed", _UNTRUSTED),
    ("unable to get", _UNTRUSTED),
    (
        "certificate",
        "the server's certificate does not fit its name or is not trusted: check --host, or ask its operator",
    ),
    ("wrong_version_number", _OTHER_TLS),
    ("record_layer_failure", _OTHER_TLS),
    (
        "does not offer starttls",
        "the server speaks no TLS on this port: try --port 465 --security tls, or another server",
    ),
    (
        "badcredentials",
        "Google takes an app password here, not that of the account: set one with `gateway channel edit`",
    ),
    ("535", "the server refused user or password: set them again with `gateway channel edit`"),
    ("534", "the server wants another way to sign in, often an app password"),
    ("530", "the server wants a sign-in or TLS first: set user and password, and --security starttls"),
    ("name or service not known", "there is no server of this name: check --host"),
    ("no address associated", "there is no server of this name: check --host"),
    (
        "failure in name resolution",
        "names cannot be looked up on this machine: see that its DNS works (/etc/resolv.conf), and check --host",
    ),
    (
        ":25: the connection timed out",
        "nothing answers on port 25, which many networks block for outgoing mail: use --port 587, or ask the provider",
    ),
    (
        "server ready message",
        "the server does not greet: it may speak TLS at once (--port 465 --security tls), or be no mail server",
    ),
    ("malformed smtp response", "what answers there is no mail server: check --port"),
    ("unexpected eof", _HUNG_UP),
    ("connection lost", _HUNG_UP),
    ("connection reset", _HUNG_UP),
    (
        "greylist",
        "the server makes strangers wait (greylisting) and takes the mail at a later attempt: there is nothing to do",
    ),
    (
        "421 ",
        "the server is too busy for us; mail is tried again by itself. If it goes on, lower --connections or "
        "--mails-per-minute of the channel",
    ),
    ("connect call failed", "nothing answers there: check --host and --port, and that no firewall is in between"),
    ("connection refused", "nothing answers there: check --host and --port, and that no firewall is in between"),
    ("multiple exceptions", "nothing answers there: check --host and --port, and that no firewall is in between"),
    ("timed out", "the server did not answer in time: check --host and --port, and that no firewall is in between"),
)


def plain_sentence(reply: str) -> str:
    """What a refusal means and what to do next; empty when we do not know it."""
    lower = reply.lower()
    return next((sentence for known, sentence in _SENTENCES if known in lower), "")


# For replies that nobody has translated: the beginning of their status (RFC 3463), else their code.
_BY_STATUS: tuple[tuple[str, str], ...] = (
    ("5.1.", "no mailbox has this address: check it, or reach the person in another way"),
    ("5.2.2", "the mailbox is full: reach the person in another way, or try again later"),
    ("5.3.4", "the mail is too large for that server: send it with smaller attachments"),
    (
        "5.7.",
        "that server refuses it as a matter of policy: read its words, and see `gateway doctor` (SPF, DKIM, DMARC)",
    ),
    ("4", "the server cannot take it now; it is tried again by itself"),
    ("5", "the server refuses it for good: read its words, or ask its operator"),
)


def next_step(reply: str) -> str:
    """As `plain_sentence`, and for what a server says in words of its own at least what that kind of reply means."""
    status = _STATUS.search(reply[:_MAX_REPLY])
    code = status[1] if status else reply[:3] if reply[:3].isdigit() else ""
    return plain_sentence(reply) or next((words for known, words in _BY_STATUS if code.startswith(known)), "")
