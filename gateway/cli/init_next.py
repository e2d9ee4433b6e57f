"""What is left to do after `gateway init`, as commands that can be copied."""

from shlex import quote
from typing import TYPE_CHECKING

from gateway.cli.init_ask import Way

if TYPE_CHECKING:
    from config.settings import Settings

_KINDS = {"gmail": "gmail", "microsoft365": "office365"}


def next_steps(settings: "Settings", queue: str, inbox: str, way: str) -> list[str]:
    """In the order in which they are done."""
    listen = settings.listener[0].address if settings.listener else ""
    serve = f"Start the gateway, in another terminal or as a service (docs/install.md): gateway serve  [{listen}]"
    look = "Look whether all is well, now and later: gateway doctor"
    if way == Way.MAILBOX:
        return [serve, _connect(settings, queue, inbox), look]
    return [
        f"In DNS: {settings.domain}. MX 10 {settings.hostname}. and an address (A) of {settings.hostname}.; "
        "port 25 must be reachable",
        serve,
        f"Let the inbox forward; this says how, and catches its question: gateway queue setup {quote(queue)} --wait",
        *_way_out(settings),
        f"See whether mail comes round: gateway queue check {quote(queue)}",
        look,
    ]


def _connect(settings: "Settings", queue: str, inbox: str) -> str:
    from gateway.cli.queue_setup import guide_of

    kind = _KINDS.get(guide_of(settings, inbox).key, "imap") if inbox else "imap"
    host = " --host imap.company.example" if kind == "imap" else ""
    address = inbox or "support@company.example"
    command = f"gateway mailbox connect {kind} {address} --queue {quote(queue)}{host}"
    return f"Connect the inbox; both directions are tried: {command}"


def _way_out(settings: "Settings") -> list[str]:
    if settings.outbound.servers:
        return []
    return [
        "Name a mail server that answers leave through, in [[outbound.servers]] of gateway.toml; "
        "until then they become files"
    ]
