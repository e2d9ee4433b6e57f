"""A private Dovecot on loopback that keeps mail in maildirs and gives it out over IMAP.

Everybody signs in with `secret`, or with a token that a token server knows. Mails are put into an inbox as files, as a
delivery agent does; the server may be stopped, killed and started again on the same mails.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from pwd import getpwnam
from types import TracebackType

from peers.daemon import Daemon
from peers.need import missing, need, need_root
from peers.ports import LOOPBACK, free_port, greeting

PASSWORD = "secret"
CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
listen = {host}
hostname = mail.company.example
ssl = no
disable_plaintext_auth = no
protocols = imap
mail_location = maildir:{mails}/%u
mail_max_userip_connections = 100
first_valid_uid = 1
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={mails}/%u allow_all_users=yes
}}
{sign_in}
protocol imap {{
  imap_capability = {capabilities}
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""


BY_PASSWORD = """\
passdb {{
  driver = static
  args = password=secret
}}
"""
# Only with a token of OAuth 2, which it shows to a token server.
BY_TOKEN = """\
auth_mechanisms = xoauth2
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2.conf.ext
}}
"""


class DovecotImap:
    """One server with its mails, as a block. `capabilities` takes the place of what it offers (`+X` adds)."""

    def __init__(self, capabilities: str = "", token_server: str = "") -> None:
        need_root("Dovecot starts as root, and gives it up")
        self._program = need("dovecot")
        if not Path("/usr/lib/dovecot/imap").exists():
            missing("Dovecot's IMAP server is not here: apt-get install dovecot-imapd")
        self._capabilities, self._token_server = capabilities, token_server
        self._daemon: Daemon | None = None
        self._delivered = 0
        self.port = 0
        self.mails = Path()

    def __enter__(self) -> "DovecotImap":
        self.mails = Path(tempfile.mkdtemp(prefix="gateway-imap-"))
        self._give(self.mails)
        self.port = free_port()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            print(self.log())
        self.stop()
        shutil.rmtree(self.mails, ignore_errors=True)

    def start(self) -> None:
        """Start it on its port."""
        self._daemon = Daemon("dovecot-imap")
        file = self._daemon.folder / "dovecot.conf"
        values = {"folder": self._daemon.folder, "mails": self.mails, "host": LOOPBACK, "port": self.port}
        sign_in = (BY_TOKEN if self._token_server else BY_PASSWORD).format(folder=self._daemon.folder)
        file.write_text(CONFIGURATION.format(capabilities=self._capabilities, sign_in=sign_in, **values))
        (self._daemon.folder / "oauth2.conf.ext").write_text(
            f"tokeninfo_url = {self._token_server}/tokeninfo?access_token=\nusername_attribute = email\n"
        )
        self._daemon.start([self._program, "-F", "-c", str(file)], self._greets)

    def stop(self) -> None:
        """End it with all its sessions; the mails stay."""
        if self._daemon is not None:
            self._daemon.stop()
            self._daemon = None

    def deliver(self, user: str, mails: Iterable[bytes]) -> None:
        """Put mails into somebody's inbox, in their order."""
        folder = self.mails / user
        for name in ("", "cur", "new", "tmp"):
            (folder / name).mkdir(exist_ok=True)
            self._give(folder / name)
        for mail in mails:
            self._delivered += 1
            # Dovecot gives UIDs in the order of names.
            written = folder / "tmp" / f"{1_700_000_000 + self._delivered}.M{self._delivered:08}.test"
            written.write_bytes(mail)
            self._give(written)
            written.rename(folder / "new" / written.name)

    def forget_uids(self, user: str) -> None:
        """Give all mails other UIDs under another UIDVALIDITY, as after a restore. Stop it first."""
        assert self._daemon is None
        for path in (self.mails / user).glob("dovecot*"):
            path.unlink()

    def names(self, user: str, folder: str = "") -> list[str]:
        """The files in a folder of somebody, whose names end in the flags."""
        inside = self.mails / user / (f".{folder}" if folder else "")
        return sorted(path.name for name in ("new", "cur") for path in (inside / name).glob("*"))

    def log(self) -> str:
        """What it noted."""
        if self._daemon is None:
            return ""
        log = self._daemon.folder / "log"
        return self._daemon.said() + (log.read_text(errors="replace")[-8000:] if log.exists() else "")

    def _greets(self) -> bool:
        try:
            return greeting(self.port, timeout=2.0).startswith(b"* OK")
        except OSError:
            return False

    @staticmethod
    def _give(path: Path) -> None:
        user = getpwnam("nobody")
        os.chown(path, user.pw_uid, user.pw_gid)
