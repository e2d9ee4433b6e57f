"""Templates from the command line: listed, checked, looked at."""

import json

from fakes.commandline import Cli

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def _own_folder(cli: Cli) -> None:
    folder = cli.folder / "templates"
    folder.mkdir()
    (folder / "logo.png").write_bytes(PNG)
    (folder / "letter-own.html").write_text("<p>{{ sender }}</p><div>{{ words }}</div>")
    text = cli.config.read_text().replace("undo_seconds = 60", 'undo_seconds = 60, templates = "templates"')
    cli.config.write_text(text)


def test_templates_are_listed_with_their_origin(cli: Cli) -> None:
    """The shipped ones, and those of the folder in the settings."""
    _own_folder(cli)
    origins = {view["name"]: view["origin"] for view in cli.json("template", "list")}
    assert origins["letter-simple.html"] == "shipped"
    assert origins["letter-own.html"] == "own"


def test_check_ends_with_1_when_a_template_cannot_be_used(cli: Cli) -> None:
    """It names the file, the line and the fault."""
    _own_folder(cli)
    cli.run("template", "check")
    (cli.folder / "templates" / "letter-bad.html").write_text("<p>\n{% for x in words %}{% endfor %}")
    said = cli.run("template", "check", exits=1)
    assert "letter-bad.html line 2" in said
    faults = [view["fault"] for view in json.loads(cli.run("template", "check", "--json", exits=1))]
    assert len([fault for fault in faults if fault]) == 1


def test_preview_is_a_file_that_stands_alone(cli: Cli) -> None:
    """With the name, the logo and the template of a queue; nothing is loaded from outside."""
    _own_folder(cli)
    words = ["--template", "card", "--logo", "logo.png", "--display-name", "Acme Help", "--color", "#112233"]
    shown = cli.json("queue", "new", "Support", *words, "--footer", "Acme Ltd", "--quote-last", "--from-name", "agent")
    assert (shown["template"], shown["logo"], shown["footer"]) == ("card", "logo.png", "Acme Ltd")
    assert (shown["quote_last"], shown["from_name"]) == (True, "agent")
    made = cli.json("template", "preview", "--queue", "Support", "--output", "out.html")
    html = (cli.folder / made["file"]).read_text()
    assert "data:image/png;base64," in html
    assert "Acme Ltd" in html
    assert "#112233" in html
    assert 'src="http' not in html
    assert "Acme Support" in (cli.folder / cli.json("template", "preview", "own")["file"]).read_text()


def test_preview_and_logo_that_cannot_be_are_refused(cli: Cli) -> None:
    """A template that is not there, a logo without a folder."""
    assert "template list" in cli.refuses("template", "preview", "glossy", exits=2)
    assert "templates" in cli.refuses("queue", "new", "Support", "--logo", "logo.png", exits=78)
    assert cli.json("queue", "list") == []


def test_doctor_finds_a_logo_and_a_template_that_are_gone(cli: Cli) -> None:
    """Answers of that queue would be refused: it is told before an agent meets it."""
    _own_folder(cli)
    assert cli.house.agent
    cli.run("queue", "set", "Support", "--template", "own", "--logo", "logo.png")
    cli.run("doctor")
    (cli.folder / "templates" / "logo.png").unlink()
    assert "logo.png" in cli.run("doctor", exits=1)
    (cli.folder / "templates" / "letter-own.html").unlink()
    assert "letter-own.html is not there" in cli.run("doctor", exits=1)
