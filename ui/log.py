"""A request has an id and one line in the log: JSON or for people, never with the question, an address or a header's value.

The id stands in the response's `X-Request-ID` and in every line that is written while the request is served, those of the
thread that answers too. What a client sends as its id is believed only through a trusted proxy, and only if it looks like one.
"""

import json
import logging
import re
import sys
import time
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.answer import Answer
from bot.config import Config
from ui.errors import CLIENT_GONE, UNFORESEEN, error_response

LOG = logging.getLogger("tanya.requests")
ANSWERS = logging.getLogger("tanya.answers")

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
TRUSTED = "tanya.trusted"
"""In the scope of a request that a trusted proxy forwarded."""

_GIVEN_ID = re.compile(rb"[A-Za-z0-9_-]{8,64}")

Told = Callable[[str, str, int, float], None]
"""Told method, route, status and seconds of each request."""


class RequestLog:
    """Gives a request its id and writes its line, also where it failed."""

    def __init__(self, app: ASGIApp, told: Told = lambda method, route, status, seconds: None) -> None:
        self.app, self.told = app, told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _given_id(scope) or uuid.uuid4().hex
        began, status = time.perf_counter(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        token = REQUEST_ID.set(request_id)
        try:
            await self.app(scope, receive, noting)
        except Exception:
            LOG.exception("A request failed in a way that was not foreseen.")
            if not status:
                await error_response(500, UNFORESEEN)(scope, receive, noting)
        finally:
            seconds = time.perf_counter() - began
            method, route = _method(scope), route_of(scope)
            self.told(method, route, status or CLIENT_GONE, seconds)
            fields = {"method": method, "route": route, "status": status or CLIENT_GONE, "ms": round(seconds * 1000, 1)}
            LOG.info("request", extra={"fields": fields})
            REQUEST_ID.reset(token)


def answer_line(settings: Callable[[], Config]) -> Callable[[Answer], None]:
    """What writes a line an answer; the question's text stands in it only where that is set."""

    def write(answer: Answer) -> None:
        fields: dict[str, Any] = {"answer_id": answer.answer_id, "language": answer.language, "refused": answer.refused}
        fields |= {"reason": answer.refusal_reason, "sentences": len(answer.sentences), "index_version": answer.index_version}
        fields |= {"ms": answer.timings_ms.get("total")}
        if settings().log_questions:
            fields["question"] = answer.question
        ANSWERS.info("answer", extra={"fields": fields})

    return write


def route_of(scope: Scope) -> str:
    """The route's pattern, never the path that was asked for: that is the client's to write."""
    route = scope.get("route")
    path = getattr(route, "path_format", None) or getattr(route, "path", None)
    return str(path) if path is not None else "(none)"


def configure_logging(style: str) -> None:
    """Send all that is logged to stderr, a line an event. `style` is "json" or "console"."""
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(JsonLines() if style == "json" else ConsoleLines())
    logging.basicConfig(level=logging.WARNING, handlers=[out], force=True)
    logging.getLogger("tanya").setLevel(logging.INFO)


class JsonLines(logging.Formatter):
    """A JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        return json.dumps(_fields(self, record), ensure_ascii=True, default=str)


class ConsoleLines(logging.Formatter):
    """Time, level, event, then name=value; what would break the line or colour the terminal is escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        fields = _fields(self, record)
        trace = fields.pop("trace", "")
        start = f"{fields.pop('time')} {fields.pop('level'):7} {one_line(fields.pop('event'))}"
        rest = " ".join(f"{name}={one_line(value)}" for name, value in fields.items() if value is not None)
        indented = "".join(f"\n    {one_line(line)}" for line in trace.splitlines())
        return f"{start}  {rest}{indented}".rstrip()


def _fields(formatter: logging.Formatter, record: logging.LogRecord) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": record.getMessage(),
        "request_id": REQUEST_ID.get(),
        **getattr(record, "fields", {}),
    }
    if record.exc_info:
        fields["trace"] = formatter.formatException(record.exc_info)
    return fields


def one_line(value: Any) -> str:
    """A value as one line that a terminal only shows: what is no printable character is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(value))


def _given_id(scope: Scope) -> str | None:
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    return given.decode() if scope.get(TRUSTED) and _GIVEN_ID.fullmatch(given) else None


def _method(scope: Scope) -> str:
    """The method, if it is one: a client may write any word there."""
    return scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "(other)"
