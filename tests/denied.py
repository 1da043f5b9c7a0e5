"""Asks through every door while no socket may leave the machine; prints what tried to. Run by test_attacks in a process of its own."""

import sys
import tempfile
from pathlib import Path
from typing import Any

TRIED: list[str] = []
LOCAL = {"127.0.0.1", "localhost", "::1", "", None}


def deny(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] not in LOCAL:
        TRIED.append(f"connect {arguments[1]}")
        raise OSError("denied")
    if event in ("socket.getaddrinfo", "socket.gethostbyname") and arguments[0] not in LOCAL:
        TRIED.append(f"look up {arguments[0]}")
        raise OSError("denied")


sys.addaudithook(deny)


def main() -> None:
    import httpx

    from tests.doors import QUESTION, REFUSED, moon_bot, served
    from ui.serve import Site

    with served(Site(moon_bot(Path(tempfile.mkdtemp())))) as address, httpx.Client(base_url=address, timeout=60) as client:
        for path in ("/", "/en/", "/privacy", "/source/en.moon", "/api/documents", "/metrics", "/openapi.json", "/api/health"):
            assert client.get(path).status_code == 200, path
        for question in (QUESTION, REFUSED):
            client.post("/api/ask", json={"question": question}).raise_for_status()
            client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": question}]}).raise_for_status()
    sys.stdout.write(repr(TRIED))


if __name__ == "__main__":
    main()
