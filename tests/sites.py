"""Sites that show the widget: one server of host pages, known under many names of *.localhost, and a Tanya to ask."""

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

import ui.api
from bot import Bot, Config, Embed
from bot.suggest import Suggestion
from tests.conftest import Writer, toy_bot
from ui.desk import Desk
from ui.embed import Door, embed_routes
from ui.embed_token import Tokens
from ui.errors import add_errors
from ui.serve import Site

ALLOWED, WILDCARD, DEEP, STRANGE = "site.localhost", "news.sites.localhost", "a.b.sites.localhost", "strange.localhost"
SAME_SITE = "tanya.localhost"
"""Browsers take it for the site of the widget's own host, so its frame may store things."""
HOSTILE = "<img src=x onerror=alert(1)>"
MOON = (
    "---\ntitle: 'The Moon & its air'\nauthor: A. Author\npublisher: Almanac House\ndate: 2019-09-10\n"
    "sources: {s1: {title: Almanac, publisher: P, date: 1999-05, url: 'https://example.org/almanac'}}\n---\n"
    f"The \U0001f315 moon has no air {HOSTILE} at all.[^s1] Twelve people walked on the moon.\n"
)
TIDES = "The tide rises because of the moon. The tide falls because the earth turns. The tide rises twice a day."
LAUT = "---\ntitle: Laut\n---\nLaut terasa asin karena garam. Laut menutupi tujuh puluh persen bumi."


def sea_bot(folder: Path) -> Bot:
    """A small bot in two languages."""
    write = Writer(folder / "corpus")
    for name, text in (("en/moon.md", MOON), ("en/tides.md", TIDES), ("id/laut.md", LAUT)):
        write(name, text)
    bot = toy_bot(write.folder, folder / "index")
    asks = (("Who walked on the moon?", "en.moon", "Twelve"), ("Apa yang menutupi bumi?", "id.laut", "Laut menutupi"))
    suggestions = tuple(
        Suggestion(question=question, language=doc_id[:2], doc_id=doc_id, start=bot.version.documents[doc_id].text.index(words), weight=1)
        for question, doc_id, words in asks
    )
    config = bot.config.model_copy(update={"kept": folder / "kept.sqlite", "timeout": 300})
    return dataclasses.replace(bot, config=config, suggestions=suggestions)


class Sites:
    """Host pages by path; each with its headers."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, dict[str, str]]] = {"/favicon.ico": ("-", {"Content-Type": "image/x-icon"})}
        pages = self.pages

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body, headers = pages.get(self.path.split("?")[0], ("", {}))
                self.send_response(200 if body else 404)
                for name, value in ({"Content-Type": "text/html; charset=utf-8"} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def origin(self, name: str) -> str:
        return f"http://{name}:{self.port}"

    def put(self, path: str, body: str, **headers: str) -> None:
        self.pages[path] = (body, {name.replace("_", "-"): value for name, value in headers.items()})

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def embeds(sites: Sites) -> tuple[Embed, ...]:
    allowed, wildcard = sites.origin(ALLOWED), f"http://*.sites.localhost:{sites.port}"
    same_site = (sites.origin(SAME_SITE), f"http://*.{SAME_SITE}:{sites.port}")
    return (
        Embed(id="site", origins=(allowed, wildcard, *same_site), limit=1000, limit_address=1000),
        Embed(id="other", origins=(allowed, *same_site), title="Other", questions=("What is the tide?",)),
        Embed(id="dressed", origins=(allowed,), theme="dark", color="#8a1c1c", greeting="Halo dari tanya.toml", language="id"),
        Embed(id="narrow", origins=(allowed,), limit=100, limit_address=2),
    )


def app_of(bot: Bot, door: Door, first: Callable[[FastAPI], None] | None = None) -> FastAPI:
    """All routes but the chat's; `first` may put some before them."""
    app = FastAPI()
    add_errors(app)
    if first:
        first(app)
    desk = Desk(lambda: bot)
    app.include_router(ui.api.api_routes(desk, door))
    app.include_router(embed_routes(desk, door))
    app.mount("/pages", ui.api.static_files())
    return app


def door_of(sites: Sites, tokens: Tokens | None = None) -> Door:
    return Door(lambda: Config(embeds=embeds(sites)), tokens)


def site_of(bot: Bot, sites: Sites) -> Site:
    """The whole application, with all its guards."""
    return Site(dataclasses.replace(bot, config=bot.config.model_copy(update={"embeds": embeds(sites)})))


@contextmanager
def served(app: ASGIApp) -> Iterator[int]:
    """The port where `app` is really served."""
    running = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.02)
    yield running.servers[0].sockets[0].getsockname()[1]
    running.should_exit = True
    thread.join(10)
