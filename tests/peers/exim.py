"""A private Exim on loopback that relays every mail to one port.

It runs in a jail, since its configuration's and its users' places are compiled in, and `-C` would
make it give up the rights that it needs. It looks nothing up in DNS.
"""

from types import TracebackType

from peers.daemon import Daemon
from peers.jail import Jail, program_root
from peers.ports import LOOPBACK, answers_220, free_port

PROGRAM = "usr/sbin/exim4"
USER = "Debian-exim"  # compiled in

CONFIGURATION = """\
primary_hostname = mail.company.example
exim_path = /usr/sbin/exim4
spool_directory = /var/spool/exim4
log_file_path = /var/log/exim4/%slog
host_lookup =
rfc1413_query_timeout = 0s
dns_ipv4_lookup = *
keep_environment =
tls_advertise_hosts =
message_size_limit = 50M
# By default the eleventh mail of a connection waits for a queue run.
smtp_accept_queue_per_connection = 0
acl_smtp_rcpt = accept
acl_smtp_data = accept
# Many deliveries at once are what a backlog looks like.
remote_max_parallel = 2
begin routers
out:
  driver = manualroute
  route_list = * {host} byname
  self = send
  transport = out
begin transports
out:
  driver = smtp
  port = {relay}
  # Exim bounces longer lines than RFC 5322's by default.
  message_linelength_limit = {longest}
begin retry
* * F,1h,1s
"""


class Exim:
    """One instance, as a block."""

    def __init__(self, relay: int, longest_line: int = 1_000_000) -> None:
        self._root = program_root("exim4-daemon-light", PROGRAM)
        self._relay, self._longest = relay, longest_line
        self.port = 0

    def __enter__(self) -> "Exim":
        self._daemon = Daemon("exim")
        self._jail = Jail(self._daemon.folder / "jail", self._root, [PROGRAM], [USER])
        self._jail.path(PROGRAM).chmod(0o4755)
        self._jail.write(
            "etc/exim4/exim4.conf",
            CONFIGURATION.format(host=LOOPBACK, relay=self._relay, longest=self._longest),
        )
        self._jail.folder_of(USER, "var/spool/exim4")
        self._jail.folder_of(USER, "var/log/exim4")
        self._jail.folder_of(USER, "run/exim4")
        self.port = free_port()
        command = self._jail.command(f"/{PROGRAM}", "-bdf", "-oX", f"{LOOPBACK}:{self.port}", "-oP", "/run/exim4/pid")
        self._daemon.start(command, lambda: answers_220(self.port))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            print(self.log())
        self._daemon.stop()

    def log(self) -> str:
        """The way of each mail."""
        logs = sorted(self._jail.path("var/log/exim4").glob("*log"))
        return self._daemon.said() + "".join(log.read_text(errors="replace")[-8000:] for log in logs)
