"""`gateway mail read`: one JSON line a file, without database or settings, so that it can be tried on any mail.

Imports neither storage nor sqlmodel.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import AsJson
from gateway.cli.printing import complain, facts, person, say, say_body, size


def read(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Mails as files; - is standard input.")],
    as_json: AsJson = False,
) -> None:
    """Show what the gateway reads in mails. No database is touched."""
    failed = 0
    for path in files:
        try:
            raw = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        except OSError as error:
            complain(f"gateway: {path}: {error.strerror}")
            failed += 1
            continue
        _print(raw, str(path), as_json)
        # A reader of the pipe gets each mail as soon as it is read.
        sys.stdout.flush()
    if failed:
        raise typer.Exit(1)


def _print(raw: bytes, file: str, as_json: bool) -> None:
    import json

    from gateway.reading.parse import read_mail
    from gateway.reading.show import as_json as json_of

    mail = read_mail(raw)
    if as_json:
        sys.stdout.write(json.dumps(json_of(mail, file)) + "\n")
        return
    say(file)
    facts(
        [
            ("from", person(mail.author.name, mail.author.email)),
            ("to", ", ".join(person(one.name, one.email) for one in mail.to)),
            ("cc", ", ".join(person(one.name, one.email) for one in mail.cc)),
            ("subject", mail.subject),
            ("date", mail.date.isoformat() if mail.date else ""),
            ("kind", f"{mail.kind} {mail.kind_reason}".strip()),
            ("Message-ID", mail.message_id),
            ("defects", ", ".join(mail.defects)),
        ]
    )
    say()
    say_body(mail.reply_text or mail.text)
    for attachment in mail.attachments:
        say(f"[file] {attachment.filename} ({attachment.content_type}, {size(len(attachment.content))})")
