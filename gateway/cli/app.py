"""The tree of commands, in three panels: what agents do every day, what is set up once, what is looked into."""

import typer

from gateway.cli import (
    address,
    agent,
    allow,
    audit,
    block,
    channel,
    completion,
    config,
    contact,
    database,
    demo,
    dkim,
    dns,
    doctor,
    init,
    mail,
    mailbox,
    outbox,
    queue,
    rule,
    serve,
    short,
    status,
    template,
    ticket,
)
from gateway.cli.group import PANELS, Root

AGENTS, SET_UP, INSPECTION = PANELS

app = typer.Typer(
    cls=Root,
    no_args_is_help=True,
    # Rich help costs 0.2 seconds, and its markup eats brackets.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    epilog="Example: gateway ticket list",
)


@app.callback()
def gateway() -> None:
    """Turn forwarded mail into tickets, and answer back."""


app.add_typer(ticket.app, name="ticket", rich_help_panel=AGENTS)
for name, command in short.COMMANDS.items():
    app.command(name, rich_help_panel=AGENTS, epilog=command.example)(command.run)
app.add_typer(contact.app, name="contact", rich_help_panel=AGENTS)

app.command("init", rich_help_panel=SET_UP, epilog=init.EXAMPLE)(init.init)
app.command("serve", rich_help_panel=SET_UP, epilog=serve.EXAMPLE)(serve.serve)
app.command("demo", rich_help_panel=SET_UP, epilog=demo.EXAMPLE)(demo.demo)
app.add_typer(queue.app, name="queue", rich_help_panel=SET_UP)
app.add_typer(address.app, name="address", rich_help_panel=SET_UP)
app.add_typer(rule.app, name="rule", rich_help_panel=SET_UP)
app.add_typer(agent.app, name="agent", rich_help_panel=SET_UP)
app.add_typer(channel.app, name="channel", rich_help_panel=SET_UP)
app.add_typer(mailbox.app, name="mailbox", rich_help_panel=SET_UP)
app.add_typer(block.app, name="block", rich_help_panel=SET_UP)
app.add_typer(allow.app, name="allow", rich_help_panel=SET_UP)
app.add_typer(dkim.app, name="dkim", rich_help_panel=SET_UP)
app.command("dns", rich_help_panel=SET_UP, epilog=dns.EXAMPLE)(dns.dns)
app.add_typer(template.app, name="template", rich_help_panel=SET_UP)
app.add_typer(config.app, name="config", rich_help_panel=SET_UP)
app.command("completion", rich_help_panel=SET_UP, epilog=completion.EXAMPLE)(completion.completion)
app.add_typer(database.app, name="database", rich_help_panel=SET_UP)

app.command("status", rich_help_panel=INSPECTION, epilog=status.EXAMPLE)(status.status)
app.command("doctor", rich_help_panel=INSPECTION, epilog=doctor.EXAMPLE)(doctor.doctor)
app.command("audit", rich_help_panel=INSPECTION, epilog=audit.EXAMPLE)(audit.audit)
app.add_typer(mail.app, name="mail", rich_help_panel=INSPECTION)
app.add_typer(outbox.app, name="outbox", rich_help_panel=INSPECTION)
