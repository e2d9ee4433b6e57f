"""`gateway mail replay`: named or since a moment, tried or done."""

import pytest
import sqlalchemy as sa
from fakes.commandline import Cli
from fakes.house import mail

from storage.columns import table_of
from storage.messages import Message


def spoil(cli: Cli) -> None:
    """Every message as a worse reader would have stored it."""
    with cli.house.database.writing() as session:
        session.connection().execute(sa.update(table_of(Message)).values(subject="=?x?"))


@pytest.mark.parametrize("words", [["1.1"], ["1.1", "1.1", "2.1"], ["--since", "1h"], ["--since", "2020-01-01"]])
def test_replay_prints_the_differences_and_keeps_them(cli: Cli, words: list[str]) -> None:
    """Tried first, then done; the second time there is nothing to do."""
    for number in range(2):
        cli.house.receive(mail(subject=f"Printer {number}"))
    spoil(cli)
    assert "would change" in cli.run("mail", "replay", *words, "--dry-run")
    said = cli.run("mail", "replay", *words)
    assert "subject: '=?x?' -> 'Printer 0'" in said
    assert cli.json("mail", "replay", *words) == []
    assert cli.json("ticket", "show", "1")["messages"][0]["subject"] == "Printer 0"


def test_replay_tells_programs_what_changed(cli: Cli) -> None:
    """JSON has the mail, the message and each change."""
    row = cli.house.receive(mail())
    spoil(cli)
    [found] = cli.json("mail", "replay", row.id, "--dry-run")
    assert (found["id"], found["message"], found["dry_run"]) == (row.id, "1.1", True)
    assert found["changes"] == [{"field": "subject", "before": "=?x?", "after": "My printer smokes"}]


@pytest.mark.parametrize("words", [[], ["1.1", "--since", "1h"], ["--since", "yesterday"], ["--since", "9999999d"]])
def test_replay_asked_wrongly_says_so(cli: Cli, words: list[str]) -> None:
    """Some mails or a moment, not both; a moment that we understand."""
    cli.refuses("mail", "replay", *words, exits=2)


def test_replay_of_mail_in_no_ticket_is_refused(cli: Cli) -> None:
    """Held mail has nothing to put right; mail that is not there is not found."""
    ids = [cli.house.receive(mail(subject="Alarm")).id for _ in range(4)]
    assert "held" in cli.refuses("mail", "replay", ids[-1])
    cli.refuses("mail", "replay", "77.1")
