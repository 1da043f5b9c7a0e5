"""What the tests of the doors share: a toy bot that can be slow, and the whole application in front of it."""

import contextlib
import dataclasses
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

import ui.api
from bot import Bot
from bot.reader import Passage, Reader, Span
from tests.conftest import Writer, toy_bot
from ui.desk import Desk
from ui.embed import Door
from ui.errors import add_errors

ROOT = Path(__file__).parent.parent
QUESTION = "the moon has no air at all"
REFUSED = "Who sells quantum rockets to Neptune?"


def moon_bot(folder: Path, **settings: Any) -> Bot:
    """A toy bot on three small texts, with these settings; its time limit is no part of most tests, and a busy machine is slow."""
    write = Writer(folder / "corpus")
    write("en/moon.md", "---\ntitle: The Moon\n---\nThe moon has no air at all. Twelve people walked on the moon.\n")
    write("en/tides.md", "The tide rises because of the moon. The tide falls because the earth turns. The tide rises twice a day.")
    write("id/laut.md", "Laut terasa asin.")
    bot = toy_bot(write.folder, folder / "index")
    return dataclasses.replace(bot, config=bot.config.model_copy(update={"kept": folder / "kept.sqlite", "timeout": 300} | settings))


class SlowReader:
    """Reads nothing until it is let."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.reading, self.go = threading.Event(), threading.Event()
        self.looks = 0

    def read(self, question: str, passages: Sequence[Passage]) -> list[list[Span]]:
        self.looks += 1
        self.reading.set()
        assert self.go.wait(120)
        return self._reader.read(question, passages)


def slow(bot: Bot) -> tuple[Bot, SlowReader]:
    reader = SlowReader(bot.reader)
    return dataclasses.replace(bot, reader=reader), reader


def api(bot: Bot) -> FastAPI:
    """The routes alone, without the guards around them."""
    app = FastAPI()
    add_errors(app)
    desk = Desk(lambda: bot)
    for routes in (ui.api.api_routes(desk, Door(lambda: desk.config)), ui.api.health_routes(desk), ui.api.nowhere_routes()):
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


def until(true: Callable[[], bool], seconds: float = 60) -> None:
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


class ChatPage:
    """The chat as its page uses it, without a browser: at `address`, that of the page."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        page = httpx.get(self.address + "/", timeout=60).text
        config = re.search(r"window\.gradio_config = (\{.*?\});?</script>", page)
        assert config
        ids = {one["id"]: one["props"].get("elem_id", "") for one in json.loads(config[1])["components"]}
        events = [(call["id"], target) for call in json.loads(config[1])["dependencies"] for target in call["targets"]]
        self.calls = {(ids.get(element, ""), event): (number, element) for number, (element, event) in events}

    def body(self, *given: Any, call: tuple[str, str] = ("td-box", "submit"), chosen: Any = None) -> dict[str, Any]:
        """What the page sends at an event of an element."""
        number, element = self.calls[call]
        return {"data": list(given), "fn_index": number, "trigger_id": element, "session_hash": uuid.uuid4().hex[:11], "event_data": chosen}

    def join(self, body: Any, **headers: str) -> httpx.Response:
        headers["Content-Type"] = "application/json"
        return httpx.post(self.address + "/gradio_api/queue/join", content=json.dumps(body), headers=headers, timeout=60)

    def messages(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        """The conversation after that event."""
        self.join(body).raise_for_status()
        told = httpx.get(self.address + "/gradio_api/queue/data", params={"session_hash": body["session_hash"]}, timeout=60).text
        events = [json.loads(line.removeprefix("data: ")) for line in told.splitlines() if line]
        (whole,) = (event["output"]["data"][0] for event in events if event["msg"] == "process_completed")
        found: list[dict[str, Any]] = whole
        return found

    def ask(self, question: str) -> str:
        """The HTML of the answer to a first question."""
        shown: str = self.messages(self.body(question, []))[-1]["content"][0]["text"]
        return shown


@contextlib.contextmanager
def toy_process(folder: Path, seconds: float = 0, toml: str = "", **settings: Any) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A toy server in a process of its own, and its address. `toml` is its tanya.toml, `settings` its environment."""
    port = free_port()
    folder.mkdir(exist_ok=True)
    (folder / "tanya.toml").write_text(toml)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TANYA_")} | {
        "TANYA_PORT": str(port),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        **{f"TANYA_{name.upper()}": str(value) for name, value in settings.items()},
    }
    command = [sys.executable, "-m", "tests.toy", "serve", str(folder), str(seconds)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stderr=log, text=True)
    try:
        address = f"http://127.0.0.1:{port}"
        until(lambda: alive(process, address), 180)
        yield process, address
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def alive(process: "subprocess.Popen[str]", address: str) -> bool:
    assert process.poll() is None, "the server ended"
    try:
        return httpx.get(address + "/api/live").status_code == 200
    except httpx.TransportError:
        return False


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
