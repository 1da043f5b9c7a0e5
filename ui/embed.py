"""The widget's server side: its loader, its framed page, and who may use them.

A site pastes one line; the loader puts a frame of ours on the page. Three things hold an origin that is not listed off:
the framed page is sent only for a listed origin and names it, alone, in `frame-ancestors`; its requests must come from our
own origin, as the browser says; and they bring a token that was signed for this embed, origin, index version and address.
A program that is no browser can say it is anyone: against that there are only the limits.
"""

import base64
import gzip
import hashlib
import html
import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from jinja2 import Environment, FileSystemLoader

from bot.config import Config
from bot.embeds import Embed, read_origin
from corpus.errors import EmbedLimited, EmbedRefused, EmbedUnknown, TokenInvalid
from ui.desk import Desk
from ui.embed_token import SECONDS, Grant, Tokens
from ui.limits import FORWARDED, Counters, address_of, subnet
from ui.security import is_loopback
from ui.texts import EMBED_TEXTS, TEXTS

STATIC = Path(__file__).parent / "static"

DEMO = "demo"
"""The embed of the demo page, which is there on loopback without being listed."""

TOKEN_HEADER = "X-Embed-Token"  # noqa: S105

LOADER_HEADERS = {
    "Content-Type": "text/javascript; charset=utf-8",
    "Cache-Control": "public, max-age=300",
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
"""Any page may read the script, or its integrity could not be checked; what it may then do is not the script's matter."""


class Door:
    """Knows the embeds, and lets in what they allow."""

    def __init__(self, settings: Callable[[], Config], tokens: Tokens | None = None) -> None:
        self._settings = settings
        self._tokens = tokens or Tokens()
        self._counters = Counters()

    def find(self, embed_id: str, request: Request) -> Embed:
        """The embed of that id. Raises EmbedUnknown."""
        embed = next((one for one in self._settings().embeds if one.id == embed_id), None)
        if embed_id == DEMO and is_local(request):
            embed = embed or Embed(id=DEMO)
            return embed.model_copy(update={"origins": (*embed.origins, origin_of(str(request.base_url)))})
        if embed is None:
            raise EmbedUnknown(f"There is no embed {embed_id[:100]!r} here; list it under [[embeds]] in tanya.toml.")
        return embed

    def grant(self, embed: Embed, origin: str, version: str, request: Request) -> tuple[str, str]:
        """(origin, token) for a page of `origin`. Raises EmbedRefused unless it is listed."""
        try:
            found = read_origin(origin)
        except ValueError:
            raise EmbedRefused("The page that shows this widget does not say which site it is of.") from None
        if not embed.allows(found):
            raise EmbedRefused(f"{found} may not show the embed {embed.id}; list it under its origins in tanya.toml.")
        return found, self._tokens.sign(Grant(embed.id, found, version), address_of(request.scope))

    def own(self, request: Request) -> None:
        """Raises EmbedRefused unless a page of ours sent the request, as the browser says."""
        origin = request.headers.get("origin", "")
        host = request.headers.get("host", "")
        public = self._settings().public_url
        same = (public and origin == origin_of(public)) or (
            (not public or is_local(request)) and urlsplit(origin_of(origin)).netloc == host
        )
        if not origin or not same or request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise EmbedRefused("This is asked from another site; only the widget's own page may ask here.")

    def admit(self, request: Request, embed_id: str, version: str) -> None:
        """Let a question of an embed's page in, and count it. Raises EmbedRefused and those below it."""
        embed = self.find(embed_id, request)
        self.own(request)
        address = address_of(request.scope)
        grant = self._tokens.read(request.headers.get(TOKEN_HEADER, ""), address)
        if grant.embed != embed.id or not embed.allows(grant.origin):
            raise TokenInvalid("The token is for another embed or site.")
        if grant.version != version:
            raise TokenInvalid("The index has been rebuilt since the token was made; ask for a new one.")
        wait = self._counters.take(
            (f"{embed.limit_address}/minute", embed.id, subnet(address)),
            (f"{embed.limit}/minute", embed.id),
        )
        if wait:
            raise EmbedLimited(f"Too many questions; try again in {wait} s.", wait)


def embed_routes(desk: Desk, door: Door) -> APIRouter:
    """The loader, the framed page, its tokens, and the demo page on loopback."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/embed.js", methods=["GET", "HEAD"])
    def script(request: Request) -> Response:
        """The script of the pasted line."""
        headers = LOADER_HEADERS | {"ETag": f'W/"{integrity()[7:23]}"'}
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return _packed(loader(), headers, request)

    @router.get("/embed/{embed_id}")
    def frame(embed_id: str, request: Request, origin: str | None = None, lang: str | None = None, page: str | None = None) -> Response:
        """The framed page; on loopback, `demo` without an origin is the demo page."""
        if embed_id == DEMO and origin is None and is_local(request):
            language = lang if lang in TEXTS else "id"
            return _demo(request, language, desk.examples(language))
        embed = door.find(embed_id, request)
        bot = desk.bot
        site = origin or origin_of(request.headers.get("referer", ""))
        site, token = door.grant(embed, site, bot.version.manifest.version, request)
        language = next((asked for asked in (lang, embed.language, page) if asked in TEXTS), "id")
        start = frame_start(embed, site, token, language, bot.config, desk.examples(language))
        words = TEXTS[language] | EMBED_TEXTS[language]
        page_html = _template("frame.html").render(start=start, language=language, words=words, keep_days=bot.config.keep_days)
        return _packed(page_html.encode(), frame_headers(site), request)

    @router.post("/embed/{embed_id}/token")
    def token(embed_id: str, request: Request, origin: str) -> Response:
        """A new token for a page that has been open for long, or since before a rebuild."""
        embed = door.find(embed_id, request)
        door.own(request)
        _, signed = door.grant(embed, origin, desk.bot.version.manifest.version, request)
        return JSONResponse({"token": signed, "expires_in": SECONDS}, headers={"Cache-Control": "no-store"})

    return router


def _packed(body: bytes, headers: dict[str, str], request: Request) -> Response:
    """The response, compressed where the browser can read that."""
    packed = "gzip" in request.headers.get("accept-encoding", "")
    coding = {"Vary": "Accept-Encoding"} | ({"Content-Encoding": "gzip"} if packed else {})
    return Response(gzip.compress(body) if packed else body, headers=headers | coding)


def paste_line(host: str, embed: Embed) -> str:
    """The line that a site pastes, with what the button has to know before there is a frame.

    With another version of the loader its hash is another one.
    """
    theme = embed.theme if embed.theme != "auto" else None
    look = {"data-language": embed.language, "data-theme": theme, "data-color": embed.color, "data-title": embed.title}
    shown = "".join(f' {name}="{html.escape(value)}"' for name, value in look.items() if value)
    return f'<script src="{host}/embed.js" data-embed="{embed.id}"{shown} integrity="{integrity()}" crossorigin="anonymous" defer></script>'


def _demo(request: Request, language: str, examples: Sequence[str]) -> Response:
    """A page as a site would have it, itself under a strict policy."""
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    page = _template("embed-demo.html").render(
        line=paste_line(str(request.base_url).rstrip("/"), Embed(id=DEMO)),
        language=language,
        other="en" if language == "id" else "id",
        question=next(iter(examples), ""),
        words=TEXTS[language] | EMBED_TEXTS[language],
    )
    return HTMLResponse(page, headers={"Content-Security-Policy": policy})


def frame_headers(site: str) -> dict[str, str]:
    """Of the framed page: only `site` may frame it, it loads only from here, and isolated sites may show it too."""
    policy = (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: {site}; connect-src 'self'; base-uri 'none'; "
        f"form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'; frame-ancestors {site}"
    )
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Cross-Origin-Embedder-Policy": "credentialless",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def frame_start(embed: Embed, site: str, token: str, language: str, config: Config, examples: Sequence[str]) -> str:
    """What the framed page needs to know, as JSON that may stand inside a script element."""
    start: dict[str, Any] = {
        "embed": embed.id, "origin": site, "token": token, "language": language, "longest": config.max_question,
        "rated": config.keep_days > 0,
        "words": TEXTS[language] | EMBED_TEXTS[language],
        "look": {"theme": embed.theme, "color": embed.color, "title": embed.title, "greeting": embed.greeting,
                 "questions": embed.questions or examples},
    }  # fmt: skip
    return json.dumps(start, ensure_ascii=False).replace("<", "\\u003c")


@lru_cache(maxsize=1)
def loader() -> bytes:
    """The script that sites load: as written, but for comments, indentation and needless line ends, which every visitor would pay for."""
    bare = re.sub(r"^[ ]*(//.*\n)?", "", (STATIC / "embed.js").read_text("utf-8"), flags=re.MULTILINE)
    return re.sub(r"(?<=[;{,])\n", "", bare).encode()


def integrity(script: bytes | None = None) -> str:
    """The hash of `script`, by default of our loader, for the `integrity` of the pasted line."""
    return "sha384-" + base64.b64encode(hashlib.sha384(loader() if script is None else script).digest()).decode()


def is_local(request: Request) -> bool:
    """Whether both the asker and the name he asks for are this machine, and no proxy that we do not know stands between."""
    near = is_loopback(address_of(request.scope)) and is_loopback(request.url.hostname or "")
    return near and not request.scope.get(FORWARDED)


def server_address(config: Config) -> str:
    """Where visitors reach this server, as far as the settings say, without a slash at its end."""
    host = f"[{config.host}]" if ":" in config.host else config.host
    return (config.public_url or f"http://{host}:{config.port}").rstrip("/")


def origin_of(url: str) -> str:
    """The origin of an address; "" if it has none."""
    try:
        parts = urlsplit(url)
        return read_origin(f"{parts.scheme}://{parts.netloc}")
    except ValueError:
        return ""


@lru_cache
def _template(name: str) -> Any:
    return Environment(loader=FileSystemLoader(STATIC), autoescape=True, trim_blocks=True, lstrip_blocks=True).get_template(name)
