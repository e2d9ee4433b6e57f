"""The tree of commands, in three panels: what agents do every day, what is set up once, what is looked into.

What each word does is said here too, so that the first help imports no command; a test holds it to what the
command itself says.
"""

from gateway.cli.group import Root, Word

PANELS: dict[str, tuple[Word, ...]] = {
    "Agents": (
        Word("list", "List tickets, the one that moved last first; those that are done only when asked.", "short"),
        Word("show", "Show a ticket with its messages.", "short"),
        Word("reply", "Answer a ticket: to the customer and the people who were copied in.", "short"),
        Word("assign", "Make an agent responsible for tickets.", "short"),
        Word("close", "Close tickets: a later mail opens a new one that is linked to its ticket.", "short"),
        Word("ticket", "Tickets: list, read, answer, move on."),
        Word("contact", "Contacts: the people who write to us."),
    ),
    "Set-up": (
        Word("init", "Make a new installation: settings, database, a queue with its address, an agent."),
        Word("serve", "Run the gateway: take mail, file it, send answers."),
        Word(
            "demo", "Show five customers, their threads and an answer, in under a minute, without touching your data."
        ),
        Word("dns", "Print the DNS records to publish, and how DNS answers now: MX, SPF, DKIM, DMARC and MTA-STS."),
        Word("completion", "Print a script that completes commands and options with the Tab key."),
        Word("queue", "Queues of tickets, which are also the teams."),
        Word("address", "Creation addresses: mail to one of them makes a ticket."),
        Word("rule", "Rules: what is done by itself with mail."),
        Word("agent", "Agents: the people who answer."),
        Word("channel", "Channels: ways out beside the default servers."),
        Word("mailbox", "Mailboxes: inboxes that the gateway reads itself, over IMAP."),
        Word("block", "The block list: never send there."),
        Word("allow", "The allow list: authors whose mail is never held as a storm."),
        Word("dkim", "DKIM keys: what leaves through the default servers is signed for the domain in From."),
        Word(
            "template",
            "Templates of letters and automatic mail; those in the folder `templates` of [outbound] go first.",
        ),
        Word("config", "The settings: gateway.toml with GATEWAY_* laid over it."),
        Word("database", "The database: upgrade, backup and restore."),
    ),
    "Inspection": (
        Word(
            "status", "Show what waits: tickets by queue, mail to file, mail to send, and whether the listener answers."
        ),
        Word("doctor", "Check settings, database, folders, ports, certificates and servers."),
        Word("audit", "Prove that every accepted recipient is accounted for, and that no stored mail or file is gone."),
        Word("mail", "Mail that came in: what became of it, and why."),
        Word("outbox", "The outbox: mail of ours on its way out."),
    ),
}

app = Root(PANELS, what="Turn forwarded mail into tickets, and answer back.", example="gateway ticket list")
