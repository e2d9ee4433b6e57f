"""Tickets out of here: JSON lines, a mailbox that any program reads, a page that runs nothing."""

import json
import mailbox
from pathlib import Path

import pytest
from fakes.commandline import Cli
from fakes.house import mail


@pytest.fixture
def desk(cli: Cli) -> Cli:
    """Two tickets; the first was answered."""
    cli.house.receive(mail("Hello\n\nFrom now on it smokes.\n>From there too.", subject="<b>Smoke</b>"))
    cli.house.receive(mail("two", author="Bob <bob@x.example>"))
    cli.run("reply", "1", "-m", "Unplug it")
    cli.run("ticket", "note", "1", "-m", "Called her")
    return cli


def test_everything_is_exported_as_json_lines(desk: Cli) -> None:
    """Each line is a ticket in the shape of `ticket show`."""
    lines = [json.loads(line) for line in desk.run("ticket", "export", "--all").splitlines()]
    shown = desk.json("show", "1")
    assert [ticket["number"] for ticket in lines] == [1, 2]
    assert lines[0] == {key: value for key, value in shown.items() if key != "present"}
    assert [json.loads(line)["number"] for line in desk.run("ticket", "export", "2", "1").splitlines()] == [2, 1]


def test_mailbox_has_the_mails_as_they_came_and_left(desk: Cli, tmp_path: Path) -> None:
    """Python's own mailbox reads both; a line that begins like a mail is no mail."""
    (tmp_path / "1.mbox").write_text(desk.run("ticket", "export", "1", "--form", "mbox"))
    first, second = mailbox.mbox(tmp_path / "1.mbox")
    assert (first["From"], second["To"]) == (
        "Carla Customer <carla@customer.example>",
        "Carla Customer <carla@customer.example>",
    )
    assert "\n>From now on it smokes.\n>>From there too." in first.get_payload()
    assert "Unplug it" in second.as_string()


def test_page_shows_everything_and_runs_nothing(desk: Cli) -> None:
    """Markup in a subject is text, and the page forbids whatever would be loaded."""
    page = desk.run("ticket", "export", "1", "--form", "html")
    assert "<b>Smoke</b>" not in page
    assert "&lt;b&gt;Smoke&lt;/b&gt;" in page
    assert "default-src 'none'" in page
    assert all(word in page for word in ("Unplug it", "Called her", "carla@customer.example"))


def test_export_that_makes_no_sense_is_refused(desk: Cli) -> None:
    """Neither numbers nor everything, both, a form that is none, a ticket that is not there."""
    desk.refuses("ticket", "export", exits=2)
    desk.refuses("ticket", "export", "1", "--all", exits=2)
    desk.refuses("ticket", "export", "1", "--form", "pdf", exits=2)
    desk.refuses("ticket", "export", "9")
