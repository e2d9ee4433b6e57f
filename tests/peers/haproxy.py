"""HAProxy on loopback, which takes connections and passes them on with a PROXY header in front."""

from types import TracebackType
from typing import Literal

from peers.daemon import Daemon
from peers.need import need
from peers.ports import LOOPBACK, free_port, greeting

CONFIGURATION = """\
defaults
  mode tcp
  timeout connect 10s
  timeout client 60s
  timeout server 60s
frontend door
  bind {host}:{port}
  default_backend gateway
backend gateway
  # Another loopback address than the clients', so that the two are not taken for each other.
  source 127.0.0.9
  server one {host}:{relay} {how}
"""


class HaProxy:
    """One instance, as a block; clients come to its `port`."""

    def __init__(self, relay: int, how: Literal["send-proxy", "send-proxy-v2"]) -> None:
        self._program = need("haproxy")
        self._relay, self._how = relay, how
        self.port = 0

    def __enter__(self) -> "HaProxy":
        self._daemon = Daemon("haproxy")
        self.port = free_port()
        file = self._daemon.folder / "haproxy.cfg"
        file.write_text(CONFIGURATION.format(host=LOOPBACK, port=self.port, relay=self._relay, how=self._how))
        self._daemon.start([self._program, "-db", "-f", str(file)], self._is_there)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            print(self._daemon.said())
        self._daemon.stop()

    def _is_there(self) -> bool:
        try:
            greeting(self.port)
        except ConnectionRefusedError:
            return False
        return True
