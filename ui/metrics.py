"""Counters for Prometheus at /metrics, for exempt addresses and whoever has the admin token. No label has a visitor's words in it."""

from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from bot.answer import Answer
from bot.config import Config
from ui import examples
from ui.desk import Desk
from ui.errors import error_response, responses
from ui.examples import shows
from ui.limits import is_exempt
from ui.security import brings_token

SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30)
"""Bounds of the histogram: a file, a search, an answer, and a wait in the queue fall into different ones."""

TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        labels = ("method", "route", "status")
        self._requests = Counter("tanya_requests", "Requests.", labels, registry=self.registry)
        self._seconds = Histogram("tanya_request_seconds", "Seconds a request took.", ("route",), buckets=SECONDS, registry=self.registry)
        self._answers = Counter("tanya_answers", "Answers.", ("language", "outcome"), registry=self.registry)
        self._dropped = Counter("tanya_dropped_sentences", "Sentences whose citation did not hold.", registry=self.registry)
        self._held = Gauge("tanya_questions_held", "Questions in work and waiting.", registry=self.registry)

    def watch(self, desk: Desk) -> None:
        """Read the queue's length off the desk whenever it is asked for."""
        self._held.set_function(lambda: desk.held)

    def served(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def answered(self, answer: Answer) -> None:
        """Count an answer; its outcome is "answered", "courtesy" or the reason of the refusal."""
        self._answers.labels(answer.language, answer.refusal_reason or (answer.model if answer.is_courtesy else "answered")).inc()
        self._dropped.inc(answer.dropped_sentences)

    def text(self) -> bytes:
        """All of it, in Prometheus's format."""
        return generate_latest(self.registry)


def metrics_routes(metrics: Metrics, settings: Callable[[], Config]) -> APIRouter:
    """The route /metrics."""
    router = APIRouter()

    @router.get("/metrics", response_class=Response, responses=responses(401) | shows(None, plain=examples.COUNTERS))
    def show(request: Request) -> Response:
        """Counters for Prometheus."""
        config = settings()
        token = config.admin_token.get_secret_value() if config.admin_token else None
        if is_exempt(request.scope, config) or brings_token(request.headers, token):
            return Response(metrics.text(), media_type=TYPE)
        return error_response(401, "Metrics are for exempt addresses, or with the admin token: `Authorization: Bearer TOKEN`.")

    return router
