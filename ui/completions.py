"""The OpenAI-compatible door: chat completions and models, for programs that speak that protocol.

The last user message is the question, those before it the conversation; other roles are not read, and settings of a language
model (temperature, …) change nothing, since none writes here. The text has its sources as numbered notes; the whole Answer
stands in the extension field `tanya`, in a stream in the last chunk.
"""

import json
import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Request
from fastapi.openapi.models import Example
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from bot.answer import Answer, Citation
from bot.converse import Turn
from corpus.errors import QuestionInvalid, TanyaError
from ui import examples
from ui.desk import LONGEST_TURN, Desk, with_public_links
from ui.errors import error_response, known_response, responses
from ui.examples import shows
from ui.sse import stream, unless_gone
from ui.texts import TEXTS

MODEL = "tanya-diplomasi"
CREATED = 1_763_942_400
"""When the model's list entry says that it was made: a fixed moment, 24 November 2025."""

USAGE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
"""No language model spends any."""

ROLES: dict[str, Literal["user", "assistant"]] = {"user": "user", "assistant": "assistant"}
"""Roles that are read."""


class TextPart(BaseModel):
    """A part of a message; only texts are read."""

    model_config = ConfigDict(extra="allow")
    type: str
    text: str | None = None


class ChatMessage(BaseModel):
    """A message of the conversation."""

    model_config = ConfigDict(extra="allow")
    role: str = Field(max_length=40)
    content: str | list[TextPart] | None = None


class StreamOptions(BaseModel):
    """What a stream tells beside the text."""

    model_config = ConfigDict(extra="allow")
    include_usage: bool = False


class CompletionRequest(BaseModel):
    """What OpenAI's clients send; unknown fields are let pass."""

    model_config = ConfigDict(extra="allow")
    model: str = MODEL
    messages: list[ChatMessage] = Field(min_length=1, max_length=200)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = None
    language: Literal["id", "en"] | None = None


EXAMPLES = {"question": Example(value={"model": MODEL, "messages": [{"role": "user", "content": "Kapan RCDD 2019 digelar?"}]})}
COMPLETE_RESPONSES = responses(400, 404, 413, 422, 429, 503) | shows(examples.COMPLETION, event_stream=examples.CHUNKS)


def completion_routes(desk: Desk) -> APIRouter:
    """The routes under /v1."""
    router = APIRouter()

    @router.post("/v1/chat/completions", response_class=Response, responses=COMPLETE_RESPONSES)
    async def complete(asked: Annotated[CompletionRequest, Body(openapi_examples=EXAMPLES)], request: Request) -> Response:
        """Answer the last user message, with its sources as numbered notes."""
        if asked.model != MODEL:
            return error_response(404, f"There is no model {asked.model[:100]!r} here, only {MODEL!r}.")
        question, history = conversation(asked.messages)
        work = desk.outcome(desk.start(question, history, asked.language))
        address = desk.config.public_url
        if asked.stream:
            usage = bool(asked.stream_options and asked.stream_options.include_usage)
            return await unless_gone(request.receive, stream(work, lambda answer: chunks(answer, address, usage), _late_error))
        return JSONResponse(completion(await unless_gone(request.receive, work), address))

    @router.get("/v1/models", responses=responses(429) | shows(examples.MODELS))
    def models() -> dict[str, Any]:
        """The one model."""
        return {"object": "list", "data": [_model()]}

    @router.get("/v1/models/{model}", responses=responses(404, 422, 429) | shows(examples.MODEL))
    def one_model(model: str) -> Response:
        """The one model."""
        return JSONResponse(_model()) if model == MODEL else error_response(404, f"There is only the model {MODEL!r}.")

    @router.api_route("/v1/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    def nowhere(rest: str) -> Response:
        return error_response(404, "There is nothing here.")

    return router


def conversation(messages: list[ChatMessage]) -> tuple[str, list[Turn]]:
    """The question and what was said before it. Raises QuestionInvalid where the last message is not the user's."""
    if messages[-1].role != "user":
        raise QuestionInvalid("The last message has to be the user's: it is the question.")
    history: list[Turn] = []
    for message in messages[:-1]:
        if role := ROLES.get(message.role):
            history.append(Turn(role, _text(message)[:LONGEST_TURN]))
    return _text(messages[-1]), history


def completion(answer: Answer, address: str | None) -> dict[str, Any]:
    """The answer as one `chat.completion`."""
    message = {"role": "assistant", "content": "".join(pieces(answer, address)), "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    whole = with_public_links(answer, address).model_dump(mode="json")
    return _frame(answer, "chat.completion") | {"choices": [choice], "usage": USAGE, "tanya": whole}


def chunks(answer: Answer, address: str | None, usage: bool = False) -> list[str]:
    """The same as the events of a stream."""
    frame = _frame(answer, "chat.completion.chunk")

    def chunk(delta: dict[str, Any], reason: str | None = None, **more: Any) -> str:
        return _event(frame | {"choices": [{"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}]} | more)

    said = [chunk({"content": piece}) for piece in pieces(answer, address)]
    last = chunk({}, "stop", tanya=with_public_links(answer, address).model_dump(mode="json"))
    counted = [_event(frame | {"choices": [], "usage": USAGE})] if usage else []
    return [chunk({"role": "assistant", "content": ""}), *said, last, *counted, "data: [DONE]\n\n"]


def pieces(answer: Answer, address: str | None) -> list[str]:
    """The text of the answer, a sentence each, then its notes: what it rests on, or on a refusal the nearest passages."""
    words = TEXTS[answer.language]
    notices = [f"{notice.text}\n\n" for notice in answer.notices]
    if answer.refused:
        near = [f"- {near.title}: “{near.quote}” ({near.reason}) {_link(near.source_url, address)}" for near in answer.nearest]
        return [*notices, answer.answer, *([f"\n\n{words['nearest']}:\n" + "\n".join(near)] if near else [])]
    if not answer.sentences:
        return [*notices, answer.answer]
    marks = [f"{sentence.text} {''.join(f'[{number}]' for number in sentence.citations)}" for sentence in answer.sentences]
    said = [mark if first == 0 else f" {mark}" for first, mark in enumerate(marks)]
    return [*notices, *said, f"\n\n{words['sources']}:\n" + "\n".join(_note(citation, address) for citation in answer.citations)]


def _note(citation: Citation, address: str | None) -> str:
    facts = ", ".join(part for part in dict.fromkeys((citation.title, citation.author, citation.publisher, citation.date)) if part)
    return f"[{citation.number}] {facts}. “{citation.quote}” {_link(citation.source_url, address)}"


def _link(source_url: str, address: str | None) -> str:
    return (address or "") + source_url


def _text(message: ChatMessage) -> str:
    if isinstance(message.content, list):
        return "\n".join(part.text or "" for part in message.content if part.type == "text")
    return message.content or ""


def _frame(answer: Answer, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{answer.answer_id}", "object": kind, "created": int(time.time()), "model": MODEL}


def _model() -> dict[str, Any]:
    return {"id": MODEL, "object": "model", "created": CREATED, "owned_by": MODEL}


def _event(body: Any) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"


def _late_error(error: TanyaError) -> str:
    return _event(json.loads(bytes(known_response(error).body)))
