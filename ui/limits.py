"""What a request may cost: how many of one address, how many at once, how large, how long.

Counters are of this process. The library `limits` counts; loopback is exempt by default, but not what an untrusted proxy
forwards from there, since all the world would then be loopback.
"""

import asyncio
import ipaddress
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.config import Config
from ui.errors import error_response

MAX_BODY = 1_000_000
"""Bytes of a request; a long conversation has a tenth of this."""

TOO_LARGE = f"A request may have {MAX_BODY:,} bytes."

AT_ONCE = 1000
"""Open requests, waiting streams of the chat among them; each holds a little memory and a descriptor of the usual 1,024."""

AT_ONCE_EACH = 200
"""Of these, those of one address that is not exempt. A page of the chat keeps two open, and a campus may have one address."""

COUNTED = ("/api/", "/v1/", "/mcp", "/source/", "/privacy", "/embed/", "/gradio_api/queue/join", "/en/gradio_api/queue/join")
"""What an address may do only so often: all that computes. A page's own files are not counted."""

NOT_COUNTED = "/api/live"

GRACE = 5
"""Seconds a request may take beyond the answer's own limit, for its body to arrive and its error to leave."""

LONG = ("/gradio_api/heartbeat/", "/gradio_api/queue/data", "/api/admin/rebuild")
LONGEST = 3600
"""Seconds of the chat's own two streams, which stay open as long as the page does (the browser opens them again), and of a rebuild's."""

FORWARDED = "tanya.forwarded"
"""In the scope of a request that an untrusted proxy forwarded."""

Settings = Callable[[], Config]


class RateLimit:
    """Refuses an address that asks too often, with the seconds until it may ask again."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.settings = app, settings
        self._counters = Counters()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count and let pass, or refuse."""
        if scope["type"] == "http" and _counted(scope["path"]):
            owner = owner_of(scope, self.settings())
            wait = self._counters.take((self.settings().rate_limit, owner)) if owner else 0
            if wait:
                response = error_response(429, "Too many requests from this address. Come back in a moment.", retry_after=wait)
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)


class Counters:
    """What was asked of late, in memory."""

    def __init__(self) -> None:
        from limits.storage import MemoryStorage
        from limits.strategies import MovingWindowRateLimiter

        self._windows = MovingWindowRateLimiter(MemoryStorage())
        self._lock = threading.Lock()

    def take(self, *shares: tuple[str, ...]) -> int:
        """Count one in each of `shares`, limits (as `60/minute;1000/day`) and a key, where all have room; 0, or seconds until they have."""
        counted = [(limit, key) for limits, *key in shares for limit in _parsed(limits)]
        with self._lock:
            full = [(limit, key) for limit, key in counted if not self._windows.test(limit, *key)]
            for limit, key in counted if not full else ():
                self._windows.hit(limit, *key)
            resets = [self._windows.get_window_stats(limit, *key).reset_time for limit, key in full]
        return max((max(1, round(reset - time.time())) for reset in resets), default=0)


class BodyLimit:
    """Refuses a request whose body is larger than MAX_BODY, declared or not."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the bytes as they come."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not declared.isdigit() or len(declared) > 12 or int(declared) > MAX_BODY:
            await error_response(413, TOO_LARGE)(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > MAX_BODY:
                raise HTTPException(413, TOO_LARGE)
            return message

        await self.app(scope, counted, send)


class TimeLimit:
    """Ends a request that takes too long, and refuses one too many at once."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.settings = app, settings
        self._open: Counter[str] = Counter()
        self._long: set[asyncio.Timeout] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, for its time at most."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        owner = owner_of(scope, self.settings())
        if self._open.total() >= AT_ONCE or (owner and self._open[owner] >= AT_ONCE_EACH):
            await error_response(503, "Too many requests are open. Come back in a moment.", "overloaded")(scope, receive, send)
            return
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        long = any(part in scope["path"] for part in LONG)
        limit = asyncio.timeout(LONGEST if long else self.settings().timeout + GRACE)
        self._open[owner] += 1
        try:
            async with limit:
                if long:
                    self._long.add(limit)
                await self.app(scope, receive, noting)
        except TimeoutError:
            if not started:
                await error_response(503, "The request took too long. Send it again.", "timed_out")(scope, receive, send)
            elif long:
                await send({"type": "http.response.body", "body": b""})
        finally:
            self._long.discard(limit)
            self._open[owner] -= 1
            if not self._open[owner]:
                del self._open[owner]

    def end_long(self) -> None:
        """End the chat's waiting streams now, for a shutdown."""
        for limit in self._long:
            limit.reschedule(asyncio.get_running_loop().time())


def address_of(scope: Scope) -> str:
    """The client's address, "" where it has none."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def is_exempt(scope: Scope, config: Config) -> bool:
    """Whether a request comes from an exempt address, and not through an untrusted proxy there: all the world would then be exempt."""
    return not scope.get(FORWARDED) and is_within(address_of(scope), config.rate_limit_exempt)


def owner_of(scope: Scope, config: Config) -> str:
    """Whom a request counts for: its address (see `subnet`), "" where it is exempt."""
    return "" if is_exempt(scope, config) else subnet(address_of(scope))


def is_within(address: str, networks: tuple[str, ...]) -> bool:
    """Whether an address is in one of the networks; what is no address is in none."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return any((mapped or found) in ipaddress.ip_network(network, strict=False) for network in networks)


def _counted(path: str) -> bool:
    return path.startswith(COUNTED) and path != NOT_COUNTED


def subnet(address: str) -> str:
    """The address; of IPv6 its /64, which one customer has all of."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))


@lru_cache(maxsize=64)
def _parsed(limit: str) -> tuple[Any, ...]:
    from limits import parse_many

    return tuple(parse_many(limit))
