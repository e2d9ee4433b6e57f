"""Other ways in: swaks with and without TLS, and a mail server's pipe."""

import subprocess
from pathlib import Path

import pytest
from journeys.desk import Desk, plain_mail
from peers.certificates import make_certificate
from peers.gatewayproc import GatewayProc
from peers.need import missing, need
from peers.pipebridge import PipeBridge
from peers.ports import free_port
from peers.postfix import Postfix, Routes
from peers.sink import Sink
from peers.swaks import NO_RECIPIENT_ACCEPTED, SENT, swaks

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]


def test_swaks_delivers_with_and_without_tls(sink: Sink, database_url: str, tmp_path: Path) -> None:
    """With a certificate STARTTLS is offered and used; without TLS mail is taken too; nobody's address is refused."""
    need_tls()
    port = free_port()
    certificate = make_certificate(tmp_path / "tls", "mx.desk.example", "127.0.0.1")
    listener = {
        "address": f"127.0.0.1:{port}",
        "tls_certificate": str(certificate.chain),
        "tls_key": str(certificate.key),
    }
    gateway = GatewayProc(tmp_path / "gateway", sink.port, database_url, {"listener": [listener]})
    gateway.port = port
    desk = Desk(gateway).open()
    with gateway:
        covered = swaks(port, desk.address, "--tls", data=plain_mail(1, "covered", to=desk.address))
        assert covered.code == SENT, covered.transcript
        plain = swaks(port, desk.address, data=plain_mail(2, "plain", to=desk.address))
        nobody = swaks(port, "nobody@in.desk.example", data=plain_mail(3, "nobody"))
        tickets = {ticket["subject"] for ticket in (desk.ticket_about("covered"), desk.ticket_about("plain"))}
        audit = desk.audit()
    # The wave is how swaks writes a line that came under TLS.
    assert "<~  250 2.0.0 Accepted as " in covered.transcript, covered.transcript
    assert plain.code == SENT, plain.transcript
    assert "250-STARTTLS" in plain.replies or "250 STARTTLS" in plain.replies
    assert nobody.code == NO_RECIPIENT_ACCEPTED
    assert any(reply.startswith("550 5.1.1") for reply in nobody.replies)
    assert tickets == {"covered", "plain"}
    assert (audit["ok"], audit["accepted"]) == (True, 2)


def test_pipe_of_postfix_delivers_keeps_and_bounces(desk: Desk, sink: Sink) -> None:
    """Exit 0 delivers; while the database is away exit 75 keeps the mail in the queue; exit 67 bounces it."""
    with PipeBridge(lambda words, mail: desk.gateway.attempt("mail", "inject", *words, stdin=mail)) as bridge:
        command = bridge.argv("--to", "${recipient}", "--from", "${sender}")
        routes = Routes(pipes={"in.desk.example": command}, relays={"client.example": sink.port})
        with Postfix(routes) as postfix, desk.gateway:
            # Another database, which does not answer, for the commands of the pipe.
            desk.gateway.environment["GATEWAY_DATABASE__URL"] = f"postgresql://gateway@127.0.0.1:{free_port()}/gone"
            said = swaks(postfix.port, desk.address, data=plain_mail(1, "by the pipe", to=desk.address))
            assert said.code == SENT, said.transcript
            desk.until(lambda: 75 in [code for _, code in bridge.ran], "the command says try again")
            desk.until(lambda: any(one.reasons for one in postfix.queue()), "Postfix keeps the mail")
            del desk.gateway.environment["GATEWAY_DATABASE__URL"]
            postfix.retry()
            ticket = desk.ticket_about("by the pipe")
            desk.until(lambda: postfix.queue() == [], "the queue of Postfix is empty")
            # Swaks adds an empty line.
            assert desk.raw("1.1").endswith(plain_mail(1, "by the pipe", to=desk.address) + b"\r\n")
            assert ticket["contact"]["email"] == "customer1@client.example"
            swaks(postfix.port, "nobody@in.desk.example", data=plain_mail(2, "to nobody"))
            [bounce] = sink.wait_for(1, timeout=60)
            assert 67 in [code for _, code in bridge.ran]
            assert (bounce.reverse_path, bounce.recipients) == ("", ("customer@client.example",))
            assert desk.audit()["accepted"] == 1


def need_tls() -> None:
    """Swaks speaks TLS by a package that it only recommends."""
    told = subprocess.run([need("swaks"), "--support"], capture_output=True, text=True, check=False).stdout
    if "TLS not available" in told:
        missing("swaks has no TLS: apt-get install libnet-ssleay-perl")
