"""The headers of every response there is: of each route with each method, of streams, and of every refusal and failure."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

import ui.limits
from tests.doors import QUESTION, ChatPage, moon_bot, served, until
from ui.limits import MAX_BODY
from ui.log import ConsoleLines, JsonLines
from ui.security import HEADERS
from ui.serve import Site

TOKEN = "a-long-enough-token"
STREAM = {"Accept": "text/event-stream"}
FOR_ALL = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
MESSAGES = [{"role": "user", "content": QUESTION}]
LIST_TOOLS = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(moon_bot(tmp_path_factory.mktemp("headers"), admin_token=SecretStr(TOKEN)))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of another one, since a GET of /mcp, where it is served, waits for news as long as it may."""
    bot = moon_bot(tmp_path_factory.mktemp("served"), admin_token=SecretStr(TOKEN))
    with served(Site(bot), server_header=False) as found:
        yield found


@pytest.fixture
def client(site: Site) -> TestClient:
    return TestClient(site, base_url="http://127.0.0.1", client=("127.0.0.1", 5000), raise_server_exceptions=False)


def check(response: Any, **other: str) -> None:
    """All headers, as they are by default but for `other`; no cookie, and nothing of other origins or of the server's make."""
    where = (response.request.method, str(response.request.url), response.status_code)
    expected = {name.lower(): value for name, value in HEADERS.items()} | {name.replace("_", "-"): value for name, value in other.items()}
    assert {name: response.headers.get(name) for name in expected} == expected, where
    assert response.headers["content-security-policy"].startswith("default-src 'none'"), where
    assert "frame-ancestors" in response.headers["content-security-policy"], where
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-request-id"]), where
    assert not {"set-cookie", "server", "x-powered-by"} & set(response.headers), where


def every_call(site: Site) -> Iterator[tuple[str, str]]:
    beside = {getattr(route, "path", "") or "/" for route in site.routes.routes} | {"/embed.js", "/embed/x", "/embed/x/token"}
    for path in {*site.routes.openapi()["paths"], *beside}:
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
            yield method, re.sub(r"{[^}]*}", "x", path)


def test_each_route_with_each_method_has_all_headers(site: Site, client: TestClient) -> None:
    calls = set(every_call(site))
    assert {path for _, path in calls} >= {"/", "/en", "/mcp", "/metrics", "/privacy", "/api/ask", "/v1/models", "/openapi.json", "/pages"}
    statuses = set()
    for method, path in sorted(calls):
        response = client.request(method, path, follow_redirects=False)
        check(response, **({"cross_origin_resource_policy": "cross-origin"} if path == "/embed.js" and response.is_success else {}))
        statuses.add(response.status_code)
    assert statuses >= {200, 307, 401, 404, 405, 422}


CALLS: dict[str, tuple[str, str, int, dict[str, Any]]] = {
    "the chat": ("GET", "/", 200, {}),
    "the English chat": ("GET", "/en/", 200, {}),
    "a source": ("GET", "/source/en.moon", 200, {}),
    "a style sheet": ("GET", "/pages/source.css", 200, {}),
    "a file of the chat": ("GET", "/theme.css", 200, {}),
    "an answer": ("POST", "/api/ask", 200, {"json": {"question": QUESTION}}),
    "events": ("POST", "/api/ask", 200, {"json": {"question": QUESTION}, "headers": STREAM}),
    "a completion": ("POST", "/v1/chat/completions", 200, {"json": {"messages": MESSAGES}}),
    "a streamed completion": ("POST", "/v1/chat/completions", 200, {"json": {"messages": MESSAGES, "stream": True}}),
    "tools": ("POST", "/mcp", 200, {"json": LIST_TOOLS, "headers": FOR_ALL}),
    "counters": ("GET", "/metrics", 200, {}),
    "the rebuild": ("GET", "/api/admin/rebuild", 200, {"headers": {"Authorization": f"Bearer {TOKEN}"}}),
    "no token": ("POST", "/api/admin/rebuild", 401, {}),
    "no JSON": ("POST", "/api/ask", 400, {"content": b"{", "headers": FOR_ALL}),
    "another site": ("POST", "/mcp", 403, {"headers": {"Origin": "https://evil.example"}}),
    "nothing there": ("GET", "/api/nowhere", 404, {}),
    "no door of the chat": ("GET", "/gradio_api/upload", 404, {}),
    "not the page's": ("POST", "/gradio_api/queue/join", 400, {"json": {}}),
    "another method": ("GET", "/gradio_api/queue/join", 405, {}),
    "too long a question": ("POST", "/api/ask", 413, {"json": {"question": "x" * 2001}}),
    "too large": ("POST", "/api/ask", 413, {"content": b"x" * (MAX_BODY + 1)}),
    "another host": ("GET", "/", 421, {"headers": {"Host": "evil.example"}}),
    "too many passages": ("GET", "/api/search?q=moon&k=99", 422, {}),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_every_kind_of_response_has_all_headers(address: str, call: tuple[str, str, int, dict[str, Any]]) -> None:
    method, path, status, more = call
    response = httpx.request(method, address + path, timeout=60, **more)
    assert response.status_code == status
    check(response)


def test_the_chats_streams_have_all_headers(address: str) -> None:
    page = ChatPage(address)
    body = page.body(QUESTION, [])
    check(page.join(body))
    check(httpx.get(address + "/gradio_api/queue/data", params={"session_hash": body["session_hash"]}, timeout=60))


def test_the_widget_may_be_loaded_and_framed_elsewhere_and_has_all_other_headers(address: str) -> None:
    check(httpx.get(address + "/embed.js"), cross_origin_resource_policy="cross-origin")
    check(httpx.get(address + "/embed/demo", params={"origin": address}), cross_origin_resource_policy="cross-origin")
    check(httpx.get(address + "/embed/demo"))


def fail(*_: Any) -> None:
    raise RuntimeError("secret detail")


FAILURES: dict[str, tuple[int, Callable[[pytest.MonkeyPatch, Site], None]]] = {
    "of a route": (500, lambda patch, site: patch.setattr("ui.api.document_json", fail)),
    "of a guard": (500, lambda patch, site: patch.setattr("ui.limits._counted", fail)),
    "too much open": (503, lambda patch, site: patch.setattr(ui.limits, "AT_ONCE", 0)),
    "too often": (429, lambda patch, site: patch.setattr(ui.limits.Counters, "take", lambda *_: 3)),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_has_all_headers_and_no_detail(
    site: Site, failure: tuple[int, Callable[[pytest.MonkeyPatch, Site], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, break_it = failure
    break_it(monkeypatch, site)
    stranger = TestClient(site, base_url="http://127.0.0.1", client=("203.0.113.5", 5000), raise_server_exceptions=False)
    response = stranger.get("/api/documents")
    assert response.status_code == status
    assert set(response.json()) == {"error"}
    assert "secret" not in response.text
    check(response)


def test_the_admin_token_stands_in_no_output_of_any_route(
    site: Site, client: TestClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO")
    told: list[Any] = []
    for token in (TOKEN, f"{TOKEN}x", ""):
        headers = {"Authorization": f"Bearer {token}", "Cookie": f"a={token}", "X-Request-ID": token or "none", "User-Agent": token}
        for method, path in sorted(every_call(site)):
            told.append(client.request(method, path, headers=headers, follow_redirects=False))
        for method, path, _, more in CALLS.values():
            given = {**more, "headers": {"Authorization": f"Bearer {token}"} | more.get("headers", {})}
            told.append(client.request(method, path, **given))
    monkeypatch.setattr("ui.metrics.Metrics.text", fail)
    told.append(client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}))
    assert {response.status_code for response in told} >= {200, 202, 401, 404, 422, 500}
    assert not [response.request.url for response in told if TOKEN in response.text + str(response.headers)]
    until(lambda: client.get("/api/admin/rebuild", headers={"Authorization": f"Bearer {TOKEN}"}).json()["running"] is False)
    lines = "\n".join(style.format(record) for record in caplog.records for style in (JsonLines(), ConsoleLines()))
    assert "secret detail" in lines
    assert TOKEN not in lines
    assert TOKEN not in repr(site.settings())
