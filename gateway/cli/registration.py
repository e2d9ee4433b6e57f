"""Walk an operator through registering his own application at Microsoft, and keep its numbers in the settings file.

Once for an installation: every mailbox and channel of kind office365 uses it. docs/accounts.md shows the same steps.
"""

import json
import re
import sys
from pathlib import Path

import typer

from config.errors import AskedWrongly, BadConfiguration, Refused
from gateway.cli.desk import load_settings
from gateway.cli.printing import complain, say

# As Microsoft names them in 2026.
STEPS = (
    "Sign in as an administrator at https://entra.microsoft.com > App registrations > New registration.",
    'Any name; "Accounts in this organizational directory only"; no redirect address; Register.',
    'Copy "Application (client) ID" and "Directory (tenant) ID" from its Overview: you are asked for them below.',
    'Authentication > Advanced settings > "Allow public client flows": Yes; Save.',
    "API permissions > Add a permission > Microsoft Graph > Delegated permissions: IMAP.AccessAsUser.All, SMTP.Send, "
    "offline_access; Add permissions.",
    '"Grant admin consent", where your organisation wants that.',
)
_ID = re.compile(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_LIKE = "00000000-0000-0000-0000-000000000000"
_DOMAIN = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,8}")
_SECTION = re.compile(r"^\[office365\].*$", re.MULTILINE)


def ask_for_registration(ctx: typer.Context) -> None:
    """In a terminal, and only where no application is named yet: show the steps and ask. It is kept in the file."""
    loaded = load_settings(ctx)
    if loaded.settings.office365.client_id or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    say("Microsoft lets programs in by an application that is registered in your own organisation, once:")
    for number, step in enumerate(STEPS, start=1):
        say(f"  {number}. {step}")
    client_id = _asked("Application (client) ID", _LIKE, _ID)
    tenant = _asked("Directory (tenant) ID", f"{_LIKE}, or like company.example", _ID, _DOMAIN)
    keep_registration(ctx, loaded.path, client_id, tenant)
    say(f"Both stand in the section [office365] of {loaded.path} now.")


def _asked(question: str, like: str, *forms: re.Pattern[str]) -> str:
    while True:
        answer: str = typer.prompt(question).strip()
        if any(form.fullmatch(answer) for form in forms):
            return answer
        complain(f"  That is none: it looks like {like}")


def keep_registration(ctx: typer.Context, path: Path, client_id: str, tenant: str) -> None:
    """Write both into the file, whose comments stay. Raises Refused when it cannot be written."""
    try:
        before = path.read_text(encoding="utf-8")
        _write(path, _with_registration(before, client_id, tenant))
    except OSError as error:
        lines = f"client_id = {json.dumps(client_id)} and tenant = {json.dumps(tenant)}"
        raise Refused(f"Cannot write {path}: {error.strerror}. Put {lines} into its section [office365]") from error
    try:
        load_settings(ctx)
    except BadConfiguration as error:
        _write(path, before)
        raise AskedWrongly(f"That did not fit into {path}, which is as it was: {error}") from error


def _with_registration(text: str, client_id: str, tenant: str) -> str:
    lines = f"client_id = {json.dumps(client_id)}\ntenant = {json.dumps(tenant)}"
    if _SECTION.search(text):
        return _SECTION.sub(lambda found: f"{found[0]}\n{lines}", text, count=1)
    return f"{text.rstrip()}\n\n[office365]\n{lines}\n"


def _write(path: Path, text: str) -> None:
    """Whole or not at all; who may read it stays."""
    beside = path.with_name(f".{path.name}.new")
    beside.touch(mode=0o600)
    beside.chmod(path.stat().st_mode & 0o777)
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
