"""An answer as server-sent events: sources, then a sentence each, then done; or error.

Each event has the id `ANSWER.N`. A client whose stream broke asks again with `Last-Event-ID` and gets what is left of the
same answer, as long as it is remembered; else it is answered anew, from `sources` on. A comment is sent while there is nothing
to say, so that no proxy takes the silence for an end.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from starlette.responses import StreamingResponse
from starlette.types import Message

from bot.answer import Answer
from corpus.errors import AnswerUnknown, TanyaError
from ui.desk import Desk
from ui.errors import UNFORESEEN, ClientGone, known_response

LOG = logging.getLogger("tanya")

TYPE = "text/event-stream"
PATIENCE = 5.0
"""Seconds until the stream begins without an answer. A status can be told only before: an early error is a plain one."""

QUIET = 10.0
"""Seconds between comments while an answer waits; nginx gives a silent server up after 60."""

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

T = TypeVar("T")


def event(name: str, body: Any, event_id: str | None = None) -> str:
    """One event; JSON has no line breaks of its own, so its data is one line."""
    identity = f"id: {event_id}\n" if event_id else ""
    return f"{identity}event: {name}\ndata: {json.dumps(body, ensure_ascii=False)}\n\n"


def answer_events(answer: Answer, after: int = 0) -> list[str]:
    """The events of an answer, but for the first `after`."""
    whole = answer.model_dump(mode="json")
    told = ("answer_id", "question", "standalone_question", "language", "refused", "refusal_reason", "citations", "nearest", "notices")
    bodies = [("sources", {name: whole[name] for name in told})]
    bodies += [("sentence", {"index": index} | sentence) for index, sentence in enumerate(whole["sentences"])]
    bodies.append(("done", whole))
    numbered = [event(name, body, f"{answer.answer_id}.{number}") for number, (name, body) in enumerate(bodies, start=1)]
    return numbered[after:]


def left_of(desk: Desk, last_event_id: str | None, question: str) -> list[str] | None:
    """What a client has not seen of the answer that it was reading; None where that is not remembered or answers something else."""
    answer_id, _, number = (last_event_id or "").rpartition(".")
    try:
        answer = desk.remembered(answer_id)
    except AnswerUnknown:
        return None
    if answer.question != question or not (number.isascii() and number.isdecimal() and len(number) < 6):
        return None
    return answer_events(answer, int(number))


async def stream(awaited: Awaitable[T], events: Callable[[T], list[str]], failed: Callable[[TanyaError], str]) -> StreamingResponse:
    """The `events` of what is awaited. Raises what it raises within PATIENCE; later that is told by `failed`, in the stream."""
    work = asyncio.ensure_future(awaited)
    try:
        await asyncio.wait({work}, timeout=PATIENCE)
        if work.done():
            work.result()
    except BaseException:
        work.cancel()
        raise

    async def body() -> AsyncIterator[str]:
        try:
            while not work.done():
                yield ": waiting\n\n"
                await asyncio.wait({work}, timeout=QUIET)
            for text in events(work.result()):
                yield text
        except TanyaError as error:
            yield failed(error)
        except Exception:
            LOG.exception("An answer failed in a way that was not foreseen.")
            yield failed(TanyaError(UNFORESEEN))
        finally:
            work.cancel()

    return StreamingResponse(body(), media_type=TYPE, headers=HEADERS)


def error_event(error: TanyaError) -> str:
    """An error that came after the stream had begun."""
    return event("error", json.loads(bytes(known_response(error).body)))


async def unless_gone(receive: Callable[[], Awaitable[Message]], awaited: Awaitable[T]) -> T:
    """What is awaited; it is cancelled, and ClientGone raised, when the client goes away first."""
    work, gone = asyncio.ensure_future(awaited), asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ClientGone
        return work.result()
    finally:
        work.cancel()
        gone.cancel()


async def _gone(receive: Callable[[], Awaitable[Message]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
