"""Who may show the widget: the `[[embeds]]` of tanya.toml. An origin that is not listed may not.

An origin is `scheme://host[:port]`, as a browser writes it. A listed one is exact, or has `*` for one whole label at its
front: `https://*.example.org` covers `https://news.example.org`, and neither `https://example.org` nor `https://a.b.example.org`.
"""

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

PORTS = {"http": 80, "https": 443}
"""A browser leaves these out of an origin."""

_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_COLOR = r"#[0-9a-fA-F]{6}"


class Embed(BaseModel):
    """One place where the widget may stand: its id, who may frame it, how much it may ask, how it looks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="Public name, in the line that a site pastes.")
    origins: tuple[str, ...] = Field((), description="Sites that may show it; none may unless listed.")
    limit: int = Field(300, ge=1, description="Questions a minute, from all visitors together.")
    limit_address: int = Field(20, ge=1, description="Questions a minute, from one address.")
    language: Literal["id", "en"] | None = Field(None, description="Of the interface; by default the page's own.")
    theme: Literal["light", "dark", "auto"] = Field("auto", description="Colours; auto follows the visitor's system.")
    color: str | None = Field(None, pattern=f"^{_COLOR}$", description="Of button and links, as #0f6f68.")
    title: str | None = Field(None, max_length=60, description="In the head of the widget.")
    greeting: str | None = Field(None, max_length=300, description="First words.")
    questions: tuple[str, ...] = Field((), max_length=6, description="Suggested questions.")

    @field_validator("origins")
    @classmethod
    def _read_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(read_origin(origin, wildcard=True) for origin in origins)

    def allows(self, origin: str) -> bool:
        """Whether a page of `origin` may show this embed."""
        return any(_covers(listed, origin) for listed in self.origins)


def read_origin(text: str, wildcard: bool = False) -> str:
    """The origin as a browser writes it, small letters and no usual port. Raises ValueError, saying what is expected."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port
        host = (parts.hostname or "").rstrip(".")
        labels = host[2:] if wildcard and host.startswith("*.") else host
        ascii_host = labels.encode("idna").decode() if not labels.isascii() else labels
    except ValueError:
        raise ValueError(f"{text!r} is no origin; write it as https://example.org.") from None
    ascii_host = f"[{ascii_host}]" if ":" in ascii_host else ascii_host
    bare = not (parts.path.rstrip("/") or parts.query or parts.fragment or parts.username)
    starred = labels != host
    if (
        parts.scheme not in PORTS
        or not bare
        or not _HOST.fullmatch(ascii_host)
        or (starred and "." not in ascii_host and ascii_host != "localhost")
    ):
        expected = "https://example.org or https://*.example.org" if wildcard else "https://example.org"
        raise ValueError(f"{text!r} is no origin; write scheme, host and, if unusual, port, as {expected}.")
    shown_port = "" if port in (None, PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{'*.' if starred else ''}{ascii_host}{shown_port}"


def _covers(listed: str, origin: str) -> bool:
    scheme, _, host = listed.partition("://")
    if not host.startswith("*."):
        return listed == origin
    asked_scheme, _, asked = origin.partition("://")
    label, _, rest = asked.partition(".")
    return scheme == asked_scheme and rest == host[2:] and bool(label)
