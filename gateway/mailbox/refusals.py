"""What IMAP servers say when they let nobody in: what it means, and what a person should do."""

# What an answer holds, in lower case -> the advice. The first that fits is given.
_SENTENCES: tuple[tuple[str, str], ...] = (
    ("needs a new sign-in", "somebody must sign in again: `gateway mailbox sign-in ADDRESS`; nothing is lost"),
    (
        "refuses the token of",
        "switch IMAP on for this mailbox (Set-CASMailbox ADDRESS -ImapEnabled $true); and who has signed in, or the "
        "application, needs full access to it (Add-MailboxPermission)",
    ),
    ("application-specific password", "Google wants an app password: make one at https://myaccount.google.com/apppasswords"),
    ("web login required", "Google wants a sign-in in the browser once: open the account, then try again"),
    ("basicauthblocked", "Microsoft takes no passwords here any more: this account needs OAuth"),
    ("authenticate failed", "the server refused user or password; Microsoft refuses every password"),
    ("imap access is disabled", "IMAP is switched off for this account: switch it on in its settings"),
    ("not enabled for imap", "IMAP is switched off for this account: switch it on in its settings"),
    ("authenticationfailed", "the server refused user or password; many providers want an app password"),
    ("invalid credentials", "the server refused user or password; many providers want an app password"),
    ("certificate", "the server's certificate does not fit its name or is not trusted: check --host"),
    ("wrong version number", "there is no TLS on this port: try --port 993 --security tls, or --security starttls"),
    ("nonexistent", "there is no such folder: check --folder"),
    ("doesn't exist", "there is no such folder: check --folder"),
    ("name or service not known", "there is no server of this name: check --host"),
    ("connection refused", "nothing answers there: check --host and --port"),
    ("did not answer in time", "check --host and --port, and that no firewall is in between"),
)  # fmt: skip


def plain_sentence(reply: str) -> str:
    """What to do about an answer; empty when we do not know it."""
    lower = reply.lower()
    return next((sentence for known, sentence in _SENTENCES if known in lower), "")
