"""A private OpenSMTPD on loopback that relays every mail to one port.

It runs in a jail, since its queue, its users and its folder without anything in it are at fixed places.
"""

from types import TracebackType

from peers.daemon import Daemon
from peers.jail import Jail, program_root
from peers.ports import LOOPBACK, answers_220, free_port

PROGRAM = "usr/sbin/smtpd"
USERS = ("opensmtpd", "opensmtpq")

CONFIGURATION = """\
listen on {host} port {port} hostname mail.company.example
action "out" relay host smtp://{host}:{relay}
match from any for any action "out"
"""


class OpenSmtpd:
    """One instance, as a block."""

    def __init__(self, relay: int) -> None:
        self._root = program_root("opensmtpd", PROGRAM)
        self._relay = relay
        self.port = 0

    def __enter__(self) -> "OpenSmtpd":
        self._daemon = Daemon("opensmtpd")
        libexec = "usr/libexec/opensmtpd/"
        files = [PROGRAM, "usr/sbin/smtpctl", libexec + "mail.local", libexec + "mail.lmtp"]
        self._jail = Jail(self._daemon.folder / "jail", self._root, files, USERS)
        self.port = free_port()
        self._jail.write("etc/smtpd.conf", CONFIGURATION.format(host=LOOPBACK, port=self.port, relay=self._relay))
        self._jail.write("etc/mailname", "mail.company.example\n")
        self._jail.folder_of("root", "var/spool/smtpd", 0o711)
        self._jail.folder_of("root", "var/lib/opensmtpd/empty", 0o755)
        self._daemon.start(self._jail.command(f"/{PROGRAM}", "-d", "-f", "/etc/smtpd.conf"),
                           lambda: answers_220(self.port))  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            print(self.log())
        self._daemon.stop()

    def log(self) -> str:
        """The way of each mail."""
        return self._daemon.said()
