"""The HTTP interface: JSON in, JSON or server-sent events out, and the reader page."""

import asyncio
import dataclasses
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query, Request
from fastapi.openapi.models import Example
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

from bot.answer import Answer
from bot.converse import Turn
from corpus.document import Document
from index.hit import Hit
from index.store import IndexVersion
from ui import examples
from ui.desk import LONGEST_TURN, Desk
from ui.embed import Door
from ui.errors import error_response, responses
from ui.examples import shows
from ui.source import CONTENT_POLICY, source_page
from ui.sse import HEADERS, TYPE, answer_events, error_event, left_of, stream, unless_gone

STATIC = Path(__file__).parent / "static"


class AskedTurn(BaseModel):
    """An earlier message of the conversation."""

    model_config = ConfigDict(extra="forbid")
    role: Literal["user", "assistant"]
    content: str = Field(max_length=LONGEST_TURN)


class AskRequest(BaseModel):
    """A question, with what was said before."""

    model_config = ConfigDict(extra="forbid")
    question: str
    history: list[AskedTurn] = Field(default=[], max_length=100)
    language: Literal["id", "en"] | None = None
    k: int | None = Field(default=None, ge=1, le=50)
    embed: str | None = Field(default=None, max_length=100)


class FoundPassage(BaseModel):
    """A passage: `text` is characters `start` to `end` of the document's text."""

    chunk_id: str
    doc_id: str
    title: str
    start: int
    end: int
    text: str
    score: float


class Found(BaseModel):
    """The nearest passages, best first."""

    hits: list[FoundPassage]


class ListedDocument(BaseModel):
    """What is said of a document in a list."""

    id: str
    title: str
    language: str
    author: str | None
    publisher: str | None
    date: str | None
    updated: str | None
    as_of: str | None
    url: str | None
    license: str | None
    characters: int


class ListedDocuments(BaseModel):
    """All documents."""

    documents: list[ListedDocument]


class WorkCited(BaseModel):
    """A published work that the document rests on."""

    key: str
    title: str
    publisher: str | None
    author: str | None
    date: str | None
    url: str | None
    language: str | None


class WholeDocument(ListedDocument):
    """A document with its text, which every offset counts in."""

    text: str
    sources: list[WorkCited]


class Health(BaseModel):
    """That questions can be answered, and from which index."""

    status: Literal["ok"]
    index_version: str


class Version(BaseModel):
    """What runs here."""

    version: str
    index_version: str
    index_created: str
    embedding_model: str
    documents: int
    chunks: int
    sentences: int


ASK_EXAMPLES: dict[str, Example] = {
    "Indonesian": {"value": {"question": "Kapan RCDD 2019 digelar?"}},
    "follow-up": {
        "value": {
            "question": "Siapa yang membukanya?",
            "history": [{"role": "user", "content": "Kapan RCDD 2019 digelar?"}],
            "language": "id",
        }
    },
}
ASK_RESPONSES = responses(400, 401, 403, 404, 413, 422, 429, 503) | shows(examples.ANSWER, event_stream=examples.EVENTS)
ASK_RESPONSES[200]["description"] = (
    "The answer, or a refusal; with `Accept: text/event-stream` as the events sources, sentence, done, error."
)


def api_routes(desk: Desk, door: Door) -> APIRouter:
    """The routes of the contract under /api, and the reader page; `door` lets the questions of embeds in."""
    router = APIRouter()

    @router.post("/api/ask", responses=ASK_RESPONSES, response_model=Answer)
    async def ask(asked: Annotated[AskRequest, Body(openapi_examples=ASK_EXAMPLES)], request: Request) -> Any:
        """Answer a question from the corpus, or refuse. A client that goes away stops the work."""
        if asked.embed is not None:
            door.admit(request, asked.embed, desk.bot.version.manifest.version)
        streams = TYPE in request.headers.get("accept", "")
        if streams and (left := left_of(desk, request.headers.get("last-event-id"), asked.question)) is not None:
            return Response("".join(left), media_type=TYPE, headers=HEADERS)
        history = [Turn(turn.role, turn.content) for turn in asked.history]
        work = desk.outcome(desk.start(asked.question, history, asked.language, asked.k))
        return await unless_gone(request.receive, stream(work, answer_events, error_event) if streams else work)

    @router.get("/api/search", responses=responses(413, 422, 429, 503) | shows(examples.FOUND))
    async def search(
        q: Annotated[str, Query(openapi_examples={"words": {"value": "perlindungan WNI"}})],
        k: Annotated[int, Query(ge=1, le=50)] = 8,
    ) -> Found:
        """The passages nearest to a question."""
        hits, bot = await desk.outcome(desk.start_search(q, k))
        return Found.model_validate(hits_json(hits, bot.version))

    @router.get("/api/documents", responses=responses(429, 503) | shows(examples.DOCUMENTS))
    def documents() -> ListedDocuments:
        """All documents, without their texts."""
        listed = desk.bot.version.documents.values()
        return ListedDocuments.model_validate({"documents": [document_json(document) for document in listed]})

    @router.get("/api/documents/{doc_id}", responses=responses(404, 422, 429, 503) | shows(examples.DOCUMENT))
    def document(doc_id: str) -> WholeDocument:
        """One document with its text."""
        found = desk.bot.version.document(doc_id)
        works = [dataclasses.asdict(source) for source in found.sources]
        return WholeDocument.model_validate(document_json(found) | {"text": found.text, "sources": works})

    @router.get("/api/version", responses=responses(429, 503) | shows(examples.VERSION))
    def version() -> Version:
        """What runs here."""
        made = desk.bot.version.manifest
        return Version(
            version=package_version("tanya-diplomasi"), index_version=made.version, index_created=made.created,
            embedding_model=made.model, documents=made.documents, chunks=made.chunks, sentences=made.sentences,
        )  # fmt: skip

    @router.get("/source/{doc_id}", response_class=Response, responses=responses(404, 422, 429, 503) | shows(None, html=examples.PAGE))
    def source(doc_id: str, start: int | None = None, end: int | None = None, v: str | None = None, lang: str | None = None) -> Response:
        """The reader page, with a range marked."""
        page = source_page(desk.bot.version, doc_id, start, end, v, lang)
        return HTMLResponse(page, headers={"Content-Security-Policy": CONTENT_POLICY})

    return router


def health_routes(desk: Desk) -> APIRouter:
    """Whether the program runs, and whether it can answer."""
    router = APIRouter()

    @router.get("/api/live", responses=shows(examples.LIVE))
    def live() -> dict[str, str]:
        """200 as long as the program runs."""
        return {"status": "ok"}

    @router.get("/api/health", responses=responses(503) | shows(examples.HEALTH))
    async def health() -> Health:
        """200 once a question can be answered: the search is really run, and does not wait behind those that are asked."""
        bot = desk.bot
        await asyncio.to_thread(bot.search, "diplomasi", 1)
        return Health(status="ok", index_version=bot.version.manifest.version)

    return router


def nowhere_routes() -> APIRouter:
    """What is not there, added last: without this the chat, mounted at the root, would answer in its own way."""
    router = APIRouter()

    @router.api_route("/api/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    def nowhere(rest: str) -> Response:
        return error_response(404, "There is nothing here.")

    return router


def static_files() -> ASGIApp:
    """Style sheets, scripts and pictures, compressed for browsers that can read that."""
    return GZipMiddleware(StaticFiles(directory=STATIC))


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
