"""What the door does not let in: smuggled mail, relaying, harvesting, talk out of turn."""

import pytest

from gateway.listener.replies import TABLE

MAIL = b"Subject: hello\r\n\r\nhello\r\n"
# Every spelling of an end of data that some server somewhere has taken for one.
FALSE_ENDS = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r.\r\n",
    b"\r\n.\r",
    b"\n.\r",
    b"\r.\n",
    b"\r\r\n.\r\r\n",
    b"\r\n\0.\r\n",
    b"\r\n.\0\r\n",
]


@pytest.mark.parametrize("end", FALSE_ENDS, ids=repr)
def test_false_end_of_data_smuggles_nothing(door, end):
    """One reply, 550, then closed; neither the mail nor the one hidden in it is stored."""
    with door.peer() as peer:
        peer.starts_mail([door.address])
        peer.says("DATA")
        hidden = f"MAIL FROM:<evil@x.example>\r\nRCPT TO:<{door.address}>\r\nDATA\r\nSubject: smuggled\r\n\r\n".encode()
        peer.sends(MAIL.rstrip() + end + hidden + b"x\r\n.\r\n")
        assert peer.rest() == ["550 5.5.2 Mail with a bare CR, a bare LF or a NUL is not accepted"]
    assert door.rows() == []


@pytest.mark.parametrize("octet", [b"a\rb", b"a\nb", b"a\0b", b"\n", b"\r"], ids=repr)
def test_bare_line_ends_and_nul_are_refused(door, octet):
    """A mail that could be read in two ways is read in none."""
    with door.peer() as peer:
        assert peer.mails([door.address], MAIL + octet + b"\r\n").startswith("550 5.5.2")
        assert peer.is_closed()
    assert door.rows() == []


def test_whole_session_in_one_write_is_out_of_step(door):
    """Whoever goes on behind EHLO has not heard that PIPELINING is offered."""
    with door.peer() as peer:
        session = f"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<{door.address}>\r\nDATA\r\n".encode()
        peer.sends(session + MAIL + b".\r\n")
        assert peer.rest() == ["554 5.5.0 You spoke before it was your turn"]
    assert door.rows() == []


def test_commands_in_a_group_are_answered_in_order(door):
    """PIPELINING is announced and kept, also behind the dot."""
    with door.peer() as peer:
        assert "250-PIPELINING" in peer.says("EHLO x").splitlines()
        peer.sends(
            f"MAIL FROM:<a@b.example>\r\nRCPT TO:<no@x.example>\r\nRCPT TO:<{door.address}>\r\nDATA\r\n".encode()
        )
        assert [peer.reply()[:9] for _ in range(4)] == ["250 2.1.0", "550 5.7.1", "250 2.1.5", "354 End d"]
        peer.sends(MAIL + b".\r\nMAIL FROM:<a@b.example>\r\nRSET\r\nQUIT\r\n")
        assert [reply[:9] for reply in peer.rest()] == ["250 2.0.0", "250 2.1.0", "250 2.0.0", "221 2.0.0"]
    assert len(door.rows()) == 1


def test_mail_that_is_sent_before_354_is_out_of_step(door):
    """DATA is the last command of a group."""
    with door.peer() as peer:
        peer.starts_mail([door.address])
        peer.sends(b"DATA\r\n" + MAIL + b".\r\n")
        assert peer.rest() == ["554 5.5.0 You spoke before it was your turn"]
    assert door.rows() == []


def test_command_behind_the_dot_without_ehlo_is_out_of_step(door):
    """After HELO nothing was offered: what stands behind the dot is a smuggler's, and so is the mail."""
    with door.peer() as peer:
        for line in ("HELO x", "MAIL FROM:<a@b.example>", f"RCPT TO:<{door.address}>", "DATA"):
            peer.says(line)
        peer.sends(MAIL + b".\r\nMAIL FROM:<evil@x.example>\r\n")
        assert peer.rest() == ["554 5.5.0 You spoke before it was your turn"]
    assert door.rows() == []


def test_early_talker_is_sent_away(open_door):
    """Who speaks before the greeting does not hear it."""
    door = open_door(greeting_delay_seconds=0.3)
    with door.peer(greeted=False) as peer:
        peer.sends(b"EHLO x\r\n")
        assert peer.rest() == ["554 5.5.0 You spoke before it was your turn"]


RELAYS = [
    "<a@x.example>",
    "<a@sub.in.desk.example>",
    "<a@b@in.desk.example>",
    '<"a@b"@in.desk.example>',
    '<"a@x.example"@in.desk.example>',
    "<@x.example:a@y.example>",
    "<@in.desk.example:a@y.example>",
    "<@x.example,@y.example:support@in.desk.example>",
    "<@x.example:support@in.desk.example>",
    "<a%x.example@in.desk.example>",
    "<a!x.example>",
    "<x.example!a@in.desk.example>",
    "<a:x.example@in.desk.example>",
    "<a@[127.0.0.1]>",
    "<a@[IPv6:::1]>",
    "<a@127.0.0.1>",
    "<a@localhost>",
    "<support@in.desk.example@x.example>",
    "<support@in.desk.example\0>",
    "<support@in.desk.example\r>",
    "<support\r@in.desk.example>",
    "<supp\xf6rt@in.desk.example>",
    f"<{'a' * 65}@in.desk.example>",
    "<support@\u0131n.desk.example>",
    "<support@in.desk.example.x.example>",
    "<support@in.desk.example> ORCPT=rfc822;a@x.example",
    "support@in.desk.example",
    "<support@in.desk.example",
    "<a b@in.desk.example>",
    "<>",
    "<support>",
    "Support <support@in.desk.example>",
]


@pytest.mark.parametrize("path", RELAYS, ids=ascii)
def test_relaying_is_denied_in_every_form(door, path):
    """Only an exact address of ours is taken, however a relay is written."""
    with door.peer() as peer:
        peer.says("EHLO x")
        peer.says("MAIL FROM:<a@b.example>")
        reply = peer.says(f"RCPT TO:{path}")
        assert reply[:3] in {"550", "501", "553", "555"}, reply
        assert reply in TABLE
        assert peer.says("DATA").startswith("503")


@pytest.mark.parametrize(
    "path",
    [
        "<postmaster>",
        "<POSTmaster>",
        "<Postmaster@IN.desk.example>",
        "<postmaster@old.desk.example>",
        '<"postmaster"@in.desk.example>',
    ],
)
def test_postmaster_is_always_accepted(door, path):
    """With or without a domain of ours, in any case; stored in one form. RFC 5321 section 4.5.1."""
    with door.peer() as peer:
        peer.says("EHLO x")
        peer.says("MAIL FROM:<>")
        assert peer.says(f"RCPT TO:{path}") == "250 2.1.5 Ok"
        assert peer.gives(MAIL).startswith("250")
    assert [row.recipient for row in door.rows()] == ["postmaster@in.desk.example"]


def test_spellings_of_an_address_are_one_recipient(door):
    """Case, quotes and a final dot of the domain do not matter."""
    with door.peer() as peer:
        assert peer.mails(["SUPPORT@In.Desk.Example", '"support"@in.desk.example'], MAIL).startswith("250")
    assert [row.recipient for row in door.rows()] == ["support@in.desk.example"]


def test_harvester_hears_the_same_and_then_nothing(open_door):
    """Ten unknown recipients, answered alike and ever more slowly, then 421."""
    door = open_door(unknown_delay_seconds=0.05)
    with door.peer() as peer:
        peer.says("EHLO x")
        peer.says("MAIL FROM:<a@b.example>")
        replies = [peer.says(f"RCPT TO:<guess{number}@in.desk.example>") for number in range(10)]
        assert set(replies) == {"550 5.1.1 No such address here"}
        peer.sends(b"RCPT TO:<support@in.desk.example>\r\n")
        assert peer.rest() == ["421 4.7.0 Too many unknown recipients"]


def test_forged_reply_address_is_unknown(door):
    """An address that only looks signed is answered like any other that is not there."""
    with door.peer() as peer:
        peer.says("EHLO x")
        peer.says("MAIL FROM:<>")
        for local in ("re-" + "a" * 50, "b-" + "a" * 50, "re-x"):
            assert peer.says(f"RCPT TO:<{local}@in.desk.example>") == "550 5.1.1 No such address here"


def test_commands_out_of_order_are_refused(door):
    """Each command needs the one before it."""
    with door.peer() as peer:
        assert peer.says("MAIL FROM:<a@b.example>").startswith("503")
        assert peer.says("RCPT TO:<support@in.desk.example>").startswith("503")
        assert peer.says("DATA").startswith("503")
        peer.says("EHLO x")
        assert peer.says("RCPT TO:<support@in.desk.example>").startswith("503")
        assert peer.says("MAIL FROM:<a@b.example>").startswith("250")
        assert peer.says("MAIL FROM:<a@b.example>").startswith("503")
        assert peer.says("DATA").startswith("503")
        assert peer.says("RSET").startswith("250")
        assert peer.says("RCPT TO:<support@in.desk.example>").startswith("503")


def test_what_is_not_offered_is_not_done(door):
    """No AUTH, no BDAT, no list of members, nobody is named."""
    with door.peer() as peer:
        offers = peer.says("EHLO x")
        assert not any(word in offers for word in ("AUTH", "CHUNKING", "STARTTLS", "DSN"))
        assert peer.says("EXPN all") == "502 5.5.1 Command not implemented"
        assert peer.says("BDAT 5 LAST") == "502 5.5.1 Command not implemented"
        assert peer.says("AUTH PLAIN AGEAYg==") == "502 5.5.1 Command not implemented"
        assert peer.says("STARTTLS") == "502 5.5.1 Command not implemented"
        assert peer.says("VRFY support@in.desk.example").startswith("252")
        assert peer.says("NONSENSE") == "500 5.5.1 Command not recognized"


@pytest.mark.parametrize(
    ("argument", "code"),
    [
        ("<a@b.example> SIZE=10", "250"),
        ("<a@b.example> SIZE=99999999", "552"),
        ("<a@b.example> SIZE=ten", "501"),
        ("<a@b.example> SIZE=\u0661\u0662", "501"),
        ("<a@b.example> BODY=8BITMIME SMTPUTF8", "250"),
        ("<a@b.example> BODY=BINARYMIME", "501"),
        ("<a@b.example> SMTPUTF8=1", "501"),
        ("<a@b.example> RET=FULL", "555"),
        ("<j\xf6rg@b.example>", "553"),
        ("<j\xf6rg@b.example> SMTPUTF8", "250"),
        ("<j\udcf6rg@b.example> SMTPUTF8", "553"),
        ("<a@b.example>SIZE=10", "501"),
        (" <a@b.example>", "250"),
        ("<@relay.example:a@b.example>", "250"),
        ("<prvs=123=a+b=c@b.example>", "250"),
        ('<"a b"@c.example>', "250"),
        ("<>", "250"),
        ("a@b.example", "501"),
        ("", "501"),
    ],
    ids=ascii,
)
def test_parameters_of_mail_are_those_that_are_offered(door, argument, code):
    """SIZE, BODY and SMTPUTF8, each as its RFC has it."""
    with door.peer() as peer:
        peer.says("EHLO x")
        assert peer.says(f"MAIL FROM:{argument}")[:3] == code


def test_utf8_reverse_path_and_headers_are_kept(open_door, database_url):
    """SMTPUTF8 (RFC 6531): the envelope and the bytes are stored as they are."""
    door = open_door(database_url=database_url)
    content = "Subject: Gr\xfc\xdfe\r\n\r\n\u4f60\u597d\r\n".encode()
    with door.peer() as peer:
        peer.says("EHLO x")
        peer.says("MAIL FROM:<j\xf6rg@b\xfccher.example> SMTPUTF8")
        peer.says(f"RCPT TO:<{door.address}>")
        assert peer.gives(content).startswith("250")
    [accepted] = door.acceptances()
    assert (accepted.reverse_path, accepted.protocol) == ("j\xf6rg@b\xfccher.example", "UTF8SMTP")
    assert door.raws()[0].content == content


def test_line_that_is_too_long_is_one_error(door):
    """A command of 513 octets is refused, one of 512 is not, and a megabyte is read and forgotten."""
    with door.peer() as peer:
        assert peer.says("NOOP " + "x" * 505) == "250 2.0.0 Ok"
        assert peer.says("NOOP " + "x" * 506) == "500 5.5.2 Line too long"
        assert peer.says("NOOP " + "x" * 1_000_000) == "500 5.5.2 Line too long"
        assert peer.says("NOOP") == "250 2.0.0 Ok"


def test_command_without_cr_is_refused(door):
    """Lines end in CR LF, also those of commands."""
    with door.peer() as peer:
        peer.sends(b"NOOP\n")
        assert peer.reply() == "500 5.5.2 Lines end in CR LF"


def test_too_many_errors_close_the_conversation(open_door):
    """The error after the last that is allowed hears 421."""
    door = open_door(errors=3)
    with door.peer() as peer:
        assert [peer.says("NONSENSE")[:3] for _ in range(3)] == ["500"] * 3
        peer.sends(b"NONSENSE\r\n")
        assert peer.rest() == ["421 4.7.0 Too many errors"]


def test_browser_is_sent_away(door):
    """A web page cannot make a browser speak mail for it."""
    with door.peer() as peer:
        peer.sends(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nEHLO x\r\n")
        assert peer.rest() == ["554 5.5.0 This is a mail server"]


def test_mail_that_runs_in_a_circle_is_refused(open_door):
    """More Received lines than the hop limit: 554 5.4.6; as many as it: taken."""
    door = open_door(hops=3)
    for count, code in ((3, "250"), (4, "554 5.4.6")):
        with door.peer() as peer:
            assert peer.mails([door.address], b"received: x\r\n" * count + MAIL).startswith(code)


def test_received_lines_in_the_body_are_no_hops(open_door):
    """Only headers count."""
    door = open_door(hops=3)
    with door.peer() as peer:
        assert peer.mails([door.address], MAIL + b"Received: x\r\n" * 9).startswith("250")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"X-A: b\r\n" * 200 + b"\r\nbody\r\n", "552 5.3.4"),
        (b"X-A: " + b"b" * 2000 + b"\r\n\r\nbody\r\n", "552 5.3.4"),
        (b"X-A: b\r\n" + b"\tfolded\r\n" * 200 + b"\r\nbody\r\n", "552 5.3.4"),
        (b"X-A: b\r\n\r\n" + b"x" * 3000 + b"\r\n", "250"),
        (b"no header at all, only text\r\n" + b"x" * 3000 + b"\r\n", "250"),
        (b"\r\n" + b"X-A: b\r\n" * 200, "250"),
    ],
    ids=["many", "long", "folded", "body", "no header", "blank first"],
)
def test_header_block_has_a_limit(open_door, content, code):
    """Headers beyond the limit are refused; a body may be as long as it likes."""
    door = open_door(header_bytes=1000)
    with door.peer() as peer:
        assert peer.mails([door.address], content).startswith(code)


def test_recipients_beyond_the_limit_wait_for_another_transaction(open_door):
    """452 4.5.3, and the mail goes to those before it."""
    door = open_door(recipients=2)
    others = [door.new_address(name) for name in ("one", "two", "three")]
    with door.peer() as peer:
        assert "250-LIMITS RCPTMAX=2" in peer.says("EHLO x")
        peer.says("MAIL FROM:<>")
        replies = [peer.says(f"RCPT TO:<{other}>")[:9] for other in others]
        assert replies == ["250 2.1.5", "250 2.1.5", "452 4.5.3"]
        assert peer.gives(MAIL).startswith("250")
    assert len(door.rows()) == 2


def test_exception_text_never_reaches_the_peer(door, monkeypatch):
    """Our own fault is 451 4.3.0 and nothing else, and the dialogue goes on."""

    def broken(*_: object) -> None:
        raise RuntimeError("secret of ours")

    monkeypatch.setattr("gateway.listener.handler.judge_content", broken)
    with door.peer() as peer:
        assert peer.mails([door.address], MAIL) == "451 4.3.0 Trouble of ours, try again later"
        assert peer.says("NOOP") == "250 2.0.0 Ok"
