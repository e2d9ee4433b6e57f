"""`channel test`: what is wrong is said in words that help."""

from pathlib import Path

import pytest
from peers.certificates import make_certificate
from peers.ports import free_port
from peers.replydesk import settings_for
from peers.sink import Sink
from peers.sinkscript import Step
from peers.sinksession import Offer

from outbound import signin
from outbound.doors import Door, default_door
from outbound.envelope import Server
from outbound.probe import probe
from outbound.refusals import plain_sentence


def test_working_server_shows_tls_and_what_it_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed in under TLS, with its capabilities, and no mail sent."""
    certificate = make_certificate(tmp_path / "tls")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
    signin._tls_context.cache_clear()
    with Sink(Offer(tls=certificate.server_context())) as sink:
        door = Door(servers=(Server("localhost", sink.port, "starttls", "desk", "s3cret"),))
        [finding] = probe(settings_for(tmp_path), door)
        assert sink.mails == []
    signin._tls_context.cache_clear()
    assert (finding.ok, finding.signed_in_as) == (True, "desk")
    assert finding.tls.startswith("TLSv1")
    assert any(line.startswith("SIZE") for line in finding.capabilities)


def test_refused_password_is_explained(tmp_path: Path, sink: Sink) -> None:
    """535 becomes a sentence with the next step; the password stands nowhere in it."""
    sink.script.always(Step.AUTH, "535 5.7.8 Bad credentials")
    [finding] = probe(settings_for(tmp_path), Door(servers=(Server("127.0.0.1", sink.port, "none", "desk", "s3cret"),)))
    assert not finding.ok
    assert finding.reply == "535 5.7.8 Bad credentials"
    assert "gateway channel edit" in finding.advice
    assert "s3cret" not in repr(finding)


def test_server_that_is_not_there_is_explained(tmp_path: Path) -> None:
    """Nothing listens: host and port are what to look at."""
    [finding] = probe(settings_for(tmp_path), Door(servers=(Server("127.0.0.1", free_port(), "none"),)))
    assert not finding.ok
    assert "--port" in finding.advice


def test_folder_is_tried(tmp_path: Path) -> None:
    """Without servers the folder is made, and the finding says that nothing is sent."""
    [finding] = probe(settings_for(tmp_path), default_door(settings_for(tmp_path)))
    assert finding.ok
    assert (tmp_path / "outgoing").is_dir()


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        ("535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant", "SMTP AUTH"),
        ("550 5.7.30 Basic authentication is not supported", "OAuth"),
        ("534 5.7.9 Application-specific password required", "app password"),
        ("554 5.2.252 SendAsDenied; a@b not allowed to send as c@d", "Send As"),
        ("cannot use mx:587: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "certificate"),
        ("mx:587 does not offer STARTTLS", "465"),
    ],
)
def test_known_refusals_have_a_plain_sentence(reply: str, word: str) -> None:
    """What the large providers say is translated."""
    assert word in plain_sentence(reply)
