"""Why the widget does not show on a site: looks at the settings, the server and the site's own page, and names the mend.

Only the front page of the site is read; another page of it may send another policy.
"""

import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode, urlsplit

from bot.embeds import Embed
from ui.embed import integrity, origin_of, paste_line
from ui.security import is_loopback

TIMEOUT = 10.0
"""Seconds for one page; a site that is slower shows no widget in time either."""

LONGEST = 2_000_000
"""Bytes of a page that are read; the policies stand at its front."""

SKEW = 120.0
"""Seconds that two clocks may differ by; a token is good for some minutes."""

_META = re.compile(r"<meta[^>]+http-equiv=[\"']?content-security-policy[\"']?[^>]*>", re.IGNORECASE)
_CONTENT = re.compile(r"content=(\"[^\"]*\"|'[^']*')", re.IGNORECASE)
_LINE = re.compile(r"<script[^>]+/embed\.js[^>]*>", re.IGNORECASE)
_NAMED = re.compile(r"data-embed=[\"']?([\w-]+)")
_NONCE = re.compile(r"nonce=[\"']?([\w+/=-]+)")
_HASH = re.compile(r"integrity=[\"']?([\w+/=-]+)")


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page: its status, headers and text, and when it came (seconds since 1970)."""

    status: int
    headers: Message
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, what was found, and, where it is a fault, how to mend it."""

    topic: str
    found: str
    fix: str | None = None


Fetch = Callable[[str], Fetched]


def fetch(url: str) -> Fetched:
    """The page at `url`, an error page too. Raises OSError where there is none, ValueError where the address is none."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError(f"{url} is no web address.")
    request = urllib.request.Request(url, headers={"User-Agent": "tanya-embed-doctor"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
            return Fetched(response.status, response.headers, response.read(LONGEST).decode("utf-8", "replace"), time.time())
    except urllib.error.HTTPError as error:
        with error:
            return Fetched(error.code, error.headers, "", time.time())


def examine(origin: str, embeds: Sequence[Embed], server: str, fetch: Fetch = fetch) -> Iterator[Finding]:
    """All findings about showing one of `embeds` on `origin` from the Tanya at the address `server`."""
    allowing = [embed for embed in embeds if embed.allows(origin)]
    if not allowing:
        yield Finding("listed", f"No embed lists {origin}. {_nearly(origin, embeds)}".strip(), _listing(origin, embeds))
        return
    embed = allowing[0]
    yield Finding("listed", f"The embed {embed.id} lists {origin}.")
    yield _address(origin, server)
    yield from _server(origin, embed, server, fetch)
    yield from _site(origin, allowing, server, fetch)


def policy_lines(server: str) -> dict[str, str]:
    """What a site with a Content-Security-Policy has to allow, by directive."""
    host = origin_of(server)
    return {"script-src": host, "frame-src": host}


def _listing(origin: str, embeds: Sequence[Embed]) -> str:
    if len(embeds) == 1:
        listed = ", ".join(f'"{one}"' for one in (*embeds[0].origins, origin))
        return f'In tanya.toml, below id = "{embeds[0].id}": origins = [{listed}]'
    taken = {embed.id for embed in embeds}
    free = next(name for name in ("site", *(f"site-{number}" for number in range(2, len(taken) + 2))) if name not in taken)
    return f'In tanya.toml:\n[[embeds]]\nid = "{free}"\norigins = ["{origin}"]'


def _nearly(origin: str, embeds: Sequence[Embed]) -> str:
    """What differs from an origin that is listed, which is easily overlooked."""
    parts = urlsplit(origin)
    for embed in embeds:
        for listed in embed.origins:
            other = urlsplit(listed)
            mine, theirs = parts.hostname or "", other.hostname or ""
            if mine == theirs and parts.scheme != other.scheme:
                return f"{listed} is listed: another scheme is another origin."
            if mine == theirs:
                return f"{listed} is listed: another port is another origin."
            if {mine.removeprefix("www."), theirs.removeprefix("www.")} == {mine.removeprefix("www.")}:
                return f"{listed} is listed: with and without www. are two origins."
            if theirs.startswith("*.") and (mine.endswith(theirs[1:]) or mine == theirs[2:]):
                return f"{listed} is listed: the star stands for exactly one label."
    return ""


def _address(origin: str, server: str) -> Finding:
    site, ours = urlsplit(origin), urlsplit(server)
    if is_loopback(ours.hostname or "") and not is_loopback(site.hostname or ""):
        return Finding(
            "address", f"{server} is this machine only; visitors of {origin} cannot reach it.", "TANYA_PUBLIC_URL=https://YOUR.HOST"
        )
    if site.scheme == "https" and ours.scheme == "http" and not is_loopback(ours.hostname or ""):
        return Finding(
            "mixed content",
            f"Browsers load nothing from {server} into a page of {origin}, since it is not encrypted.",
            f"Put a reverse proxy with TLS before Tanya and set TANYA_PUBLIC_URL=https://{ours.netloc}",
        )
    return Finding("address", f"Visitors load it from {server}.")


def _server(origin: str, embed: Embed, server: str, fetch: Fetch) -> Iterator[Finding]:
    try:
        script = fetch(f"{server}/embed.js")
        page = fetch(f"{server}/embed/{embed.id}?{urlencode({'origin': origin})}")
    except (OSError, ValueError) as error:
        yield Finding("server", f"{server} does not answer: {error}", "Start it with tanya serve, or name it with --server.")
        return
    if script.status != 200 or script.headers.get("Access-Control-Allow-Origin") != "*":
        found = (
            f"{server}/embed.js: status {script.status}, Access-Control-Allow-Origin {script.headers.get('Access-Control-Allow-Origin')}."
        )
        yield Finding("loader", found, "Let the reverse proxy pass /embed.js with its headers as they are.")
    elif (served := integrity(script.text.encode())) != integrity():
        found = f"{server}/embed.js is not the script of this version (hash {served})."
        yield Finding("loader", found, "Run the same version here and there, and let no proxy rewrite scripts; then paste the line anew.")
    else:
        yield Finding("loader", f"{server}/embed.js is there.")
    yield _framing(origin, server, page)
    yield _clock("server", server, page)


def _framing(origin: str, server: str, page: Fetched) -> Finding:
    policies = page.headers.get_all("Content-Security-Policy") or []
    if page.status != 200:
        unread = "Let the server read tanya.toml again: systemctl reload tanya, or kill -HUP its process."
        fix = unread if page.status in (403, 404) else "See the server's log."
        return Finding("framing", f"{server} refuses the framed page for {origin}: status {page.status}.", fix)
    if frame := page.headers.get("X-Frame-Options"):
        return Finding(
            "framing",
            f"Something before Tanya adds X-Frame-Options: {frame}, so no site may frame it.",
            "nginx: location /embed/ { proxy_hide_header X-Frame-Options; } and no add_header X-Frame-Options there",
        )
    ancestors = [directive for policy in policies for directive in parse_policy(policy).get("frame-ancestors", ["(none)"])]
    if ancestors != [origin]:
        found = f"The framed page may be framed by {' '.join(ancestors) or 'nobody'}, not by {origin} alone."
        return Finding("framing", found, "Let the reverse proxy pass Content-Security-Policy of /embed/ as it is, and add none.")
    return Finding("framing", f"The framed page may be framed by {origin}.")


def _clock(topic: str, name: str, page: Fetched) -> Finding:
    try:
        said = parsedate_to_datetime(page.headers.get("Date", "")).timestamp()
    except (TypeError, ValueError):
        return Finding("clock", f"{name} does not say what time it is.")
    behind = page.at - said
    if abs(behind) > SKEW:
        found = f"The clock of the {topic} {name} is {abs(behind):.0f} s {'behind' if behind > 0 else 'ahead of'} this machine's."
        return Finding("clock", found, "On the machine that is wrong: timedatectl set-ntp true")
    return Finding("clock", f"The clock of the {topic} is right.")


def _site(origin: str, allowing: Sequence[Embed], server: str, fetch: Fetch) -> Iterator[Finding]:
    try:
        page = fetch(f"{origin}/")
    except (OSError, ValueError) as error:
        yield Finding("site", f"{origin} could not be read from here ({error}), so its policy is unknown.")
        return
    meta = [_CONTENT.search(tag) for tag in _META.findall(page.text)]
    texts = [*(page.headers.get_all("Content-Security-Policy") or []), *(match[1][1:-1] for match in meta if match)]
    policies = [parse_policy(part) for text in texts for part in text.split(",")]
    line, paste = _LINE.search(page.text), paste_line(server, allowing[0])
    nonce = _NONCE.search(line[0]) if line else None
    yield from _policy(origin, server, policies, f"'nonce-{nonce[1]}'" if nonce else None)
    if not line:
        yield Finding("line", f"The line is not on {origin}/; if it is to be there, paste: {paste}")
    elif (named := _NAMED.search(line[0])) and named[1] not in [embed.id for embed in allowing]:
        yield Finding("line", f"The line on {origin}/ names the embed {named[1]}, which does not list it.", f"Paste instead: {paste}")
    elif (hashed := _HASH.search(line[0])) and hashed[1] != integrity():
        yield Finding("line", f"The line on {origin}/ has the hash of another version.", f"Paste instead: {paste}")
    else:
        yield Finding("line", f"The line is on {origin}/.")
    yield _clock("site", origin, page)


def _policy(origin: str, server: str, policies: Sequence[dict[str, list[str]]], nonce: str | None) -> Iterator[Finding]:
    if any("sandbox" in policy and "allow-same-origin" not in policy["sandbox"] for policy in policies):
        yield Finding(
            "sandbox", "The page is in a sandbox and so has no origin.", "Content-Security-Policy: sandbox allow-scripts allow-same-origin"
        )
    lacking = [
        (used, policy[used], used if used == "script-src-elem" else directive)
        for policy in policies
        for directive, names in {
            "script-src": ("script-src-elem", "script-src", "default-src"),
            "frame-src": ("frame-src", "child-src", "default-src"),
        }.items()
        if (used := next((name for name in names if name in policy), None))
        and not _permits(policy[used], origin, server)
        and not (directive == "script-src" and nonce in policy[used])
    ]
    for used, sources, directive in lacking:
        strict = used.startswith("script-src") and any(source == "'strict-dynamic'" for source in sources)
        kept = " ".join(source for source in sources if source != "'none'")
        fix = (
            'Give the pasted line the page\'s nonce: nonce="…"' if strict else f"{directive} {kept} {origin_of(server)}".replace("  ", " ")
        )
        yield Finding("policy", f"The site's {used} does not allow {origin_of(server)}.", fix)
    if not lacking:
        yield Finding("policy", "The site's Content-Security-Policy allows it." if policies else "The site has no Content-Security-Policy.")


def parse_policy(text: str) -> dict[str, list[str]]:
    """A Content-Security-Policy by directive; of one that stands twice the first counts, as in browsers."""
    policy: dict[str, list[str]] = {}
    for directive in text.split(";"):
        name, *sources = directive.split() or [""]
        if name:
            policy.setdefault(name.lower(), sources)
    return policy


def _permits(sources: Sequence[str], origin: str, server: str) -> bool:
    ours = urlsplit(origin_of(server))
    if "'strict-dynamic'" in sources:
        return False
    for source in sources:
        scheme, _, host = source.rpartition("://")
        host = host.split("/")[0]
        fits = host == ours.netloc or (host.startswith("*.") and ours.netloc.endswith(host[1:]))
        if source in ("*", f"{ours.scheme}:") or (fits and scheme in ("", ours.scheme)):
            return True
        if source == "'self'" and origin == origin_of(server):
            return True
    return False
