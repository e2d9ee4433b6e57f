"""No text from a mail steers a terminal."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from fakes.commandline import Cli
from fakes.house import mail
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli import terminal

PROJECT = Path(__file__).parents[3]
EVIL = "a\x1b]52;c;QUJD\x07\x1b[2J\x9b31m\u202eb\x00\x7f\r\u2066[red]\u061c"
FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def test_field_shows_controls_instead_of_sending_them() -> None:
    """Escape, C1, bidirectional and line controls are written out."""
    assert terminal.one_line("a\x1b[2J\u202e\nb") == "a\\x1b[2J\\u202e\\x0ab"


@given(st.text() | st.text(alphabet=st.characters(max_codepoint=0x2100)))
def test_no_control_is_left_in_any_text(text: str) -> None:
    """Whatever comes in, no control goes out; only a body keeps its line breaks."""
    assert not FORBIDDEN.search(terminal.one_line(text))
    assert "\n" not in terminal.one_line(text)
    assert not FORBIDDEN.search(terminal.body(text))


def test_ticket_of_an_evil_mail_prints_no_control(cli: Cli) -> None:
    """Subject, name, text and file names of a mail are harmless in every command that shows them."""
    word = "".join(f"={byte:02X}" for byte in EVIL.encode())
    raw = mail(
        EVIL.replace("\r", "").replace("\x00", ""),
        subject=f"=?utf-8?q?{word}?=",
        author=f"=?utf-8?q?{word}?= <e@x.example>",
    )
    row = cli.house.receive(raw)
    (cli.folder / "evil.eml").write_bytes(raw)
    for words in (
        ["list"],
        ["show", "1", "--full", "--events"],
        ["ticket", "search", "a"],
        ["mail", "list"],
        ["mail", "why", row.id],
        ["contact", "list"],
        ["mail", "read", "evil.eml"],
        ["show", "1", "--json"],
        ["mail", "list", "--json"],
        ["mail", "read", "evil.eml", "--json"],
    ):
        assert not FORBIDDEN.search(cli.run(*words)), words


def test_table_in_a_terminal_shows_brackets_and_no_escape_of_a_mail(cli: Cli) -> None:
    """In a real terminal rich adds colours of its own, eats no [red], and sends nothing of the mail's."""
    cli.house.receive(mail(subject="[red] =?utf-8?q?x=C2=9B31m?= \x1b]0;title\x07"))
    said = in_terminal("ticket", "list", folder=cli.folder)
    assert "[red]" in said
    assert not FORBIDDEN.search(re.sub(r"\x1b\[[0-9;]*m", "", said).replace("\r\n", "\n"))


def test_tickets_stand_in_the_colour_of_their_queue(cli: Cli) -> None:
    """In a terminal; a pipe gets the name alone."""
    cli.house.receive(mail())
    cli.run("queue", "set", "Support", "--color", "#ff0000")
    said = in_terminal("ticket", "list", folder=cli.folder)
    assert re.search(r"\x1b\[[0-9;]+mSupport\x1b\[0m", said)
    assert "\x1b" not in cli.run("ticket", "list")


def test_raw_mail_in_a_terminal_is_harmless_and_exact_in_a_pipe(cli: Cli) -> None:
    """`mail raw` gives a program the bytes, and a person something to read."""
    raw = mail("\x1b[2Jevil")
    cli.house.receive(raw)
    assert "\x1b" not in in_terminal("mail", "raw", "1.1", folder=cli.folder)
    ended = subprocess.run(
        [sys.executable, "-m", "gateway", "mail", "raw", "1.1"],
        cwd=cli.folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        check=True,
    )
    assert ended.stdout == raw


def in_terminal(*words: str, folder: Path) -> str:
    """What a command prints on a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "TERM": "xterm", "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    said = b""
    while piece := read_terminal(ours):
        said += piece
    assert process.wait(60) == 0
    os.close(ours)
    return said.decode()


def read_terminal(descriptor: int) -> bytes:
    """The next piece; empty when the other side is closed, which Linux tells as an error."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""
