"""Errors as every door gives them: `{"error": {"code", "message"}}`, a fitting status, no trace, no echo of a header."""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from corpus.errors import (
    AnswerUnknown,
    DocumentUnknown,
    EmbedLimited,
    EmbedRefused,
    EmbedUnknown,
    QuestionInvalid,
    QuestionTooLong,
    QueueFull,
    TanyaError,
    TimeUp,
    TokenInvalid,
)

LOG = logging.getLogger("tanya")

CODES = {
    400: "malformed",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "busy",
    413: "too_long",
    415: "unsupported_type",
    421: "wrong_host",
    422: "invalid",
    429: "too_many",
    503: "unavailable",
}
CLIENT_GONE = 499
"""Of a request whose client went away: nobody reads it, the log and the metrics show it."""

UNFORESEEN = "Something went wrong here. It has been logged."
"""All that is said of an error that nobody foresaw."""

UNAVAILABLE = "This cannot be answered just now, and it has been logged. Come back in a moment."
"""All that is said of an error of the server's own."""

RETRY = 5
"""Seconds after which to come back, where nothing better is known."""

_STATUS: tuple[tuple[type[TanyaError], int, str], ...] = (
    (QuestionTooLong, 413, "too_long"),
    (QuestionInvalid, 422, "invalid"),
    (DocumentUnknown, 404, "not_found"),
    (AnswerUnknown, 404, "not_found"),
    (EmbedUnknown, 404, "not_found"),
    (TokenInvalid, 401, "token_invalid"),
    (EmbedLimited, 429, "too_many"),
    (EmbedRefused, 403, "forbidden"),
    (QueueFull, 503, "overloaded"),
    (TimeUp, 503, "timed_out"),
)


class ClientGone(Exception):
    """The client went away: there is nobody to tell."""


class Fault(BaseModel):
    """What went wrong: a stable code, and a sentence for people."""

    code: str
    message: str


class ErrorBody(BaseModel):
    """The one shape of an error."""

    error: Fault


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors that a route may give, for its OpenAPI entry."""
    return {
        status: {
            "model": ErrorBody,
            "description": CODES[status].replace("_", " "),
            "content": {"application/json": {"example": {"error": {"code": CODES[status], "message": "What was found and what to do."}}}},
        }
        for status in statuses
    }


def error_response(status: int, message: str, code: str | None = None, retry_after: int | None = None) -> JSONResponse:
    """The one shape of an error; 429 and 503 always say when to come back."""
    headers = {"Retry-After": str(retry_after or RETRY)} if status in (429, 503) else None
    return JSONResponse({"error": fault(status, message, code)}, status, headers)


def fault(status: int, message: str, code: str | None = None) -> dict[str, str]:
    """What stands under "error"."""
    return {"code": code or CODES.get(status, "error"), "message": message}


def known_response(error: TanyaError) -> JSONResponse:
    """The response to one of our own errors; what is none of the asker's doing is 503."""
    status, code = next(((status, code) for kind, status, code in _STATUS if isinstance(error, kind)), (503, "unavailable"))
    return error_response(status, told(error), code, error.retry_after if isinstance(error, QueueFull | EmbedLimited) else None)


def told(error: TanyaError) -> str:
    """What the asker is told. What is none of his doing is logged instead: it names folders and hosts of the server."""
    if isinstance(error, tuple(kind for kind, _, _ in _STATUS)):
        return str(error)
    LOG.warning("%s: %s", type(error).__name__, error)
    return UNAVAILABLE


def add_errors(app: FastAPI) -> None:
    """Make every error of the routes a JSON one."""

    @app.exception_handler(TanyaError)
    def known(_: Request, error: TanyaError) -> JSONResponse:
        return known_response(error)

    @app.exception_handler(ClientGone)
    def gone(_: Request, __: ClientGone) -> Response:
        return Response(status_code=CLIENT_GONE)

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        malformed = any(fault["type"] == "json_invalid" for fault in error.errors())
        faults = "; ".join(f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()[:5])
        return error_response(400 if malformed else 422, _printable(faults))

    @app.exception_handler(HTTPException)
    def http(_: Request, error: HTTPException) -> JSONResponse:
        response = error_response(error.status_code, _printable(str(error.detail)))
        if allowed := (error.headers or {}).get("Allow"):
            response.headers["Allow"] = allowed
        return response

    @app.exception_handler(Exception)
    def unknown(_: Request, __: Exception) -> JSONResponse:
        return error_response(500, UNFORESEEN)


def _printable(text: str) -> str:
    """Half a character, which no JSON can carry, as a question mark."""
    return text.encode("utf-8", "replace").decode()
