"""A private Dovecot on loopback that passes mail on: submission, an LMTP proxy, or who may sign in (SASL).

It keeps no mail here. `bob` with `secret` is let in by submission, and by SASL for a Postfix.
"""

from types import TracebackType

from peers.daemon import Daemon
from peers.need import need, need_root
from peers.ports import LOOPBACK, free_port, greeting

USER, PASSWORD = "bob", "secret"

COMMON = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
listen = {host}
hostname = mail.company.example
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/mail allow_all_users=yes
}}
"""
SUBMISSION = """\
protocols = submission
submission_relay_host = {host}
submission_relay_port = {relay}
passdb {{
  driver = static
  args = password=secret
}}
service submission-login {{
  inet_listener submission {{
    port = {port}
  }}
}}
"""
# Signs in with a token of OAuth 2 alone, which it shows to a token server.
XOAUTH2 = """\
protocols = submission
submission_relay_host = {host}
submission_relay_port = {relay}
auth_mechanisms = xoauth2
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2.conf.ext
}}
service submission-login {{
  inet_listener submission {{
    port = {port}
  }}
}}
"""
# For Postfix: smtpd_sasl_type = dovecot, smtpd_sasl_path = inet:HOST:PORT.
SASL = """\
protocols =
auth_mechanisms = plain login
auth_failure_delay = 0
passdb {{
  driver = static
  args = password=secret
}}
service auth {{
  inet_listener {{
    address = {host}
    port = {port}
  }}
}}
"""
LMTP = """\
protocols = lmtp
lmtp_proxy = yes
passdb {{
  driver = static
  args = proxy=y nopassword=y host={host} port={relay} protocol=lmtp
}}
service lmtp {{
  inet_listener lmtp {{
    address = {host}
    port = {port}
  }}
}}
"""


class Dovecot:
    """One instance, as a block."""

    def __init__(self, relay: int, configuration: str, token_server: str = "") -> None:
        need_root("Dovecot starts as root, and gives it up")
        self._program = need("dovecot")
        self._relay, self._configuration, self._token_server = relay, configuration, token_server
        self.port = 0

    def __enter__(self) -> "Dovecot":
        self._daemon = Daemon("dovecot")
        self.port = free_port()
        (self._daemon.folder / "mail").mkdir(mode=0o777)
        file = self._daemon.folder / "dovecot.conf"
        file.write_text(
            (COMMON + self._configuration).format(
                folder=self._daemon.folder, host=LOOPBACK, port=self.port, relay=self._relay
            )
        )
        if self._token_server:
            (self._daemon.folder / "oauth2.conf.ext").write_text(
                f"tokeninfo_url = {self._token_server}/tokeninfo?access_token=\nusername_attribute = email\n"
            )
        self._daemon.start([self._program, "-F", "-c", str(file)], lambda: _greets(self.port))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            print(self.log())
        self._daemon.stop()

    def log(self) -> str:
        """What it noted."""
        log = self._daemon.folder / "log"
        return self._daemon.said() + (log.read_text(errors="replace")[-8000:] if log.exists() else "")


def _greets(port: int) -> bool:
    """Each of its servers speaks first."""
    try:
        return greeting(port, timeout=2.0) != b""
    except OSError:
        return False
