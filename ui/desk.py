"""The desk that every door brings its questions to: bounded, timed, stopped when nobody waits, and the same for all.

`concurrency` threads work, `queue` questions wait, the next one is refused with QueueFull. What nobody waits for is taken
out of the queue; what is being read stops before the next look of the reader.
The last answers are remembered for a while, so that a broken stream can go on and feedback has something to belong to.
"""

import asyncio
import contextvars
import dataclasses
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from bot.answer import Answer
from bot.bot import Bot
from bot.config import Config
from bot.converse import Turn
from bot.reader import Passage, Reader, Span
from corpus.errors import AnswerStopped, AnswerUnknown, QueueFull, TimeUp
from index.hit import Hit

REMEMBERED, REMEMBERED_FOR = 500, 3600.0
"""Answers, and seconds. An answer has about 10 kB; who votes does so within the hour."""

LONGEST_TURN = 20_000
"""Characters of an earlier message that are looked at; a client sends what it likes."""

T = TypeVar("T")


@dataclass(frozen=True)
class Ticket(Generic[T]):
    """Work that was taken: its outcome, and the way to call it off."""

    future: Future[T]
    stopped: threading.Event

    def call_off(self) -> None:
        """Nobody waits any more; of no effect on what is done."""
        self.stopped.set()
        self.future.cancel()


class Desk:
    """Takes questions for the bot that answers now."""

    def __init__(self, open_bot: Callable[[], Bot], watchers: Sequence[Callable[[Answer], None]] = ()) -> None:
        """`watchers` are told of each answer, in the thread that made it."""
        self._open_bot, self._watchers = open_bot, watchers
        self._concurrency = self.config.concurrency
        self._crew = ThreadPoolExecutor(self._concurrency, "answer")
        self._lock = threading.Lock()
        self._held = 0
        self._usual = 1.0
        self._answers: OrderedDict[str, tuple[float, Answer]] = OrderedDict()

    @property
    def bot(self) -> Bot:
        """The bot that answers now."""
        return self._open_bot()

    @property
    def config(self) -> Config:
        """The settings that hold now."""
        return self._open_bot().config

    def examples(self, language: str) -> tuple[str, ...]:
        """Questions to begin with, of the index that answers now."""
        return self.bot.examples(language)

    @property
    def held(self) -> int:
        """Questions in work and waiting."""
        return self._held

    def start(self, question: str, history: Sequence[Turn] = (), language: str | None = None, k: int | None = None) -> Ticket[Answer]:
        """Take a question. Raises QueueFull; the outcome raises what Bot.ask raises."""

        def work(bot: Bot, stopped: threading.Event) -> Answer:
            patient = dataclasses.replace(bot, reader=StoppableReader(bot.reader, stopped))
            answer = patient.ask(question, history, language, k)
            self._remember(answer)
            for watcher in self._watchers:
                watcher(answer)
            return answer

        return self._take(work)

    def start_search(self, question: str, k: int) -> Ticket[tuple[list[Hit], Bot]]:
        """Take a search: the k nearest passages and the bot whose they are. Raises QueueFull."""
        return self._take(lambda bot, _: (bot.search(question, k), bot))

    async def outcome(self, ticket: Ticket[T]) -> T:
        """Wait for it; whoever stops waiting calls it off. Raises TimeUp, and what the work raised."""
        try:
            return await asyncio.wait_for(asyncio.wrap_future(ticket.future), self.config.timeout)
        except TimeoutError:
            raise TimeUp(self._too_long()) from None
        finally:
            ticket.call_off()

    def ask(self, question: str, history: Sequence[Turn] = (), language: str | None = None, k: int | None = None) -> Answer:
        """Answer, for those who wait in a thread of their own. Raises QueueFull, TimeUp, and what Bot.ask raises."""
        ticket = self.start(question, history, language, k)
        try:
            return ticket.future.result(self.config.timeout)
        except (TimeoutError, CancelledError):
            raise TimeUp(self._too_long()) from None
        finally:
            ticket.call_off()

    def remembered(self, answer_id: str) -> Answer:
        """A recent answer. Raises AnswerUnknown."""
        with self._lock:
            at, answer = self._answers.get(answer_id, (-math.inf, None))
        if answer is None or time.monotonic() - at > REMEMBERED_FOR:
            raise AnswerUnknown("There is no such answer, or it is too old. Ask the question again.")
        return answer

    def forget_old(self) -> None:
        """Forget the answers that are too old, also where no new one comes."""
        with self._lock:
            self._forget_old(time.monotonic())

    def close(self) -> None:
        """Take nothing more, and wait for what is in work."""
        self._crew.shutdown(cancel_futures=True)

    def _take(self, work: Callable[[Bot, threading.Event], T]) -> Ticket[T]:
        with self._lock:
            if self._held >= self._concurrency + self.config.queue:
                wait = math.ceil(self._usual * self._held / self._concurrency)
                raise QueueFull("Too many questions are waiting. Come back in a moment.", min(max(wait, 1), 60))
            self._held += 1
        stopped = threading.Event()

        def run() -> T:
            began = time.monotonic()
            try:
                return work(self._open_bot(), stopped)
            finally:
                self._usual += 0.1 * (time.monotonic() - began - self._usual)

        try:
            future = self._crew.submit(contextvars.copy_context().run, run)
        except RuntimeError:
            self._release()
            raise QueueFull("The server is stopping. Come back in a moment.", 5) from None
        future.add_done_callback(lambda _: self._release())
        return Ticket(future, stopped)

    def _release(self) -> None:
        with self._lock:
            self._held -= 1

    def _remember(self, answer: Answer) -> None:
        now = time.monotonic()
        with self._lock:
            self._answers[answer.answer_id] = (now, answer)
            self._forget_old(now)

    def _forget_old(self, now: float) -> None:
        while self._answers and (len(self._answers) > REMEMBERED or now - next(iter(self._answers.values()))[0] > REMEMBERED_FOR):
            self._answers.popitem(last=False)

    def _too_long(self) -> str:
        return f"The answer took longer than {self.config.timeout} seconds. Ask again, or ask something shorter."


class StoppableReader:
    """A reader that does not begin another look once nobody waits."""

    def __init__(self, reader: Reader, stopped: threading.Event) -> None:
        self._reader, self._stopped = reader, stopped

    def read(self, question: str, passages: Sequence[Passage]) -> list[list[Span]]:
        """See Reader. Raises AnswerStopped."""
        if self._stopped.is_set():
            raise AnswerStopped("Nobody waits for this answer any more.")
        return self._reader.read(question, passages)


def with_public_links(answer: Answer, public_url: str | None) -> Answer:
    """The answer with its links below the address that people see, if one is set; else paths below the server's root.

    For readers who do not know where the server is: assistants and programs that quote it elsewhere.
    """
    if not public_url:
        return answer
    citations = tuple(cited.model_copy(update={"source_url": public_url + cited.source_url}) for cited in answer.citations)
    nearest = tuple(near.model_copy(update={"source_url": public_url + near.source_url}) for near in answer.nearest)
    return answer.model_copy(update={"citations": citations, "nearest": nearest})
