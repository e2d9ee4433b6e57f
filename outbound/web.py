"""One HTTP request with a bounded answer: what OAuth 2 and Microsoft Graph need, and no more. RFC 9110.

Redirects are not followed, since a token must go nowhere else. It blocks: call it in a thread. The standard library
is enough for that, and costs a command nothing to load; a connection that is kept would save little, since
the providers allow some thirty mails a minute.
"""

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from config.errors import GatewayError

_MAX_ANSWER = 1_048_576
_MAX_WAIT = 86_400.0


class Unreachable(GatewayError):
    """There was no answer. `was_sent` says whether the request may have arrived."""

    def __init__(self, text: str, *, was_sent: bool) -> None:
        super().__init__(text)
        self.was_sent = was_sent


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """What a web server answered."""

    status: int
    body: bytes
    retry_after: float = 0.0  # seconds; RFC 9110 section 10.2.3


class WebConnection:
    """Connected, and nothing asked yet: so that one can know whether a request may have left."""

    def __init__(self, url: str, timeout: float) -> None:
        """Connect. Raises Unreachable."""
        parts = urlsplit(url)
        self._path = parts.path + (f"?{parts.query}" if parts.query else "")
        host = parts.hostname or ""
        self._http: http.client.HTTPConnection = (
            http.client.HTTPSConnection(host, parts.port, timeout=timeout, context=_tls_context())
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, parts.port, timeout=timeout)
        )
        self.host = parts.netloc
        try:
            self._http.connect()
        except OSError as error:
            self._http.close()
            raise Unreachable(f"cannot reach {self.host}: {error}", was_sent=False) from error

    def post(self, body: bytes, headers: Mapping[str, str]) -> WebAnswer:
        """Send it, read the answer and hang up. Raises Unreachable."""
        try:
            self._http.request("POST", self._path, body, dict(headers))
            answer = self._http.getresponse()
            return WebAnswer(answer.status, answer.read(_MAX_ANSWER), _seconds(answer.getheader("Retry-After")))
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"no answer from {self.host}: {error or type(error).__name__}", was_sent=True) from error
        finally:
            self._http.close()

    def close(self) -> None:
        """Hang up without having asked."""
        self._http.close()


def _seconds(value: str | None) -> float:
    # A date is allowed as well; nobody sends one, and our own waits do then.
    return min(float(value), _MAX_WAIT) if value and value.isascii() and value.isdigit() else 0.0


@cache
def _tls_context() -> ssl.SSLContext:
    return ssl.create_default_context()
