"""What the tests of the doors share: a toy bot that can be slow, and the whole application in front of it."""

import contextlib
import dataclasses
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

import ui.api
from bot import Bot
from bot.reader import Reader, Span
from tests.conftest import Writer, toy_bot
from ui.desk import Desk
from ui.errors import add_errors

QUESTION = "the moon has no air at all"
REFUSED = "Who sells quantum rockets to Neptune?"


def moon_bot(folder: Path, **settings: Any) -> Bot:
    """A toy bot on three small texts, with these settings."""
    write = Writer(folder / "corpus")
    write("en/moon.md", "---\ntitle: The Moon\n---\nThe moon has no air at all. Twelve people walked on the moon.\n")
    write("en/tides.md", "The tide rises because of the moon. The tide falls because the earth turns. The tide rises twice a day.")
    write("id/laut.md", "Laut terasa asin.")
    bot = toy_bot(write.folder, folder / "index")
    return dataclasses.replace(bot, config=bot.config.model_copy(update={"kept": folder / "kept.sqlite"} | settings))


class SlowReader:
    """Reads nothing until it is let."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.reading, self.go = threading.Event(), threading.Event()
        self.looks = 0

    def read(self, question: str, passages: Sequence[str]) -> list[Span]:
        self.looks += 1
        self.reading.set()
        assert self.go.wait(20)
        return self._reader.read(question, passages)


def slow(bot: Bot) -> tuple[Bot, SlowReader]:
    reader = SlowReader(bot.reader)
    return dataclasses.replace(bot, reader=reader), reader


def api(bot: Bot) -> FastAPI:
    """The routes alone, without the guards around them."""
    app = FastAPI()
    add_errors(app)
    desk = Desk(lambda: bot)
    for routes in (ui.api.api_routes(desk), ui.api.health_routes(desk), ui.api.nowhere_routes()):
        app.include_router(routes)
    return app


@contextlib.contextmanager
def served(app: Any, **options: Any) -> Iterator[str]:
    """The address of `app`, really served."""
    running = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", proxy_headers=False, **options))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
    finally:
        running.should_exit = True
        thread.join(10)


def until(true: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for something that happens in another thread."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def sse(text: str) -> list[tuple[str, str, dict[str, Any]]]:
    """(id, event, data) of each event; comments left out."""
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((fields.get("id", ""), fields["event"], json.loads(fields["data"])))
    return found
