"""Mail of the past becomes tickets: from an mbox, a maildir, a folder of files, once and in threads."""

from pathlib import Path

import pytest
from fakes.commandline import Cli
from sqlmodel import select

from storage.notices import Notice
from storage.spool import SpoolState, list_rows


def letter(number: int, *, answers: int | None = None, day: int = 1, body: str = "Hello.") -> bytes:
    """A mail of one customer as it lies in a file, with lines that end in LF."""
    thread = f"In-Reply-To: <{answers}@client.example>\n" if answers is not None else ""
    return (
        f"From: Carla <carla@client.example>\nTo: support@company.example\nSubject: Matter {answers or number}\n"
        f"Message-ID: <{number}@client.example>\nDate: Mon, {day} Jun 2020 09:00:00 +0000\n{thread}\n{body}\n"
    ).encode()


def an_mbox(folder: Path) -> Path:
    """Three mails; the answer lies before what it answers, and a line of a text begins like a separator."""
    mails = [
        letter(2, answers=1, day=8, body="It still smokes.\nFrom here on nothing helps.\n>From me\n>>From you"),
        letter(1, day=1),
        letter(3, day=15),
    ]
    path = folder / "archive.mbox"
    path.write_bytes(b"".join(b"From carla@client.example Mon Jun  1 09:00:00 2020\n" + one + b"\n" for one in mails))
    return path


def a_maildir(folder: Path) -> Path:
    """The same as a maildir with a folder below it; what is not delivered yet is no mail."""
    for name in ("cur", "new", "tmp", ".Old/cur", ".Old/new", ".Old/tmp"):
        (folder / "maildir" / name).mkdir(parents=True)
    (folder / "maildir/cur/1.a:2,S").write_bytes(letter(2, answers=1, day=8))
    (folder / "maildir/new/2.b").write_bytes(letter(3, day=15))
    (folder / "maildir/.Old/cur/0.c:2,S").write_bytes(letter(1, day=1))
    (folder / "maildir/tmp/9.d").write_bytes(letter(9))
    return folder / "maildir"


def a_folder(folder: Path) -> Path:
    """The same as files, below each other; other files are not looked at."""
    (folder / "files/2020").mkdir(parents=True)
    (folder / "files/a.eml").write_bytes(letter(2, answers=1, day=8).replace(b"\n", b"\r\n"))
    (folder / "files/2020/b.EML").write_bytes(letter(1, day=1))
    (folder / "files/2020/c.eml").write_bytes(letter(3, day=15))
    (folder / "files/notes.txt").write_text("no mail")
    return folder / "files"


@pytest.mark.parametrize("lay_out", [an_mbox, a_maildir, a_folder])
def test_archive_becomes_threaded_tickets_without_a_word_to_anybody(both: Cli, tmp_path: Path, lay_out: object) -> None:
    """The answer joins the ticket of what it answers; nobody is acknowledged, and a second time nothing is new."""
    assert callable(lay_out)
    path = lay_out(tmp_path)
    both.house.set_queue("Support", acknowledge="all")
    both.run("agent", "edit", "agent@company.example", "--queue", "Support", "--notify", "new")
    told = both.json("mail", "import", str(path), "--queue", "Support")
    assert (told["found"], told["imported"], told["known"], told["skipped"]) == (3, 3, 0, [])
    both.house.work()
    assert [len(both.house.messages(number)) for number in (1, 2)] == [2, 1]
    assert both.json("outbox", "list", "--all") == []
    with both.house.database.reading() as session:
        assert session.exec(select(Notice)).all() == []
    again = both.json("mail", "import", str(path), "--queue", "support")
    assert (again["imported"], again["known"]) == (0, 3)


def test_text_of_an_mbox_is_what_was_written(cli: Cli, tmp_path: Path) -> None:
    """A quoted `From ` loses one sign, one within a paragraph ends no mail, and lines end in CRLF."""
    address = cli.house.address
    cli.run("mail", "import", str(an_mbox(tmp_path)), "--queue", "Support")
    cli.house.work()
    raw = cli.run("mail", "raw", "1.2")
    expected = "It still smokes.\r\nFrom here on nothing helps.\r\nFrom me\r\n>From you\r\n"
    assert raw.replace("\r\n", "\n").partition("\n\n")[2] == expected.replace("\r\n", "\n")
    assert cli.json("mail", "why", "1.2")["recipient"] == address


def test_many_mails_of_one_customer_are_no_storm(cli: Cli, tmp_path: Path) -> None:
    """Thirty tickets of one author at once are all filed."""
    path = tmp_path / "many.mbox"
    path.write_bytes(b"".join(b"From a\n" + letter(number, day=2) + b"\n" for number in range(1, 31)))
    assert cli.house.address
    cli.run("mail", "import", str(path), "--queue", "Support")
    cli.house.work()
    with cli.house.database.reading() as session:
        assert len(list_rows(session, SpoolState.FILED)) == 30


def test_mail_above_the_limit_is_named_and_the_rest_imported(cli: Cli, tmp_path: Path) -> None:
    """Exit status 1."""
    assert cli.house.address
    cli.config.write_text("limits = { message_bytes = 1000 }\n" + cli.config.read_text())
    (tmp_path / "files").mkdir()
    (tmp_path / "files/a.eml").write_bytes(letter(1))
    (tmp_path / "files/b.eml").write_bytes(letter(2, body="x" * 2000))
    assert "1 mails are imported" in cli.run("mail", "import", str(tmp_path / "files"), "--queue", "Support", exits=1)
    assert "b.eml" in cli.error


def test_mail_without_a_date_stays_behind_the_one_before_it(cli: Cli, tmp_path: Path) -> None:
    """In an mbox, whose order says something."""
    undated = letter(2, answers=1).replace(b"Date: Mon, 1 Jun 2020 09:00:00 +0000\n", b"")
    path = tmp_path / "a.mbox"
    path.write_bytes(b"From a\n" + letter(1, day=8) + b"\nFrom a\n" + undated + b"\n")
    assert cli.house.address
    cli.run("mail", "import", str(path), "--queue", "Support")
    cli.house.work()
    assert len(cli.house.messages(1)) == 2


@pytest.mark.parametrize("name", ["nothing", "empty"])
def test_path_without_mail_is_asked_wrongly(cli: Cli, tmp_path: Path, name: str) -> None:
    """One line, and nothing is stored."""
    assert cli.house.address
    (tmp_path / "empty").mkdir()
    assert name in cli.refuses("mail", "import", str(tmp_path / name), "--queue", "Support", exits=2)
