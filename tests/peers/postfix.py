"""A private Postfix on loopback: a real mail server that forwards, relays, pipes or holds.

Its configuration, queue and log lie in a folder of their own, so the machine's Postfix, if
there is one, is not touched. Only root can start it, because its master gives up root for the
users that Debian's package made. It looks nothing up in DNS and knows no way out of the machine.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from peers.lastwill import LastWill
from peers.need import need, need_root
from peers.ports import LOOPBACK, answers_220, free_port, until

START_SECONDS = 20.0
STOP_SECONDS = 30.0

# service type private unpriv chroot wakeup maxproc command. Without showq the queue cannot be listed.
MASTER = f"""\
{LOOPBACK}:{{port}} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True, slots=True)
class Routes:
    """What this Postfix does with mail for whom; what is not named bounces."""

    # support@company.example -> the address that its mail is forwarded to.
    aliases: Mapping[str, str] = field(default_factory=dict)
    # A domain -> a port on loopback, or a transport in Postfix's words ("lmtp:unix:/path").
    relays: Mapping[str, int | str] = field(default_factory=dict)
    # A domain -> a command; ${recipient} and ${sender} stand for the envelope, <> for the null sender.
    pipes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    pipe_user: str = "nobody"  # Postfix refuses to run a command as root
    # Keep every mail in the queue on disk, synced, and deliver none: what a benchmark compares with.
    hold: bool = False


@dataclass(frozen=True, slots=True)
class QueuedMail:
    """One mail in the queue, with why each recipient waits."""

    queue: str
    sender: str
    recipients: tuple[str, ...]
    reasons: tuple[str, ...]


class Postfix:
    """One instance, from `start` to `stop`; it works as a block too."""

    def __init__(self, routes: Routes, settings: Mapping[str, str] | None = None) -> None:
        need_root("Postfix's master starts as root")
        self._postfix = need("postfix")
        self._routes = routes
        self._settings = dict(settings or {})
        self._will: LastWill | None = None
        self.folder = Path()
        self.port = 0

    def start(self) -> None:
        """Write the configuration, start, and wait until it greets."""
        # Its processes run as the user postfix: they must be able to walk in. mkdtemp lets nobody.
        self.folder = Path(tempfile.mkdtemp(prefix="gateway-postfix-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        self._configure()
        undo = f"{self._postfix} -c {self.folder}/config abort; rm -rf {self.folder}"
        self._will = LastWill(["/bin/sh", "-c", undo])
        started = self._command("postfix", "start")
        try:
            until(lambda: answers_220(self.port), START_SECONDS, "Postfix greets")
        except TimeoutError:
            complaint = f"{started.stderr} {self.log()}"
            self.stop()
            raise RuntimeError(f"Postfix did not start: {complaint}") from None

    def stop(self) -> None:
        """Stop it and remove its folder, with every mail that is still queued."""
        if self._will is None:
            return
        self._command("postfix", "stop")
        self._will.dismiss()
        self._will = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """The end of its log, which tells the way of each mail."""
        log = self.folder / "log"
        return log.read_text(errors="replace")[-8000:] if log.exists() else ""

    def queue(self) -> list[QueuedMail]:
        """What waits in its queue."""
        listed = self._command("postqueue", "-j").stdout
        return [_queued(line) for line in listed.splitlines()]

    def held(self) -> int:
        """How many mails are on hold, counted on disk: quick enough to ask while a benchmark runs."""
        return sum(1 for _ in (self.folder / "queue" / "hold").iterdir())

    def retry(self) -> None:
        """Try all deferred mail again now."""
        self._command("postqueue", "-f")

    def empty(self) -> None:
        """Remove every mail from the queue."""
        self._command("postsuper", "-d", "ALL")

    def __enter__(self) -> "Postfix":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            print(self.log())
        self.stop()

    def _command(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [need(name), "-c", str(self.folder / "config"), *words],
            capture_output=True, text=True, timeout=STOP_SECONDS, check=False, cwd="/",
        )  # fmt: skip

    def _configure(self) -> None:
        config = self.folder / "config"
        for name, owner in (("config", "root"), ("queue", "root"), ("data", "postfix")):
            (self.folder / name).mkdir()
            shutil.chown(self.folder / name, owner)
        _write_table(config / "aliases", self._routes.aliases)
        _write_table(config / "transport", self._transports())
        main = _main(self.folder, self._routes) | self._settings
        (config / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in main.items()))
        pipes = [_pipe(number, argv, self._routes.pipe_user) for number, argv in enumerate(self._routes.pipes.values())]
        (config / "master.cf").write_text(MASTER.format(port=self.port) + "".join(pipes))

    def _transports(self) -> dict[str, str]:
        ways = {domain: f"pipe{number}:" for number, domain in enumerate(self._routes.pipes)}
        for domain, way in self._routes.relays.items():
            # The brackets forbid a look-up of MX records.
            ways[domain] = f"smtp:[{LOOPBACK}]:{way}" if isinstance(way, int) else way
        return ways


def _main(folder: Path, routes: Routes) -> dict[str, str]:
    """main.cf: a server that relays for loopback, by the tables beside it and no other way."""
    asked = subprocess.run(
        [need("postconf"), "-d", "command_directory", "daemon_directory", "meta_directory", "shlib_directory"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    installed = dict(line.split(" = ", 1) for line in asked.stdout.splitlines())
    ours = {
        "compatibility_level": "3.6",
        "queue_directory": f"{folder}/queue",
        "data_directory": f"{folder}/data",
        "maillog_file": f"{folder}/log",
        "maillog_file_prefixes": str(folder),
        "myhostname": "mail.company.example",
        "inet_interfaces": LOOPBACK,
        "inet_protocols": "ipv4",
        "mynetworks": "127.0.0.0/8",
        "mydestination": "",
        "alias_maps": "",
        "local_recipient_maps": "",
        "virtual_alias_maps": f"texthash:{folder}/config/aliases",
        "virtual_alias_domains": " ".join({address.rpartition("@")[2]: None for address in routes.aliases}),
        "transport_maps": f"texthash:{folder}/config/transport",
        # Held mail goes nowhere, so it may be for anybody.
        "default_transport": f"smtp:[{LOOPBACK}]:9" if routes.hold else "error:5.1.2 no way out of this machine",
        "smtp_dns_support_level": "disabled",
        "smtp_host_lookup": "native",
        "smtpd_relay_restrictions": "permit_mynetworks, reject",
        "smtpd_client_restrictions": "check_client_access static:HOLD" if routes.hold else "",
        "smtpd_peername_lookup": "no",
        # Deferred mail is tried again after seconds, as no server in the world would.
        "queue_run_delay": "1s",
        "minimal_backoff_time": "1s",
        "maximal_backoff_time": "2s",
        "message_size_limit": "52428800",
        # The limits per client would slow down a benchmark, which is one client.
        "smtpd_client_connection_count_limit": "0",
        "notify_classes": "",
    }
    return installed | ours


def _pipe(number: int, argv: Sequence[str], user: str) -> str:
    """A master.cf entry for a command; braces keep words with spaces together."""
    words = " ".join(f"{{{word}}}" if " " in word else word for word in argv)
    return f"pipe{number} unix - n n - - pipe\n  user={user} null_sender=<> argv={words}\n"


def _write_table(path: Path, rows: Mapping[str, str]) -> None:
    path.write_text("".join(f"{key} {value}\n" for key, value in rows.items()))


def _queued(line: str) -> QueuedMail:
    found = json.loads(line)
    recipients = found["recipients"]
    return QueuedMail(
        queue=found["queue_name"],
        sender=found["sender"],
        recipients=tuple(one["address"] for one in recipients),
        reasons=tuple(one.get("delay_reason", "") for one in recipients),
    )
