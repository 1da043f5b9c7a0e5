"""The HTTP interface: JSON in, JSON out, and the reader page.

Errors are `{"error": {"code", "message"}}` with a fitting status; they never hold a trace or echo a header.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from bot.answer import Answer
from bot.bot import Bot
from bot.converse import Turn
from corpus.document import Document
from corpus.errors import (
    DocumentUnknown,
    EmbedLimited,
    EmbedRefused,
    EmbedUnknown,
    QuestionInvalid,
    QuestionTooLong,
    TanyaError,
    TokenInvalid,
)
from index.hit import Hit
from index.store import IndexVersion
from ui.embed import Door, embed_routes
from ui.source import CONTENT_POLICY, source_page

STATIC = Path(__file__).parent / "static"
OpenBot = Callable[[], Bot]

_CODES = {
    400: "malformed", 401: "token_invalid", 403: "forbidden", 404: "not_found", 405: "method_not_allowed", 413: "too_long",
    422: "invalid", 429: "too_many",
}  # fmt: skip
_STATUS: tuple[tuple[type[TanyaError], int], ...] = (
    (QuestionTooLong, 413),
    (QuestionInvalid, 422),
    (DocumentUnknown, 404),
    (EmbedUnknown, 404),
    (TokenInvalid, 401),
    (EmbedLimited, 429),
    (EmbedRefused, 403),
)


class AskedTurn(BaseModel):
    """An earlier message of the conversation."""

    model_config = ConfigDict(extra="forbid")
    role: Literal["user", "assistant"]
    content: str = Field(max_length=20_000)


class AskRequest(BaseModel):
    """A question, with what was said before."""

    model_config = ConfigDict(extra="forbid")
    question: str
    history: list[AskedTurn] = Field(default=[], max_length=100)
    language: Literal["id", "en"] | None = None
    k: int | None = Field(default=None, ge=1, le=50)
    embed: str | None = Field(default=None, max_length=100)


def api_routes(open_bot: OpenBot, door: Door | None = None) -> APIRouter:
    """All routes but the chat's; `open_bot` gives the bot that answers now, `door` knows the embeds."""
    router = APIRouter()
    embeds = door or Door()
    router.include_router(embed_routes(open_bot, embeds))

    @router.post("/api/ask")
    def ask(asked: AskRequest, request: Request) -> Answer:
        """Answer a question from the corpus, or refuse."""
        bot = open_bot()
        if asked.embed is not None:
            embeds.admit(request, asked.embed, bot.version.manifest.version)
        history = [Turn(turn.role, turn.content) for turn in asked.history]
        return bot.ask(asked.question, history, asked.language, asked.k)

    @router.get("/api/search")
    def search(q: str, k: Annotated[int, Query(ge=1, le=50)] = 8) -> dict[str, Any]:
        """The passages nearest to a question."""
        bot = open_bot()
        return hits_json(bot.search(q, k), bot.version)

    @router.get("/api/documents")
    def documents() -> dict[str, Any]:
        """All documents, without their texts."""
        return {"documents": [document_json(document) for document in open_bot().version.documents.values()]}

    @router.get("/api/documents/{doc_id}")
    def document(doc_id: str) -> dict[str, Any]:
        """One document with its text."""
        found = open_bot().version.document(doc_id)
        return document_json(found) | {"text": found.text, "sources": [dataclasses.asdict(source) for source in found.sources]}

    @router.get("/api/health")
    def health() -> dict[str, str]:
        """200 once a question can be answered: the search is really run."""
        bot = open_bot()
        bot.search("diplomasi", 1)
        return {"status": "ok", "index_version": bot.version.manifest.version}

    @router.api_route("/api/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    def nowhere(rest: str) -> Response:
        """What is not there: without this the chat, mounted at the root, would answer in its own way."""
        return error_response(404, "There is nothing here.")

    @router.get("/source/{doc_id}", response_class=HTMLResponse)
    def source(doc_id: str, start: int | None = None, end: int | None = None, v: str | None = None, lang: str | None = None) -> Response:
        """The reader page, with a range marked."""
        page = source_page(open_bot().version, doc_id, start, end, v, lang)
        return HTMLResponse(page, headers={"Content-Security-Policy": CONTENT_POLICY})

    return router


def add_errors(app: FastAPI) -> None:
    """Make every error of the routes a JSON one."""

    @app.exception_handler(TanyaError)
    def known(_: Request, error: TanyaError) -> Response:
        status = next((status for kind, status in _STATUS if isinstance(error, kind)), 503)
        headers = {"Retry-After": str(error.retry_after)} if isinstance(error, EmbedLimited) else None
        return error_response(status, str(error), headers)

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError) -> Response:
        malformed = any(fault["type"] == "json_invalid" for fault in error.errors())
        faults = "; ".join(f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()[:5])
        return error_response(400 if malformed else 422, faults)

    @app.exception_handler(HTTPException)
    def http(_: Request, error: HTTPException) -> Response:
        return error_response(error.status_code, str(error.detail))

    @app.exception_handler(Exception)
    def unknown(_: Request, __: Exception) -> Response:
        return error_response(500, "Something went wrong here. It has been logged.")


def error_response(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """The one shape of an error."""
    code = _CODES.get(status, "unavailable" if status == 503 else "error")
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)


def static_files() -> StaticFiles:
    """Style sheets and pictures."""
    return StaticFiles(directory=STATIC)


def hits_json(hits: list[Hit], version: IndexVersion) -> dict[str, Any]:
    """The search result of the contract."""
    return {
        "hits": [
            {
                "chunk_id": hit.chunk.chunk_id,
                "doc_id": hit.chunk.doc_id,
                "title": version.documents[hit.chunk.doc_id].title,
                "start": hit.chunk.start,
                "end": hit.chunk.end,
                "text": hit.chunk.text,
                "score": round(hit.score, 4),
            }
            for hit in hits
        ]
    }


def document_json(document: Document) -> dict[str, Any]:
    """What is said of a document in a list."""
    fields = ("title", "language", "author", "publisher", "date", "updated", "as_of", "url", "license")
    return {"id": document.doc_id} | {name: getattr(document, name) for name in fields} | {"characters": len(document.text)}
