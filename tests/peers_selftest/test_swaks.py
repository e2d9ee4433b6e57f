"""Swaks against the sink: the codes and replies that tests rely on."""

import pytest
from peers.sink import Sink
from peers.sinkscript import Step
from peers.swaks import NO_RECIPIENT_ACCEPTED, SENT, swaks

pytestmark = pytest.mark.journey


def test_mail_sent_by_swaks_arrives_as_given() -> None:
    """The bytes given as data arrive, and the last reply of the session is the farewell."""
    with Sink() as sink:
        said = swaks(sink.port, "a@in.desk.example", data=b"Subject: x\r\n\r\n.dot\r\n")
        [mail] = sink.wait_for(1)
    assert said.code == SENT, said.transcript
    assert said.replies[-2:] == ("250 2.0.0 Stored", "221 2.0.0 Bye")
    assert mail.raw.startswith(b"Subject: x\r\n\r\n.dot\r\n")
    assert mail.reverse_path == "customer@client.example"


def test_refused_recipient_gives_the_code_and_the_reply() -> None:
    """When no recipient is accepted, the exit code says so and the refusal stands among the replies."""
    with Sink() as sink:
        sink.script.always(Step.RCPT, "550 5.1.1 No such address here")
        said = swaks(sink.port, "a@in.desk.example")
    assert said.code == NO_RECIPIENT_ACCEPTED
    assert "550 5.1.1 No such address here" in said.replies
