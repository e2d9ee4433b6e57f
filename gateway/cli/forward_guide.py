"""How to forward an inbox to a creation address, step by step, for each provider. Text only: it asks nobody.

`{inbox}` and `{address}` stand for the two addresses, `{user}` for the inbox's name before the @. docs/forwarding.md
is made of the same text by `python -m gateway.cli.forward_guide docs/forwarding.md`.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

MARKER = "<!-- What stands below is made by `python -m gateway.cli.forward_guide docs/forwarding.md`. -->"


@dataclass(frozen=True, slots=True)
class Guide:
    """One provider. `domains` are of its own mailboxes, `exchangers` end the names in the MX records of others."""

    key: str
    name: str
    steps: tuple[str, ...]
    notes: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    exchangers: tuple[str, ...] = ()

    def told(self, inbox: str, address: str) -> list[str]:
        """The steps, numbered, and the notes, for these two addresses."""
        values = {"inbox": inbox, "address": address, "user": inbox.partition("@")[0]}
        steps = [f"{number}. {step.format(**values)}" for number, step in enumerate(self.steps, start=1)]
        return steps + [f"Note: {note.format(**values)}" for note in self.notes]


GUIDES = (
    Guide(
        "gmail",
        "Gmail, Google Workspace",
        (
            "Sign in as {inbox} at https://mail.google.com in a browser; the app cannot do it.",
            "Gear at the top right > See all settings > Forwarding and POP/IMAP > Add a forwarding address.",
            "Enter {address}, then Next, Proceed, OK.",
            "Google writes to that address. The link and the code appear here: open the link and press Confirm, or "
            "type the code below the address and press Verify.",
            'Reload that page, choose "Forward a copy of incoming mail to {address}" and "keep Gmail\'s copy in the '
            'Inbox".',
            "Save Changes, at the bottom of the page: without it nothing is forwarded.",
        ),
        (
            'Workspace without "Add a forwarding address": an administrator allows it in the Admin console > Apps > '
            "Google Workspace > Gmail > End User Access > Automatic forwarding.",
            "What Gmail takes for spam is not forwarded.",
        ),
        ("gmail.com", "googlemail.com"),
        (".google.com", ".googlemail.com"),
    ),
    Guide(
        "microsoft365",
        "Microsoft 365 (Exchange Online)",
        (
            "As an administrator, allow it: https://security.microsoft.com/antispamv2 > Create policy > Outbound. "
            'Name {inbox} under Users, and set "Automatic forwarding rules" to "On - Forwarding is enabled".',
            "https://admin.exchange.microsoft.com > Mail flow > Remote domains > Default: tick "
            '"Allow automatic forwarding".',
            "https://admin.exchange.microsoft.com > Recipients > Mailboxes > {inbox} > Manage mail flow settings > "
            "Email forwarding: forward to {address}, and keep a copy.",
            "Or in PowerShell: Set-Mailbox -Identity {inbox} -ForwardingSmtpAddress {address} "
            "-DeliverToMailboxAndForward $true",
            "There is nothing to confirm. A policy takes up to an hour to work everywhere.",
        ),
        (
            'The default policy refuses: "550 5.7.520 Access denied, Your organization does not allow external '
            'forwarding". Step 1 is for this one mailbox; leave the default as it is.',
            "A rule that redirects works as well; a rule that forwards rewrites the mail, and hides who wrote it.",
        ),
        (),
        (".protection.outlook.com", ".mx.microsoft"),
    ),
    Guide(
        "outlook",
        "Outlook.com, Hotmail, Live",
        (
            "Sign in as {inbox} at https://outlook.live.com.",
            "Gear > Mail > Forwarding and IMAP. Microsoft may want to check your identity by telephone first.",
            'Enable forwarding, enter {address}, tick "Keep a copy of forwarded messages", Save.',
            "There is nothing to confirm.",
        ),
        (),
        ("outlook.com", "hotmail.com", "live.com", "msn.com"),
        (".olc.protection.outlook.com",),
    ),
    Guide(
        "icloud",
        "iCloud Mail",
        (
            "Sign in as {inbox} at https://www.icloud.com/mail in a browser.",
            "Gear above the list of mailboxes > Settings > Mail Forwarding.",
            '"Forward my email to" {address}; leave "Delete messages after forwarding" off. Done.',
            "Where iCloud asks for a confirmation, its code or link appears here.",
        ),
        (),
        ("icloud.com", "me.com", "mac.com"),
        (".mail.icloud.com",),
    ),
    Guide(
        "fastmail",
        "Fastmail",
        (
            "Sign in as {inbox} at https://app.fastmail.com > Settings > Filters & Rules.",
            "Create rule: all mail (or To is {inbox}), action Forward to {address}, and keep a copy in the Inbox.",
            "Where Fastmail asks to confirm the address, its link appears here: open it.",
        ),
        (),
        ("fastmail.com", "fastmail.fm"),
        (".messagingengine.com",),
    ),
    Guide(
        "zoho",
        "Zoho Mail",
        (
            "Sign in as {inbox} at https://mail.zoho.com > Settings > Mail Accounts > {inbox} > Email forwarding.",
            "Add email address: {address}. Zoho writes to it; its code appears here.",
            "Type the code there and press Verify, then switch the forward on.",
            'Leave "Delete Zoho Mail copy" off.',
        ),
        ("Where forwarding is missing, the administrator allows it in the Mail Policy of https://mailadmin.zoho.com.",),
        ("zoho.com", "zohomail.com", "zoho.eu", "zohomail.eu"),
        (".zoho.com", ".zoho.eu", ".zoho.in"),
    ),
    Guide(
        "yahoo",
        "Yahoo Mail",
        (
            "Sign in as {inbox} at https://mail.yahoo.com > Settings > More Settings > Mailboxes > {inbox}.",
            "Forwarding: enter {address} and press Verify. Yahoo writes to it; its link appears here: open it.",
            "Choose to store and forward, and Save.",
        ),
        ("Yahoo forwards for paying accounts only. `gateway mailbox connect imap` reads the inbox without it.",),
        ("yahoo.com", "ymail.com", "rocketmail.com", "aol.com"),
        (".yahoodns.net",),
    ),
    Guide(
        "cpanel",
        "cPanel web hosting",
        (
            "cPanel > Email > Forwarders > Add Forwarder.",
            'Address to Forward: {inbox}. Destination: "Forward to Email Address", {address}. Add Forwarder.',
            "The mailbox {inbox} keeps its copy as long as it exists under Email Accounts.",
            "There is nothing to confirm.",
        ),
    ),
    Guide(
        "postfix",
        "Postfix, your own server",
        (
            "In /etc/postfix/virtual:  {inbox}  {inbox}, {address}",
            "In main.cf: virtual_alias_maps = hash:/etc/postfix/virtual",
            "postmap /etc/postfix/virtual && postfix reload",
            "For an inbox that is an account of the system, in /etc/aliases instead:  {user}: \\{user}, {address}  "
            "and then newaliases",
        ),
        (
            "Postfix forwards under the customer's own reverse-path: his SPF fails at us, his DKIM signature holds. "
            "Do not add text or footers on the way.",
        ),
    ),
    Guide(
        "exim",
        "Exim, your own server",
        (
            "In /etc/aliases:  {user}: \\{user}, {address}",
            "Or in the account's ~/.forward, whose first line is `# Exim filter`:  unseen deliver {address}",
            "There is nothing to reload; try it with: exim -bt {inbox}",
        ),
    ),
    Guide(
        "generic",
        "Any other provider",
        (
            'Sign in as {inbox} and look for "forwarding", "redirect" or "aliases" in its settings.',
            "Forward all mail to {address}, as it is (redirect), not as an attachment, and keep a copy.",
            "Where a confirmation is asked for, its code or link appears here.",
        ),
        ("Where nothing can be forwarded, `gateway mailbox connect imap` reads the inbox itself.",),
    ),
)
KEYS = tuple(guide.key for guide in GUIDES)


def guide_named(key: str) -> Guide | None:
    """The guide of this key."""
    return next((guide for guide in GUIDES if guide.key == key), None)


def guide_for(domain: str, exchangers: list[str]) -> Guide:
    """The guide for an inbox in this domain, whose MX records name these servers; the generic one when none fits."""
    hosts = [f".{host.rstrip('.').lower()}" for host in exchangers]
    for guide in GUIDES:
        if domain in guide.domains:
            return guide
    # Outlook.com's servers end like those of Microsoft 365: the longest ending that fits is meant.
    fitting = [
        (len(end), guide) for guide in GUIDES for end in guide.exchangers for host in hosts if host.endswith(end)
    ]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else GUIDES[-1]


def page() -> str:
    """All guides, in Markdown."""
    sections = []
    for guide in GUIDES:
        steps = "\n".join(guide.told("support@company.example", "support.k2v7mq3xwz@in.desk.example"))
        sections.append(f"## {guide.name}\n\n`--provider {guide.key}`\n\n```text\n{steps}\n```\n")
    return "\n".join(sections)


def main() -> None:
    """Renew the page."""
    path = Path(sys.argv[1])
    above = path.read_text(encoding="utf-8").partition(MARKER)[0]
    path.write_text(f"{above}{MARKER}\n\n{page()}", encoding="utf-8")


if __name__ == "__main__":
    main()
