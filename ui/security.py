"""What every request and response has to keep to: whose address is believed, which host and origin may call, which headers go out.

- X-Forwarded-For and -Proto count only from a trusted proxy, and no forwarding header reaches the application.
- A host that is neither ours nor a plain address is refused: a page that points its own name at this machine reads nothing.
- Scripts of other sites read /api and /v1 only where `cors_origins` names them; other sites send no votes, and nothing to the other doors.
- Every response has a content policy: its own, or none of anything, or for the chat the strictest that Gradio bears. Its scripts
  are allowed by their hashes; its styles are written by scripts, so 'unsafe-inline' stays for them.
"""

import base64
import contextlib
import hashlib
import hmac
import ipaddress
import logging
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette._utils import get_route_path
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.config import LOOPBACK, Config
from ui.errors import ClientGone, error_response
from ui.joins import Joins
from ui.limits import FORWARDED, address_of, is_within
from ui.log import TRUSTED
from ui.sessions import Sessions

LOG = logging.getLogger("tanya")

Settings = Callable[[], Config]

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
CHAT = (
    "default-src 'none'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'self'; form-action 'none'; object-src 'none'; frame-ancestors 'self'"
)
FEEDBACK = "/api/feedback"
_INLINE = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
_FORWARDING = re.compile(rb"x-forwarded-.*|forwarded|x-real-ip|x-original-.*|x-http-method-override")
_CHAT_DOORS = re.compile(
    r"/?|/(assets|static|svelte)/[\w./-]+|/(theme\.css|favicon\.ico|robots\.txt|manifest\.json)"
    r"|/gradio_api/(queue/(join|data)|heartbeat/\w+|startup-events|theme\.css|app_id|cancel|reset)"
)
"""All that the chat's page asks for. Uploads, files, runs, calls, proxies and the editor of Gradio are no doors here."""

NOT_OURS = "The chat could not do that. Load the page again."


class ClientAddress:
    """Believes a trusted proxy about the client, and nobody else; takes all forwarding headers off."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.settings = settings
        self._bare = _without_forwarding(app)
        self._warned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._bare(scope, receive, send)
            return
        proxies = self.settings().trusted_proxies
        peer = address_of(scope)
        trusted = is_within(peer, proxies)
        forwarded = any(name in (b"x-forwarded-for", b"forwarded") for name, _ in scope["headers"])
        if forwarded and not trusted and not self._warned:
            self._warned = True
            LOG.warning("A proxy that is not trusted forwards requests, so all of them count as its own: see TANYA_TRUSTED_PROXIES.")
        scope = {**scope, TRUSTED: trusted, FORWARDED: forwarded and not trusted}
        app = _believing(self._bare, proxies) if trusted else self._bare
        await app(scope, receive, send)


@lru_cache(maxsize=8)
def _believing(app: ASGIApp, proxies: tuple[str, ...]) -> ASGIApp:
    from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

    return ProxyHeadersMiddleware(app, list(proxies))  # type: ignore[return-value, arg-type]


def _without_forwarding(app: ASGIApp) -> ASGIApp:
    async def bare(scope: Scope, receive: Receive, send: Send) -> None:
        if "headers" in scope:
            scope = {**scope, "headers": [pair for pair in scope["headers"] if not _FORWARDING.fullmatch(pair[0])]}
        await app(scope, receive, send)

    return bare


class SafeHeaders:
    """Puts the headers on every response that has not set them itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; a page without a policy is held back until its scripts are hashed."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        held: Message | None = None
        body = b""

        async def safe(message: Message) -> None:
            nonlocal held, body
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if _is_page(headers):
                    held = message
                    return
                add_headers(headers)
            elif held is not None and message["type"] == "http.response.body":
                body += message.get("body", b"")
                if message.get("more_body"):
                    return
                add_headers(MutableHeaders(scope=held), body)
                await send(held)
                held, message = None, {"type": "http.response.body", "body": body}
            await send(message)

        await self.app(scope, receive, safe)


def add_headers(headers: MutableHeaders, page: bytes | None = None) -> None:
    """Add what is missing; `page` is the chat's HTML, whose scripts its policy names."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Content-Security-Policy", NOTHING if page is None else chat_policy(page))
    ancestors = headers["Content-Security-Policy"].partition("frame-ancestors")[2].split(";")[0].split()
    if ancestors in (["'self'"], ["'none'"]):
        headers.setdefault("X-Frame-Options", "SAMEORIGIN" if ancestors == ["'self'"] else "DENY")
    if headers.get("content-type", "").startswith("application/json"):
        headers.setdefault("Cache-Control", "no-store")


def chat_policy(page: bytes) -> str:
    """The policy of a page that may run just the scripts written into it."""
    digests = sorted({base64.b64encode(hashlib.sha256(script).digest()).decode() for script in _INLINE.findall(page) if script})
    return CHAT.format(hashes=" ".join(f"'sha256-{digest}'" for digest in digests))


def _is_page(headers: Headers) -> bool:
    return headers.get("content-type", "").startswith("text/html") and "content-security-policy" not in headers


class KnownHost:
    """Refuses a request that names a host which is not ours."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let pass or refuse."""
        if scope["type"] == "http" and not is_our_host(Headers(scope=scope).get("host", ""), self.settings()):
            message = "This host is not served here. If it is yours, set TANYA_PUBLIC_URL."
            await error_response(421, message)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def is_our_host(host: str, config: Config) -> bool:
    """Whether `host`, of a Host header, may be served: an address, localhost (RFC 6761: and all names below it), or the name that was set.

    A server that listens to other machines and was given no name answers to all.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    public = urlsplit(config.public_url or "").hostname
    if name in {"localhost", config.host, public} or name.endswith(".localhost") or _is_address(name):
        return True
    return not public and not is_loopback(config.host)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens there."""
    return host == "localhost" or is_within(host, LOOPBACK)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class CrossOrigin(CORSMiddleware):
    """Other sites' scripts: those that are named, on the doors that are meant for them, without credentials."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        allowed = ["Accept", "Authorization", "Content-Type", "Last-Event-ID"]
        super().__init__(app, allow_methods=["GET", "POST"], allow_headers=allowed, expose_headers=["Retry-After", "X-Request-ID"])
        self.settings = settings

    def is_allowed_origin(self, origin: str) -> bool:
        """See CORSMiddleware."""
        return origin in self.settings().cors_origins

    def preflight_response(self, request_headers: Headers) -> Response:
        """See CORSMiddleware; a refusal has the shape of all errors."""
        allowed = super().preflight_response(request_headers)
        if allowed.status_code == 200:
            return allowed
        return error_response(403, "Scripts of other sites may not do that here.")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; at all other doors no other site is told anything or may send anything."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        for_scripts = scope["path"].startswith(("/api/", "/v1/"))
        ours = is_same_site(headers, self.settings())
        named = for_scripts and self.is_allowed_origin(headers.get("origin", ""))
        changes = scope["method"] not in ("GET", "HEAD", "OPTIONS") and (not for_scripts or scope["path"] == FEEDBACK)
        if changes and not ours and not named:
            await error_response(403, "Only pages of this site may do that. Other programs use /api/ask.")(scope, receive, send)
        elif for_scripts:
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)


class ChatDoors:
    """Around Gradio: only what its page needs, errors of one shape, no cross-origin headers of its own."""

    def __init__(self, app: ASGIApp, blocks: Any, has_address: bool) -> None:
        """Around `app` that Gradio made of `blocks`; `has_address` says that it was told the address that people see."""
        self.app, self._joins, self._sessions, self._has_address = app, Joins(blocks), Sessions(blocks), has_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let pass or refuse; a websocket is neither."""
        if scope["type"] != "http":
            return
        if not _CHAT_DOORS.fullmatch(get_route_path(scope)) or ".." in scope["path"]:
            await error_response(404, "There is nothing here.")(scope, receive, send)
            return
        if scope["method"] == "POST" and get_route_path(scope) == "/gradio_api/queue/join":
            join = self._joins.read(await body_of(receive))
            if join is None:
                await error_response(400, NOT_OURS)(scope, receive, send)
                return
            self._sessions.asked(join.session_hash)
            receive = _again(join.model_dump_json().encode(), receive)
        with self._reading(scope):
            await self._enter(scope, receive, send)

    def _reading(self, scope: Scope) -> contextlib.AbstractContextManager[None]:
        """What lasts as long as a page reads its answers."""
        if get_route_path(scope) != "/gradio_api/queue/data":
            return contextlib.nullcontext()
        return self._sessions.reading(parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])[0])

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = 0

        async def plain(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name in [name for name in headers if name.startswith("access-control-")]:
                    del headers[name]
                refused = message["status"] if message["status"] >= 400 else 0
            if not refused:
                await send(message)

        _ask_uncompressed(scope)
        if self._has_address:
            # Gradio then takes that address for the prefix of every path, and would not find what is mounted below another one.
            scope = {**scope, "path": get_route_path(scope), "root_path": ""}
        try:
            await self.app(scope, receive, plain)
        except (LookupError, TypeError, ValueError, AttributeError):
            if not refused:
                raise
            # Gradio looks up what a body names without a check: that is the body's fault.
            refused = 400
        if refused:
            await error_response(refused, NOT_OURS)(scope, receive, send)


async def body_of(receive: Receive) -> bytes:
    """The whole body. Raises ClientGone where it does not come."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    """Receives `body` first, then what is still to come."""
    first: list[Message] = [{"type": "http.request", "body": body}]

    async def again() -> Message:
        return first.pop() if first else await receive()

    return again


def brings_token(headers: Headers, token: str | None) -> bool:
    """Whether a request brings `token` as its bearer; compared in constant time. Where there is none, nothing does."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return bool(token) and scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), (token or "").encode())


def is_same_site(headers: Headers, config: Config) -> bool:
    """Whether a request comes from our own pages, or from no page at all."""
    origin = headers.get("origin")
    try:
        return origin is None or urlsplit(origin).netloc in (headers.get("host"), urlsplit(config.public_url or "").netloc or None)
    except ValueError:
        return False


def _ask_uncompressed(scope: Scope) -> None:
    """Ask Gradio for its page as it is: a compressed one cannot be hashed. The scope is changed in place, for the log reads its route."""
    if get_route_path(scope) in ("", "/"):
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
