"""Rebuilding over HTTP, for a webhook: `POST /api/admin/rebuild` with the bearer token of TANYA_ADMIN_TOKEN.

Without a token there is no such route. One rebuild runs at a time; it goes on when the one who asked hangs up.
With `Accept: text/event-stream` the answer is its progress (events progress, then done or error), else 202 at once;
`GET` says how the last one ended.
"""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from bot.assemble import rebuild
from bot.bot import Bot
from bot.publish import Report, Watch
from corpus.errors import TanyaError
from ui import examples
from ui.errors import UNFORESEEN, error_response, responses
from ui.examples import shows
from ui.security import brings_token

LOG = logging.getLogger("tanya")

ALIVE = 15.0
"""Seconds after which a stream without news says that it is still there; proxies close silent ones after 30 to 60."""

STAGES = {"start": "texts", "questions": "questions", "documents": "documents"}
"""What begins a stage of a build -> what is counted there."""

Rebuild = Callable[[Watch], Report]


def rebuilding(open_bot: Callable[[], Bot], look: Callable[[], None]) -> Rebuild:
    """Builds from the corpus of the bot's settings, and has the new version taken up before it returns."""

    def build(watch: Watch) -> Report:
        bot = open_bot()
        report = rebuild(bot.config, bot.retriever.embedder, bot.reader, watch)
        look()
        return report

    return build


class Run:
    """One rebuild, and what it told so far."""

    def __init__(self, rebuild: Rebuild) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._news = threading.Condition()
        self._stage, self._done, self._total = "", 0, 0
        self._rebuild = rebuild
        threading.Thread(target=self._run, name="rebuild", daemon=True).start()

    @property
    def ended(self) -> bool:
        """Whether the last event has been told."""
        return bool(self.events) and self.events[-1][0] in ("done", "error")

    def stream(self) -> Iterator[str]:
        """All events, as they come."""
        sent = 0
        while True:
            with self._news:
                self._news.wait_for(lambda seen=sent: len(self.events) > seen, ALIVE)  # type: ignore[misc]
                new = self.events[sent:]
            sent += len(new)
            for name, content in new:
                yield f"event: {name}\ndata: {json.dumps(content, ensure_ascii=False)}\n\n"
            if new and new[-1][0] in ("done", "error"):
                return
            if not new:
                yield ": still at work\n\n"

    def _tell(self, name: str, content: dict[str, Any]) -> None:
        with self._news:
            self.events.append((name, content))
            self._news.notify_all()

    def _watch(self, event: str, count: int) -> None:
        if event in STAGES:
            self._stage, self._done, self._total = STAGES[event], 0, count
        else:
            self._done += count
        self._tell("progress", {"stage": self._stage, "done": self._done, "total": self._total})

    def _run(self) -> None:
        try:
            self._tell("done", self._rebuild(self._watch).model_dump())
        except TanyaError as error:
            LOG.warning("Rebuild failed: %s", error)
            self._tell("error", {"code": type(error).__name__, "message": str(error)})
        except Exception:
            LOG.exception("Rebuild failed.")
            self._tell("error", {"code": "error", "message": UNFORESEEN})


def admin_routes(read_token: Callable[[], str | None], rebuild: Rebuild) -> APIRouter:
    """The routes; while there is no token they are not found. `rebuild` builds and puts the new version to use."""
    router = APIRouter()
    starting = threading.Lock()
    last: list[Run] = []

    def refused(request: Request) -> Response | None:
        token = read_token()
        if not token:
            return error_response(404, "There is nothing here.")
        if brings_token(request.headers, token):
            return None
        response = error_response(401, "This needs the header `Authorization: Bearer …` with the token of TANYA_ADMIN_TOKEN.")
        response.headers["WWW-Authenticate"] = "Bearer"
        return response

    def start(request: Request) -> Response:
        """Rebuild the index from the corpus."""
        if no := refused(request):
            return no
        with starting:
            if last and not last[0].ended:
                busy = error_response(409, "A rebuild is under way. GET /api/admin/rebuild says when it has ended.")
                busy.headers["Retry-After"] = "10"
                return busy
            last[:] = [Run(rebuild)]
            run = last[0]
        if "text/event-stream" in request.headers.get("accept", ""):
            return StreamingResponse(run.stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})
        return JSONResponse({"status": "started"}, 202)

    def state(request: Request) -> Response:
        """How the last rebuild stands or ended."""
        if no := refused(request):
            return no
        name, content = last[0].events[-1] if last and last[0].events else ("none", {})
        return JSONResponse({"running": bool(last) and not last[0].ended, "event": name, "content": content})

    refusals = responses(401, 404)
    started = refusals | responses(409) | shows(examples.STARTED, 202, event_stream=examples.PROGRESS)
    route: dict[str, Any] = {"path": "/api/admin/rebuild", "response_class": Response, "response_model": None}
    router.add_api_route(**route, endpoint=start, methods=["POST"], status_code=202, responses=started)
    router.add_api_route(**route, endpoint=state, methods=["GET"], responses=refusals | shows(examples.REBUILD))
    return router
