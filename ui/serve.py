"""Joins the routes and the two chats into one application, and runs it."""

import os
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.bot import Bot
from ui.api import STATIC, add_errors, api_routes, error_response, static_files
from ui.chat import build_chat
from ui.embed import Door
from ui.texts import TEXTS

MAX_BODY = 1_000_000
"""Bytes of a request; a long conversation has a tenth of this."""

TOO_LARGE = f"A request may have {MAX_BODY:,} bytes."

PATHS = {"en": "/en", "id": "/"}
"""Where each interface language is mounted: the root last, since nothing is reached after it."""


def build_app(bot: Bot) -> FastAPI:
    """The whole application, answering with `bot`."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio as gr

    app = FastAPI(title="Tanya Diplomasi", docs_url=None, redoc_url=None)
    add_errors(app)
    app.add_middleware(BodyLimit)
    app.include_router(api_routes(lambda: bot, Door(bot.config.embeds, bot.config.public_url)))
    app.mount("/pages", static_files())
    app.add_route("/en", lambda request: RedirectResponse(request.url.path + "/"))
    for language, path in PATHS.items():
        app = gr.mount_gradio_app(
            app, build_chat(lambda: bot, language), path, footer_links=[], show_error=False, run_history=False, enable_monitoring=False,
            ssr_mode=False, pwa=False, mcp_server=False, favicon_path=str(STATIC / "icon.svg") if path == "/" else None, max_file_size=0,
            theme=_theme(), css_paths=[STATIC / "chat.css"], head=_head(language),
        )  # fmt: skip
    return app


def run(bot: Bot, host: str, port: int) -> None:
    """Serve until interrupted."""
    import uvicorn

    uvicorn.run(build_app(bot), host=host, port=port, log_level="warning", server_header=False)


class BodyLimit:
    """Refuses a request whose body is larger than MAX_BODY, declared or not."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the bytes as they come."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not declared.isdigit() or int(declared) > MAX_BODY:
            await error_response(413, TOO_LARGE)(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > MAX_BODY:
                raise HTTPException(413, TOO_LARGE)
            return message

        await self.app(scope, counted, send)


def _theme() -> Any:
    import gradio as gr

    fonts = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"]
    return gr.themes.Base(primary_hue="teal", neutral_hue="slate", font=fonts, font_mono=["ui-monospace", "monospace"], radius_size="lg")


def _head(language: str) -> str:
    """Gradio writes lang="en" into every page."""
    script = (STATIC / "chat.js").read_text("utf-8").replace("LANGUAGE", language)
    description = TEXTS[language]["tagline"]
    return f'<meta name="description" content="{description}"><meta name="color-scheme" content="light dark"><script>{script}</script>'
