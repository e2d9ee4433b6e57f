"""What Microsoft offers to a program that sends mail: a token server and Graph's sendMail, on loopback.

Refresh tokens rotate: each can be used once, as a strict server would have it (`is_strict`; the real one lets an old
one be used again). RFC 6749, RFC 8628.

    with Microsoft() as peer:
        peer.script("token", Told(429, retry_after=7))
        ...
        assert peer.sent[0].raw == ...
"""

import base64
import json
import threading
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qs

from peers.ports import LOOPBACK

PERSON = "support@company.example"
SECRET = "the-secret-of-the-application"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True, slots=True)
class Told:
    """An answer that a test wants instead of the usual one. Status 0: hang up without one."""

    status: int
    body: str = ""
    retry_after: int = 0
    done: bool = False  # do what was asked all the same, and then answer this


@dataclass(frozen=True, slots=True)
class Posted:
    """A mail that Graph has taken."""

    path: str
    token: str
    raw: bytes


class Microsoft:
    """The server: a thread for each request."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.sent: list[Posted] = []
        self.has_signed_in = threading.Event()
        self.lifetime = 3600
        self.is_strict = True
        self.directory = "11111111-1111-1111-1111-111111111111"  # of who signs in
        self._lock = threading.Lock()
        self._told: dict[str, deque[Told]] = {}
        self._refresh: set[str] = set()
        self._access: set[str] = set()
        self._count = 0
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                peer.answer(self)

            def do_GET(self) -> None:
                peer.tell_of_token(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self.url = f"http://{LOOPBACK}:{self._server.server_port}"

    def __enter__(self) -> "Microsoft":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def settings(self, **more: str) -> dict[str, str]:
        """A section [office365] that leads here."""
        return {"client_id": "app", "tenant": "company.example", "authority": self.url, "graph": self.url} | more

    def script(self, what: str, *told: Told) -> None:
        """What the next requests hear: what is `devicecode`, `token` or `sendMail`."""
        self._told.setdefault(what, deque()).extend(told)

    def asked(self, grant: str) -> int:
        """How often tokens were asked for with this grant."""
        with self._lock:
            return sum(form.get("grant_type") == grant for form in self.forms)

    def new_refresh_token(self) -> str:
        """A refresh token as if somebody had signed in."""
        with self._lock:
            return self._new("refresh", self._refresh)

    def is_good(self, access_token: str) -> bool:
        """Whether this token was given out here, and not taken back."""
        return access_token in self._access

    def take_back(self) -> None:
        """All access tokens so far are worth nothing."""
        self._access.clear()

    def revoke(self) -> None:
        """All refresh tokens so far are worth nothing."""
        self._refresh.clear()

    def tell_of_token(self, request: BaseHTTPRequestHandler) -> None:
        """Whose a token is, for a server that is shown one: 401 when it is nobody's."""
        token = request.path.partition("access_token=")[2]
        known = {"email": "support@company.example"} if self.is_good(token) else {"error": "invalid_token"}
        self._say(request, 200 if self.is_good(token) else 401, json.dumps(known), None)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        what = request.path.rpartition("/")[2]
        with self._lock:
            waiting = self._told.get(what)
            told = waiting.popleft() if waiting else None
            usual = self._usual(what, request, body) if told is None or told.done else (0, {})
        if told and not told.status:
            request.close_connection = True
            return
        status, value = usual
        self._say(request, told.status if told else status, told.body if told else json.dumps(value), told)

    def _usual(self, what: str, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, object]]:
        if what == "sendMail":
            return self._send(request, body)
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self.forms.append(form)
        if what == "devicecode":
            return 200, {
                "device_code": "device", "user_code": "ABCD-EFGH", "verification_uri": "https://microsoft.example/device",
                "expires_in": 900, "interval": 0,
            }  # fmt: skip
        return self._token(form)

    def _token(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        grant = form.get("grant_type")
        if grant == DEVICE_GRANT and not self.has_signed_in.is_set():
            return 400, {"error": "authorization_pending"}
        if grant == "client_credentials" and form.get("client_secret") != SECRET:
            return 401, {
                "error": "invalid_client",
                "error_description": "AADSTS7000215: Invalid client secret provided.",
            }
        if grant == "refresh_token":
            if form["refresh_token"] not in self._refresh:
                return 400, {"error": "invalid_grant", "error_description": "AADSTS50173: The grant has expired."}
            if self.is_strict:
                self._refresh.discard(form["refresh_token"])
        tokens: dict[str, object] = {"access_token": self._new("access", self._access), "expires_in": self.lifetime}
        if grant != "client_credentials":
            tokens["refresh_token"] = self._new("refresh", self._refresh)
        if grant == DEVICE_GRANT:
            tokens["id_token"] = f"e30.{_encoded({'preferred_username': PERSON, 'tid': self.directory})}.e30"
        return 200, tokens

    def _send(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, object]]:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self._access:
            return 401, {"error": {"code": "InvalidAuthenticationToken", "message": "Access token has expired."}}
        self.sent.append(Posted(request.path, token, base64.b64decode(body)))
        return 202, {}

    def _new(self, kind: str, kept: set[str]) -> str:
        self._count += 1
        kept.add(f"{kind}-{self._count}")
        return f"{kind}-{self._count}"

    @staticmethod
    def _say(request: BaseHTTPRequestHandler, status: int, body: str, told: Told | None) -> None:
        request.send_response(status)
        if told and told.retry_after:
            request.send_header("Retry-After", str(told.retry_after))
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body.encode())))
        request.end_headers()
        request.wfile.write(body.encode())


def _encoded(value: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
