"""Any dialogue at all: no exception, no hang, no reply that is not in the table, and 250 means kept."""

import re
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from peers.rawsmtp import RawSmtp

from gateway.listener.replies import OUR_FAULT, TABLE

# A dialogue has forty steps; `make fuzz` runs a hundred times as many.
EXAMPLES = settings.default.max_examples * 15 // 100
OTHER_REPLIES = re.compile(r"220 mx\.desk\.example ESMTP|250[- ].*|250 2\.0\.0 Accepted as [0-9a-v]{16}", re.DOTALL)
WORDS = st.sampled_from(
    [
        "EHLO x",
        "HELO x",
        "RSET",
        "NOOP",
        "VRFY a",
        "DATA x",
        "STARTTLS",
        "MAIL",
        "RCPT TO:",
        "QUIT x",
        "",
        " ",
        "\0",
        "AUTH",
    ]
)
PATHS = st.one_of(
    st.sampled_from(["<support@in.desk.example>", "<>", "<a@b.example>", "<postmaster>", "<@a:b@c>", "<a@b"]),
    st.text(max_size=80).map(lambda text: f"<{text}>"),
)
BODIES = st.lists(
    st.sampled_from(
        [b"a", b".", b"..", b"\r\n", b"\n", b"\r", b"\0", b"\xff", b"Received: x\r\n", b"\r\n.\r", b"Subject: s\r\n"]
    ),
    max_size=30,
).map(b"".join)


class AnyDialogue(RuleBasedStateMachine):
    """One peer after another on one listener."""

    door = None

    def __init__(self):
        super().__init__()
        self.peer = self.connect()

    def connect(self):
        """A new peer in place of one who was sent away."""
        peer = RawSmtp(self.door.port)
        self.judge(peer.greeting)
        return peer

    def judge(self, reply):
        """Closed, or a reply of ours that does not admit a fault."""
        assert reply == "" or reply in TABLE or OTHER_REPLIES.fullmatch(reply), reply
        assert reply != OUR_FAULT.line
        if reply == "" or reply[:3] == "421" or "5.5.0" in reply or reply.startswith(("550 5.5.2", "221")):
            self.peer.close()
            self.peer = self.connect()

    @rule(line=st.one_of(WORDS, st.text(max_size=700)))
    def says_anything(self, line):
        """One line."""
        self.judge(self.peer.says(line.replace("\n", " ")))

    @rule(keyword=st.sampled_from(["MAIL FROM:", "mail from: ", "RCPT TO:", "RCPT TO"]), path=PATHS)
    def names_a_path(self, keyword, path):
        """MAIL or RCPT."""
        self.judge(self.peer.says(f"{keyword}{path}".replace("\n", " ")[:500]))

    @rule(body=BODIES)
    def sends_a_mail(self, body):
        """What was promised is there, as RFC 5321 reads what was sent."""
        reply = self.peer.says("DATA")
        if not reply.startswith("354"):
            self.judge(reply)
            return
        sent = body + b"\r\n.\r\n"
        end = 3 if sent.startswith(b".\r\n") else sent.index(b"\r\n.\r\n") + 5
        self.peer.sends(sent[:end])
        reply = self.peer.reply()
        if reply.startswith("250"):
            content = (b"\r\n" + sent[: end - 3]).replace(b"\r\n.", b"\r\n")[2:]
            assert sha256(content).hexdigest() in {raw.sha256 for raw in self.door.raws()}
            assert content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n")
        self.judge(reply)

    @rule()
    def leaves(self):
        """In the middle of whatever it is."""
        self.peer.close()
        self.peer = self.connect()

    @precondition(lambda self: self.door is not None)
    @invariant()
    def is_answered(self):
        """The door is there for the next one."""
        assert self.door.thread.is_alive()

    def teardown(self):
        """Hang up."""
        self.peer.close()


@pytest.mark.hypothesis
@pytest.mark.timeout(40 * EXAMPLES)
def test_any_dialogue_ends_well(open_door):
    """The machine above, for a while."""
    AnyDialogue.door = open_door(unknown_delay_seconds=0, connections_per_minute=0, mails_per_minute=0)
    run_state_machine_as_test(
        AnyDialogue,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
