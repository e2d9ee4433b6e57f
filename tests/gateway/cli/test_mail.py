"""Mail on the command line: taken, read, explained, released, dropped, and accounted for."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from fakes.commandline import Cli
from fakes.house import mail

from config.clock import now
from storage.arrivals import accept_now
from storage.claims import Settled, claim, settle
from storage.queues import Acknowledge
from storage.spool import Arrival, Spool, SpoolState, find_rows
from storage.ticket_view import find_attachment


def hold(cli: Cli, raw: bytes, state: SpoolState = SpoolState.HELD) -> str:
    """A mail that waits for a person."""
    id_ = cli.house.accept(raw)
    with cli.house.database.writing() as session:
        claim(session, "test", 10, 60)
        settle(session, "test", [Settled(id_, state, "repetition: the fourth", [["repetition", "held", "the fourth"]])])
    return id_


def test_injected_mail_is_accepted_and_its_id_printed(both: Cli) -> None:
    """LF becomes CRLF before the digest, so that SMTP and a pipe make one mail; twice is once."""
    raw = mail()
    id_ = both.run("mail", "inject", "--to", both.house.address.upper(), stdin=raw.replace(b"\r\n", b"\n")).strip()
    assert both.json("mail", "inject", "--to", both.house.address, stdin=raw) == {"id": id_}
    both.house.work()
    why = both.json("mail", "why", id_)
    assert (why["fate"], why["ticket"], why["message"], why["protocol"]) == ("filed", 1, "1.1", "inject")
    assert why["reverse_path"] == "carla@customer.example"
    assert both.run("mail", "raw", id_).encode() == raw


def test_raw_mail_of_the_door_stands_below_our_received_line(both: Cli) -> None:
    """The stored bytes stay as they were received; the copy says how they came, and the story too."""
    raw = mail()
    arrival = Arrival(
        reverse_path="carla@customer.example",
        recipients=(both.house.address,),
        sha256=sha256(raw).hexdigest(),
        size=len(raw),
        content=raw,
        received_at=now(),
        peer="192.0.2.7",
        helo="mail.client.example",
        protocol="ESMTPS",
        tls="TLSv1.3 TLS_AES_256_GCM_SHA384",
    )
    id_ = accept_now(both.house.database, both.house.office.blobs, arrival)
    trace, _, rest = both.run("mail", "raw", id_, "--trace").encode().partition(b"+0000\r\n")
    assert rest == both.run("mail", "raw", id_).encode() == raw
    assert trace.startswith(b"Received: from mail.client.example ([192.0.2.7])\r\n\t(using TLSv1.3 ")
    assert f"with ESMTPS id {id_}\r\n\tfor <{both.house.address}>".encode() in trace
    assert both.json("mail", "why", id_)["tls"] == "TLSv1.3 TLS_AES_256_GCM_SHA384"


@pytest.mark.parametrize(
    ("words", "header", "path"),
    [
        (["--from", "<>"], b"", ""),
        (["--from", ""], b"", ""),
        (["--from", "MAILER-DAEMON"], b"", ""),
        (["--from", "<b@x.example>"], b"", "b@x.example"),
        ([], b"Return-Path: <r@x.example>\n", "r@x.example"),
        ([], b"Return-Path: <>\n", ""),
        ([], b"", "f@x.example"),
    ],
)
def test_reverse_path_is_the_one_given_else_that_of_the_header(
    cli: Cli, words: list[str], header: bytes, path: str
) -> None:
    """--from, else Return-Path, else the address in From; `<>` is null."""
    id_ = cli.run("mail", "inject", "--to", cli.house.address, *words, stdin=header + b"From: F <f@x.example>\n\nHi\n")
    assert cli.json("mail", "why", id_.strip())["reverse_path"] == path


@pytest.mark.parametrize("to", ["nobody@in.desk.example", "a@elsewhere.example", "nonsense", ""])
def test_unknown_recipient_ends_with_67_and_nobody_gets_the_mail(cli: Cli, to: str) -> None:
    """One wrong recipient refuses the mail for all of them: a mail system reads one status."""
    cli.refuses("mail", "inject", "--to", cli.house.address, "--to", to, exits=67, stdin="From: a@b.example\n\nx\n")
    assert cli.json("mail", "list") == []


def test_postmaster_and_signed_reply_addresses_are_recipients(cli: Cli) -> None:
    """What the listener takes, inject takes."""
    cli.house.receive(mail())
    reply = cli.house.office.marks.reply_address(cli.house.mark(1))
    cli.run("mail", "inject", "--to", "Postmaster", "--to", reply, stdin="From: a@b.example\n\nx\n")


@pytest.mark.parametrize("trouble", ["no settings", "wrong settings", "no database", "no schema", "rubbish"])
def test_trouble_of_ours_is_75_so_that_the_mail_is_kept(cli: Cli, trouble: str) -> None:
    """Postfix bounces on any other status."""
    database = cli.folder / "var" / "gateway.db"
    {
        "no settings": cli.config.unlink,
        "wrong settings": lambda: cli.config.write_text("nonsense = 1"),
        "no database": database.unlink,
        "no schema": lambda: database.write_bytes(b""),
        "rubbish": lambda: database.write_bytes(b"rubbish" * 1000),
    }[trouble]()
    cli.refuses("mail", "inject", "--to", "a@b.example", exits=75, stdin="From: a@b.example\n\nx\n")


def test_locked_database_is_75(cli: Cli) -> None:
    """A writer that does not let go is our trouble, not the mail's."""
    cli.config.write_text(cli.config.read_text().replace("database = { url", "database = { busy_seconds = 0.3, url"))
    to = cli.house.address
    with cli.house.database.writing():
        cli.refuses("mail", "inject", "--to", to, exits=75, stdin="From: a@b.example\n\nx\n")


def test_mail_that_is_empty_or_too_large_is_refused_for_good(cli: Cli) -> None:
    """That is no trouble of ours."""
    to = cli.house.address
    cli.refuses("mail", "inject", "--to", to, exits=2)
    cli.refuses("mail", "inject", exits=2, stdin="x")
    cli.config.write_text(cli.config.read_text() + "\n[limits]\nmessage_bytes = 1000\n")
    assert "message_bytes" in cli.refuses("mail", "inject", "--to", to, stdin="From: a@b.example\n\n" + "x" * 1000)


def test_held_mail_is_listed_released_and_dropped(both: Cli) -> None:
    """People see who wrote what; release lets it go on, drop makes it ignored."""
    first, second = hold(both, mail("one", subject="=?utf-8?q?Ol=C3=A1?=")), hold(both, mail("two"))
    held = both.json("mail", "held")
    assert [row["id"] for row in held] == [second, first]
    assert {"id", "recipient", "from", "subject", "received", "reason"} <= set(held[0])
    assert (held[1]["from"], held[1]["subject"]) == ("Carla Customer <carla@customer.example>", "Olá")
    [released] = both.json("mail", "release", first)
    assert released["fate"] == "received"
    [dropped] = both.json("mail", "drop", second)
    assert (dropped["fate"], dropped["reason"]) == ("ignored", "dropped: by agent@company.example")
    assert both.json("mail", "held") == []
    both.house.work()
    assert [row["id"] for row in both.json("mail", "list", "--fate", "filed")] == [first]
    assert "held" in both.refuses("mail", "drop", first)
    both.refuses("mail", "release", "0000000000000000")
    both.refuses("mail", "list", "--fate", "lost", exits=2)


def test_mail_is_explained_by_any_of_its_names(both: Cli) -> None:
    """Acceptance id, place, number and Message-ID tell one story; our own mail tells its deliveries."""
    row = both.house.receive(mail(message_id="<one@customer.example>"))
    stories = [
        both.json("mail", "why", name) for name in (row.id, "1.1", str(row.message_id), "<one@customer.example>")
    ]
    assert all(story == stories[0] for story in stories)
    assert {"asked", "answer", "why"} == set(stories[0]["trace"][0])
    assert f"fate        {SpoolState.FILED}" in both.run("mail", "why", "1.1")
    both.run("reply", "1", "-m", "Hello")
    assert both.json("mail", "why", "1.2")["deliveries"][0]["state"] == "waiting"
    both.refuses("mail", "raw", "1.2")
    both.refuses("mail", "why", "<nobody@nowhere.example>")


def test_two_recipients_have_two_stories(cli: Cli) -> None:
    """One acceptance, a row a recipient."""
    other = cli.house.add_queue("Billing")
    id_ = cli.house.accept(mail(), to=f"{cli.house.address},{other}")
    cli.house.work()
    why = cli.json("mail", "why", id_)
    assert [story["id"] for story in why["recipients"]] == [id_, f"{id_}-2"]
    assert cli.json("mail", "why", f"{id_}-2")["recipient"] == other


def test_files_are_read_one_json_line_each_and_a_missing_one_does_not_stop_the_rest(blank: Cli) -> None:
    """No settings, no database; the status is 1 when one could not be read."""
    Path("a.eml").write_bytes(mail("first"))
    Path("b.eml").write_bytes(mail("second"))
    said = blank.run("mail", "read", "a.eml", "gone.eml", "b.eml", "--json", exits=1)
    assert [json.loads(line)["file"] for line in said.splitlines()] == ["a.eml", "b.eml"]
    assert blank.error == "gateway: gone.eml: No such file or directory\n"


def test_audit_of_a_whole_house_is_ok(both: Cli) -> None:
    """Accepted is the sum of all fates and of what waits."""
    both.house.receive(mail())
    hold(both, mail("held"))
    both.house.accept(mail("waiting"))
    both.run("reply", "1", "-m", "Hello")
    found = both.json("audit")
    assert (found["accepted"], found["pending"], found["missing"], found["ok"]) == (3, 1, [], True)
    assert (found["fates"]["filed"], found["fates"]["held"], found["outgoing"]["waiting"]) == (1, 1, 1)
    assert set(found["fates"]) == {"filed", "ignored", "held", "duplicate", "loop", "report", "setup", "quarantined"}


@pytest.mark.parametrize("what", ["message", "raw row", "raw blob", "attachment", "spool row"])
def test_audit_names_what_is_missing(cli: Cli, what: str) -> None:
    """Whatever is taken away, audit ends with 1 and names it."""
    attachment = (
        'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\nhi\n'
        f'--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename="a.pdf"\n\n{"x" * 20000}\n--b--'
    )
    head, _, rest = attachment.partition("\n\n")
    row = cli.house.receive(mail(rest, headers=f"MIME-Version: 1.0\n{head}\n"))
    with cli.house.database.writing() as session:
        connection = session.connection()
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        file = find_attachment(session, 1)
        assert file is not None
        if what == "message":
            connection.exec_driver_sql("UPDATE spool SET message_id = 999")
        elif what == "raw row":
            connection.exec_driver_sql("DELETE FROM raw")
        elif what == "raw blob":
            connection.exec_driver_sql("UPDATE raw SET content = NULL")
            (cli.house.settings.blob_dir / row.sha256[:2] / row.sha256[2:4] / row.sha256).unlink(missing_ok=True)
        elif what == "attachment":
            (cli.house.settings.blob_dir / file.sha256[:2] / file.sha256[2:4] / file.sha256).unlink()
        else:
            connection.exec_driver_sql("UPDATE message SET spool_id = NULL")
            connection.exec_driver_sql("DELETE FROM spool")
    found = json.loads(cli.run("audit", "--json", exits=1))
    assert found["ok"] is False
    assert found["missing"] == (["1.1"] if what == "attachment" else [row.id])


def test_backup_is_a_whole_installation(cli: Cli) -> None:
    """The copy opens with everything that was acknowledged; the second time its folder is refused."""
    raw = mail("x" * 30_000)
    row = cli.house.receive(raw)
    made = cli.json("database", "backup", "copy")
    assert made["blobs"] == 1
    folder = cli.folder / "copy"
    assert (folder.stat().st_mode & 0o777, (folder / "gateway.db").stat().st_mode & 0o777) == (0o700, 0o600)
    settings = 'data_dir = "."\ndomain = "in.desk.example"\n'
    (folder / "gateway.toml").write_text(settings)
    words = ["--config", str(folder / "gateway.toml")]
    assert cli.run("mail", "raw", row.id, *words).encode() == raw
    assert cli.json("audit", *words)["ok"] is True
    assert "already" in cli.refuses("database", "backup", "copy")


def test_backup_on_postgresql_copies_blobs_and_names_the_tool_for_the_rest(both: Cli) -> None:
    """PostgreSQL has pg_dump; on SQLite the database is in the folder."""
    both.house.receive(mail("x" * 30_000))
    made = both.json("database", "backup", "copy")
    assert made["blobs"] == 1
    assert ("pg_dump" in both.error) is (made["database"] is None) is (not both.house.database.is_sqlite)


def test_doctor_finds_what_is_wrong_and_says_what_to_do(cli: Cli) -> None:
    """A house without agents fails; with a queue and an agent it only warns."""
    cli.run("doctor", exits=1)
    assert cli.house.address
    found = cli.json("doctor")
    assert found["ok"] is True
    assert {"settings", "data_dir", "database", "default servers"} <= {check["subject"] for check in found["checks"]}
    assert all(check["advice"] for check in found["checks"] if check["state"] != "ok")


def test_doctor_looks_at_ports_servers_and_certificates(cli: Cli) -> None:
    """A server that is not there, a certificate that is none: each fails with its name."""
    assert cli.house.address
    (cli.folder / "cert.pem").write_text("no certificate")
    text = cli.config.read_text().replace("undo_seconds = 60", 'servers = [{ host = "127.0.0.1", port = 1 }]')
    cli.config.write_text(text + 'tls_certificate = "cert.pem"\ntls_key = "cert.pem"\n')
    found = json.loads(cli.run("doctor", "--json", exits=1))
    failed = {check["subject"] for check in found["checks"] if check["state"] == "fail"}
    assert {"server 127.0.0.1:1", "certificate of 127.0.0.1:1"} <= failed


def test_newest_revision_is_the_one_that_commands_expect() -> None:
    """The quick check of the schema and the migrations speak of one revision."""
    from storage.migrate import newest_revision
    from storage.schema import REVISION

    assert newest_revision() == REVISION


def test_rows_of_a_mail_are_found_by_its_id(cli: Cli) -> None:
    """The id that `inject` prints is that of the first row."""
    id_ = cli.run("mail", "inject", "--to", cli.house.address, stdin=mail()).strip()
    with cli.house.database.reading() as session:
        rows: list[Spool] = find_rows(session, id_)
    assert [row.id for row in rows] == [id_]


def test_the_story_tells_what_was_sent_and_what_was_not(both: Cli) -> None:
    """The acknowledgement with its delivery, or why there was none; who wrote it and how sure that is."""
    both.house.set_queue("Support", acknowledge=Acknowledge.ALL)
    sent = both.json("mail", "why", both.house.receive(mail()).id)
    assert [(one["kind"], one["message"], one["deliveries"][0]["recipient"]) for one in sent["sent"]] == [
        ("acknowledgement", "1.2", "carla@customer.example")
    ]
    assert (sent["author"], sent["identity"]) == ("Carla Customer <carla@customer.example>", "unknown")
    assert [step["asked"] for step in sent["suppressed"]] == ["notice"]
    row = both.house.receive(mail("again", headers="Precedence: bulk\n"))
    kept = both.json("mail", "why", row.id)
    assert (kept["sent"], [step["asked"] for step in kept["suppressed"]]) == ([], ["acknowledge", "notice"])
    assert "What was not sent:\n  acknowledge: no (the mail is bulk" in both.run("mail", "why", row.id)
    assert "What was sent because of it:\n  acknowledgement, message 1.2" in both.run("mail", "why", "1.1")


def test_a_ticket_shows_how_sure_its_author_is_and_where_answers_would_go(cli: Cli) -> None:
    """The identity word stands at each mail that came; a Reply-To that differs is shown beside From."""
    cli.house.receive(mail(headers="Reply-To: Boss <boss@elsewhere.example>\n"))
    shown = cli.run("ticket", "show", "1")
    assert "Identity: unknown" in shown
    assert "Reply-To: Boss <boss@elsewhere.example>" in shown
    assert "reply-to-differs" in shown
