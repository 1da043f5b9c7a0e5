"""Asks through every door while no socket may leave the machine: `python -m tests.denied toy|real`.

Prints what tried to as JSON, and whether the kernel held it off too: in a network namespace of its own there is nothing but
loopback, for libraries that do not ask Python as well. Run by test_attacks in a process of its own.
"""

import asyncio
import ctypes
import fcntl
import json
import socket
import struct
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TRIED: list[str] = []
LOCAL = {"127.0.0.1", "localhost", "::1", "", None}
NEW_NETWORK, NEW_USER = 0x40000000, 0x10000000
SET_FLAGS, UP = 0x8914, 1


def deny(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple) and arguments[1][0] not in LOCAL:
        TRIED.append(f"{event} {arguments[1]}")
        raise OSError("denied")
    if event in ("socket.getaddrinfo", "socket.gethostbyname") and arguments[0] not in LOCAL:
        TRIED.append(f"look up {arguments[0]}")
        raise OSError("denied")


def cut_off() -> bool:
    """Go into a network of our own, with loopback alone; whether the kernel lets us."""
    kernel = ctypes.CDLL(None, use_errno=True)
    if kernel.unshare(NEW_NETWORK) and kernel.unshare(NEW_USER | NEW_NETWORK):
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh14x", b"lo", UP))
    return True


@contextmanager
def site(kind: str) -> Iterator[tuple[str, str, str]]:
    """The address of the whole application, a question that it answers, and a page of a source."""
    from tests.conftest import DOCUMENTS
    from tests.doors import QUESTION, moon_bot, served
    from ui.serve import Site

    folder = Path(tempfile.mkdtemp())
    if kind == "toy":
        with served(Site(moon_bot(folder))) as address:
            yield address, QUESTION, "en.moon"
        return
    from bot import open_bot, read_config

    bot = open_bot(read_config(corpus=DOCUMENTS, index=folder / "index", kept=folder / "kept.sqlite"))
    with served(Site(bot)) as address:
        yield address, "Kapan dan di mana RCDD 2019 digelar?", next(iter(bot.version.documents))


def through_pages_and_api(address: str, question: str, page: str) -> None:
    import httpx

    from tests.doors import REFUSED

    with httpx.Client(base_url=address, timeout=120) as client:
        paths = ("/", "/en/", "/privacy", f"/source/{page}", "/api/documents", "/metrics", "/openapi.json", "/api/health", "/embed.js")
        for path in paths:
            assert client.get(path).status_code == 200, path
        for asked in (question, REFUSED):
            answer = client.post("/api/ask", json={"question": asked}).raise_for_status().json()
            assert answer["refused"] is (asked == REFUSED)
            client.post("/api/ask", json={"question": asked}, headers={"Accept": "text/event-stream"}).raise_for_status()
            client.post("/api/feedback", json={"answer_id": answer["answer_id"], "rating": "up"}).raise_for_status()


def through_the_clients(address: str, question: str) -> None:
    import openai
    from mcp import Client

    async def call() -> None:
        async with Client(address + "/mcp") as client:
            assert not (await client.call_tool("ask", {"question": question})).is_error

    asyncio.run(call())
    with openai.OpenAI(base_url=address + "/v1", api_key="none") as client:
        assert client.chat.completions.create(model="tanya-diplomasi", messages=[{"role": "user", "content": question}]).choices


def main(kind: str) -> None:
    sys.addaudithook(deny)
    held = cut_off()
    with site(kind) as (address, question, page):
        through_pages_and_api(address, question, page)
        through_the_clients(address, question)
    sys.stdout.write(json.dumps({"tried": TRIED, "cut_off": held}))


if __name__ == "__main__":
    main(sys.argv[1])
