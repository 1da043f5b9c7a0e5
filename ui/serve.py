"""Joins the doors and what guards them into one application, and runs it."""

import asyncio
import contextlib
import dataclasses
import gc
import json
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from html import escape
from typing import Any

from fastapi import FastAPI
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.bot import Bot
from bot.config import Config
from bot.kept import Kept
from bot.live import LiveBot
from corpus.errors import KeptUnwritable, SettingsInvalid
from ui.admin import admin_routes, rebuilding
from ui.api import STATIC, api_routes, health_routes, nowhere_routes, static_files
from ui.chat import build_chat
from ui.completions import completion_routes
from ui.desk import Desk
from ui.embed import Door, embed_routes
from ui.errors import add_errors
from ui.feedback import feedback_routes, gap_keeper, privacy_routes
from ui.limits import GRACE, BodyLimit, RateLimit, TimeLimit
from ui.log import RequestLog, answer_line, configure_logging
from ui.metrics import Metrics, metrics_routes
from ui.quick import import_gradio
from ui.security import ChatDoors, ClientAddress, CrossOrigin, KnownHost, SafeHeaders, is_loopback
from ui.texts import TEXTS
from ui.tools import tool_routes, tool_server

LOG = logging.getLogger("tanya")

PATHS = {"en": "/en", "id": "/"}
"""Where each interface language is mounted: the root last, since nothing is reached after it."""

VOTES = ("why", "send", "rated", "rated_why", "rated_not", "rated_late", "rated_off")
"""The words that the chat's script says when somebody votes."""

KEEP_ALIVE = 75
"""Seconds that a connection may stay without a request. Proxies and clients drop theirs after 5 to 60: who keeps one longer than the
server loses the request that is on its way when that closes it."""

HEAR_OUT = 1.0
"""Seconds that a server which is to stop waits for the first request of a connection that it has accepted."""

FORGETTING = 600
"""Seconds between two looks for what is too old: what is turned off while it runs is gone within ten minutes."""

FIXED = {
    "corpus",
    "index",
    "cache",
    "embedding_model",
    "engine",
    "threads",
    "chunk_tokens",
    "vector_store",
    "milvus_address",
    "host",
    "port",
    "concurrency",
    "kept",
    "log_format",
    "public_url",
}
"""Settings that hold until the next start; all others can change while it runs."""


class Site:
    """The whole application: an ASGI app whose settings can change while it serves."""

    def __init__(self, bot: Bot | LiveBot) -> None:
        """Answers with `bot`, or with the one that a LiveBot gives at each question; its settings hold until `change`."""
        self._open_bot: Callable[[], Bot] = bot if isinstance(bot, LiveBot) else lambda: bot
        self._look = bot.look if isinstance(bot, LiveBot) else lambda: None
        self._config = self._open_bot().config
        self.metrics, self.kept = Metrics(), Kept(self._config.kept)
        watchers = [answer_line(self.settings), self.metrics.answered, gap_keeper(self.kept, self.settings)]
        self.desk = Desk(self.bot, watchers)
        self.metrics.watch(self.desk)
        self.routes = self._routes()
        self._times = TimeLimit(self.routes, self.settings)
        self._app = self._guarded(self._times)

    def bot(self) -> Bot:
        """The bot that answers now, with the settings that hold now."""
        return dataclasses.replace(self._open_bot(), config=self._config)

    def settings(self) -> Config:
        """The settings that hold now."""
        return self._config

    def _token(self) -> str | None:
        return self._config.admin_token.get_secret_value() if self._config.admin_token else None

    def change(self, new: Config) -> set[str]:
        """Let `new` hold from the next request on; gives the names of those that wait for the next start."""
        fixed = {name: getattr(self._config, name) for name in FIXED}
        self._config = new.model_copy(update=fixed)
        return {name for name, value in fixed.items() if getattr(new, name) != value}

    async def drain(self) -> None:
        """Let running answers end, then the chat's waiting streams."""
        while self.desk.held:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        self._times.end_long()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self._app(scope, receive, send)

    def _guarded(self, app: ASGIApp) -> ASGIApp:
        """The guards, the outermost last."""
        app = RateLimit(BodyLimit(app), self.settings)
        app = SafeHeaders(KnownHost(CrossOrigin(app, self.settings), self.settings))
        # Headers around the log again, for the error that it answers with itself where a guard fails.
        return ClientAddress(SafeHeaders(RequestLog(app, self.metrics.served)), self.settings)

    def _routes(self) -> FastAPI:
        address = self.settings().public_url
        servers = [{"url": address}] if address else None
        app = FastAPI(title="Tanya Diplomasi", servers=servers, docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=self._life)
        add_errors(app)
        door = Door(self.settings)
        asking = [api_routes(self.desk, door), health_routes(self.desk), completion_routes(self.desk), embed_routes(self.desk, door)]
        beside = [feedback_routes(self.desk, self.kept), privacy_routes(self.settings), metrics_routes(self.metrics, self.settings)]
        admin = admin_routes(self._token, rebuilding(self.bot, self._look))
        for routes in (*asking, *beside, admin, nowhere_routes()):
            app.include_router(routes)
        self._tools = tool_server(self.desk)
        app.router.routes.extend(tool_routes(self._tools))
        app.mount("/pages", static_files())
        app.add_route("/en", lambda _: Response(status_code=307, headers={"Location": "en/"}))
        return self._with_chats(app)

    @contextlib.asynccontextmanager
    async def _life(self, _: FastAPI) -> AsyncIterator[None]:
        forgetting = asyncio.create_task(self._forget())
        async with self._tools.session_manager.run():
            yield
        forgetting.cancel()
        self.desk.close()

    async def _forget(self) -> None:
        """Forget what is too old, now and then, also where nothing new comes."""
        while True:
            self.desk.forget_old()
            try:
                await asyncio.to_thread(self.kept.forget_old, self._config.keep_days)
            except KeptUnwritable as error:
                LOG.warning("%s", error)
            await asyncio.sleep(FORGETTING)

    def _with_chats(self, app: FastAPI) -> FastAPI:
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        # Else Gradio counts its last ten thousand questions anew, with pandas, after each one, for a page of its own that is shut here.
        os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(10**9)
        gr = import_gradio()
        for language, path in PATHS.items():
            root = self.settings().public_url
            app = gr.mount_gradio_app(
                app, build_chat(self.desk, language), path, footer_links=[], show_error=False, run_history=False, enable_monitoring=False,
                ssr_mode=False, pwa=False, mcp_server=False, favicon_path=str(STATIC / "icon.svg") if path == "/" else None,
                max_file_size=0, theme=_theme(), css_paths=[STATIC / "chat.css"], head=_head(language),
                root_path=root + path.rstrip("/") if root else None,
            )  # fmt: skip
            mount: Any = app.routes[-1]
            mount.app = ChatDoors(mount.app, mount.app.blocks, root is not None)
        return app


def run(bot: Bot | LiveBot, reread: Callable[[], Config]) -> None:
    """Serve until SIGINT or SIGTERM, then finish what runs; SIGHUP takes up what `reread` gives."""
    site = Site(bot)
    gc.freeze()
    gc.enable()
    config = site.settings()
    configure_logging(config.log_format)
    server = _server(site, config, lambda: _take_up(site, reread))
    sockets = _given_sockets()
    if reached := _reached_at(config, sockets):
        LOG.warning(exposure(config, reached))
    stop = bot.start() if isinstance(bot, LiveBot) else lambda: None
    try:
        server.run(sockets)
    finally:
        stop()


def exposure(config: Config, places: Sequence[str]) -> str:
    """What everybody can do who reaches one of the `places`, addresses that are not loopback."""
    limits = f"each address {config.rate_limit}, {config.queue} questions waiting at most"
    votes = ", rate answers" if config.keep_days else ""
    rebuild = "With the admin token: POST /api/admin/rebuild. " if config.admin_token else ""
    return (
        f"Listening on {', '.join(places)}: whoever reaches it can ask, search{votes} and read every document, in the chat and through "
        f"/api, /v1, /mcp and /embed ({limits}), without a password and without TLS. "
        "Only from exempt addresses or with the admin token: /metrics. "
        f"{rebuild}Put a proxy with TLS in front (README), or listen on 127.0.0.1."
    )


def address(host: str, port: int) -> str:
    """Where it listens, as an address is written."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _reached_at(config: Config, sockets: Sequence[socket.socket] | None) -> list[str]:
    """Where other machines reach it: on the sockets that it was given, if it was, else where the settings say."""
    given = [one.getsockname()[:2] for one in sockets or () if one.family in (socket.AF_INET, socket.AF_INET6)]
    places = given if sockets else [(config.host, config.port)]
    return [address(host, port) for host, port in places if not is_loopback(host)]


def _take_up(site: Site, reread: Callable[[], Config]) -> None:
    """Let what has changed hold; also called once at the start, for what changed while the models were loaded."""
    before = site.settings()
    try:
        waiting = site.change(reread())
    except SettingsInvalid as error:
        LOG.error("Settings stay as they are: %s", error)
        return
    if waiting or site.settings() != before:
        LOG.info("Settings were read again.%s", f" At the next start: {', '.join(sorted(waiting))}." if waiting else "")


def _server(site: Site, config: Config, on_hangup: Callable[[], None]) -> Any:
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, on_hangup)
            on_hangup()
            await super().startup(sockets)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            await self._hear_out()
            draining = asyncio.create_task(site.drain())
            await super().shutdown(sockets)
            draining.cancel()

        async def _hear_out(self) -> None:
            """Accept nothing more, and let those who were just accepted send their request: uvicorn would hang up on them."""
            loop = asyncio.get_running_loop()
            for one in (one for server in self.servers for one in server.sockets):
                loop.remove_reader(one)
            end = loop.time() + HEAR_OUT
            await asyncio.sleep(0.05)  # what was accepted becomes a connection only some turns of the loop later
            while loop.time() < end and any(getattr(one, "cycle", one) is None for one in self.server_state.connections):
                await asyncio.sleep(0.01)

    settings = uvicorn.Config(
        site, host=config.host, port=config.port, log_config=None, access_log=False, server_header=False, proxy_headers=False,
        timeout_graceful_shutdown=config.timeout + GRACE, timeout_keep_alive=KEEP_ALIVE, loop="asyncio",
    )  # fmt: skip
    return Server(settings)


def _given_sockets() -> list[socket.socket] | None:
    """Sockets that systemd opened for us: they outlive a restart, so what arrives meanwhile waits instead of failing."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    return [socket.socket(fileno=3 + number) for number in range(int(os.environ.get("LISTEN_FDS", "0")))]


def _theme() -> Any:
    import gradio as gr

    fonts = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"]
    return gr.themes.Base(primary_hue="teal", neutral_hue="slate", font=fonts, font_mono=["ui-monospace", "monospace"], radius_size="lg")


def _head(language: str) -> str:
    """Gradio writes lang="en" into every page; a script of ours mends it. It is a file, since Gradio's client runs it again."""
    pages = "../pages" if PATHS[language].strip("/") else "pages"
    description = TEXTS[language]["tagline"]
    words = escape(json.dumps({name: TEXTS[language][name] for name in VOTES}))
    return (
        f'<meta name="description" content="{description}"><meta name="color-scheme" content="light dark">'
        f'<script src="{pages}/chat.js" data-language="{language}" data-words="{words}"></script>'
    )
