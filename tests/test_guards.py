"""The guards around every door: headers, hosts, origins, limits, time, proxies, the log, and a shutdown that finishes its work."""

import json
import logging
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

import ui.limits
from bot import Bot, Config, Embed, read_config
from corpus import SettingsInvalid
from corpus.errors import IndexDamaged, IndexMissing, ModelError, StoreUnavailable
from tests.doors import QUESTION, ChatPage, moon_bot, served, slow, sse, toy_process, until
from ui.chat import talk
from ui.desk import Desk
from ui.limits import MAX_BODY
from ui.log import REQUEST_ID, ConsoleLines, JsonLines
from ui.security import chat_policy, is_our_host
from ui.serve import Site, exposure
from ui.serve import address as address_text
from ui.texts import TEXTS

LOCAL = "http://127.0.0.1"
FOR_ALL = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
"""What every door takes, the assistants' too."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(moon_bot(tmp_path_factory.mktemp("site")))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of another such site, really served."""
    with served(Site(moon_bot(tmp_path_factory.mktemp("served")))) as found:
        yield found


@pytest.fixture(autouse=True)
def plain_settings(site: Site) -> Iterator[None]:
    """Each test begins with the defaults."""
    before = site.settings()
    yield
    site.change(before)


def setting(site: Site, **values: Any) -> None:
    site.change(Config.model_validate(site.settings().model_dump() | values))


def client(site: Site, address: str = "127.0.0.1", base_url: str = LOCAL) -> TestClient:
    return TestClient(site, base_url=base_url, client=(address, 5000), raise_server_exceptions=False, follow_redirects=False)


PAGES = [
    "/",
    "/en/",
    "/en",
    "/source/en.moon",
    "/api/documents",
    "/api/nowhere",
    "/pages/source.css",
    "/pages/nowhere",
    "/openapi.json",
    "/nowhere",
]


@pytest.mark.parametrize("path", PAGES)
def test_every_response_has_the_headers(site: Site, path: str) -> None:
    response = client(site).get(path)
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["x-frame-options"] in ("SAMEORIGIN", "DENY")
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-request-id"])
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors" in policy
    assert "unsafe-eval" not in policy
    assert "script-src" not in policy or "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    assert not [name for name in response.headers if name.startswith("access-control-")]
    assert "server" not in response.headers


def test_errors_and_refusals_have_the_headers_too(site: Site) -> None:
    setting(site, rate_limit="1/day", rate_limit_exempt=())
    visitor = client(site, "203.0.113.77")
    visitor.get("/api/version")
    for response in (
        visitor.get("/api/version"),
        client(site, base_url="http://evil.example").get("/"),
        visitor.post("/api/ask", content=b"{"),
    ):
        assert response.status_code >= 400
        assert response.headers["content-security-policy"].startswith("default-src 'none'")
        assert response.headers["x-request-id"]


def test_a_page_may_run_just_the_scripts_that_are_written_into_it(site: Site) -> None:
    page = client(site).get("/", headers={"Accept-Encoding": "br, gzip"})
    assert "content-encoding" not in page.headers
    assert page.headers["content-security-policy"] == chat_policy(page.content)
    assert chat_policy(b"<script>a()</script>").count("sha256-") == 1
    assert chat_policy(b"<script src='a.js'></script>").count("sha256-") == 0


@pytest.mark.parametrize(
    ("host", "settings", "served_there"),
    [
        ("localhost:7860", {}, True),
        ("127.0.0.1", {}, True),
        ("[::1]:7860", {}, True),
        ("evil.example", {}, False),
        ("localhost.evil.example", {}, False),
        ("", {}, False),
        ("[", {}, False),
        ("a@evil.example", {}, False),
        ("tanya.example", {"public_url": "https://tanya.example/a"}, True),
        ("evil.example", {"public_url": "https://tanya.example/a", "host": "0.0.0.0"}, False),
        ("anything.example", {"host": "0.0.0.0"}, True),
    ],
)
def test_a_host_that_is_not_ours_is_refused(host: str, settings: dict[str, Any], served_there: bool) -> None:
    assert is_our_host(host, Config(**settings)) is served_there


def test_a_page_that_points_its_name_at_this_machine_reads_nothing(site: Site) -> None:
    response = client(site, base_url="http://evil.example").get("/api/documents")
    assert (response.status_code, response.json()["error"]["code"]) == (421, "wrong_host")


ORIGIN = {"Origin": "https://site.example"}


def test_only_named_sites_may_call_and_only_the_api(site: Site) -> None:
    here = client(site)
    assert "access-control-allow-origin" not in here.get("/api/documents", headers=ORIGIN).headers
    setting(site, cors_origins=("https://site.example",))
    allowed = here.get("/api/documents", headers=ORIGIN).headers
    assert allowed["access-control-allow-origin"] == "https://site.example"
    assert "access-control-allow-credentials" not in allowed
    preflight = {**ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    assert here.options("/api/ask", headers=preflight).status_code == 200
    for wrong in ({"Origin": "https://evil.example"}, {"Access-Control-Request-Method": "DELETE"}):
        refused = here.options("/api/ask", headers=preflight | wrong)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
        assert "evil" not in refused.text
    for path in ("/", "/source/en.moon", "/openapi.json"):
        assert "access-control-allow-origin" not in here.get(path, headers=ORIGIN).headers
    for origin in ("https://site.example.evil.example", "null", "http://site.example", "https://SITE.example:444"):
        assert "access-control-allow-origin" not in here.get("/api/documents", headers={"Origin": origin}).headers


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=../../etc/passwd",
        "/file=/etc/passwd",
        "/gradio_api/upload",
        "/gradio_api/proxy=http://example.org",
        "/gradio_api/run/respond",
        "/gradio_api/call/respond",
        "/gradio_api/api/respond",
        "/gradio_api/info",
        "/gradio_api/openapi.json",
        "/gradio_api/runs",
        "/gradio_api/vibe-code/",
        "/gradio_api/deep_link",
        "/gradio_api/upload_progress",
        "/gradio_api/component_server",
        "/config",
        "/monitoring",
        "/login",
        "/token",
        "/user",
        "/svelte/..%2f..%2fetc/passwd",
        "/static/..%2f..%2f..%2f..%2fetc/passwd",
        "/assets/....//....//etc/passwd",
        "/pages/..%2f..%2fserve.py",
        "/custom_component/a/client/b",
    ],
)
@pytest.mark.parametrize("prefix", ["", "/en"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_gradios_own_doors_are_shut(site: Site, path: str, prefix: str, method: str) -> None:
    response = client(site).request(method, prefix + path)
    assert response.status_code in (404, 405)
    assert "root:" not in response.text
    assert set(response.json()) == {"error"}


def test_the_chat_answers_only_its_own_page(address: str) -> None:
    page = ChatPage(address)
    body = page.body(QUESTION, [])
    foreign = page.join(body, Origin="https://evil.example")
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (403, "forbidden")
    assert page.join(body, Origin=address).status_code == 200


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"data": "x"}', b'{"fn_index": -1, "data": [], "session_hash": "a"}', b'{"fn_index": 99, "data": []}']
)
def test_malformed_chat_requests_are_errors_of_one_shape(site: Site, body: bytes) -> None:
    response = client(site).post("/gradio_api/queue/join", content=body, headers={"Content-Type": "application/json"})
    assert 400 <= response.status_code < 500
    assert set(response.json()) == {"error"}


DOORS = {
    "/api/search?q=moon": "GET",
    "/api/ask": "POST",
    "/api/feedback": "POST",
    "/v1/chat/completions": "POST",
    "/mcp": "POST",
    "/source/en.moon": "GET",
    "/privacy": "GET",
    "/gradio_api/queue/join": "POST",
    "/en/gradio_api/queue/join": "POST",
    "/embed/news": "GET",
    "/embed/news/token": "POST",
}


@pytest.mark.parametrize(("path", "method"), DOORS.items())
def test_one_address_may_ask_only_so_often_and_another_still_may(site: Site, path: str, method: str) -> None:
    setting(site, rate_limit="3/minute", rate_limit_exempt=())
    address = f"203.0.113.{[*DOORS].index(path)}"
    statuses = [client(site, address).request(method, path).status_code for _ in range(5)]
    assert 429 not in statuses[:3]
    assert statuses[3:] == [429, 429]
    refused = client(site, address).request(method, path)
    assert 1 <= int(refused.headers["retry-after"]) <= 120
    assert refused.json()["error"]["code"] == "too_many"
    assert client(site, f"198.51.100.{[*DOORS].index(path)}").request(method, path).status_code != 429
    assert client(site, address).get("/pages/source.css").status_code == 200


def test_all_doors_of_an_address_count_together(site: Site) -> None:
    setting(site, rate_limit=f"{len(DOORS)}/minute", rate_limit_exempt=())
    visitor = client(site, "203.0.113.100")
    assert 429 not in [visitor.request(method, path).status_code for path, method in DOORS.items()]
    assert {visitor.request(method, path).status_code for path, method in DOORS.items()} == {429}


@pytest.mark.parametrize("path", ["/api/ask", "/v1/chat/completions", "/mcp", "/api/search"])
def test_a_question_that_is_too_long_is_refused_at_every_door(site: Site, path: str) -> None:
    setting(site, max_question=20)
    long = "who walked on the moon and why"
    bodies: dict[str, Any] = {
        "/api/ask": {"question": long},
        "/v1/chat/completions": {"messages": [{"role": "user", "content": long}]},
        "/mcp": {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "ask", "arguments": {"question": long}}},
    }
    with client(Site(site.bot())) as here:
        response = here.post(path, json=bodies[path], headers=FOR_ALL) if path in bodies else here.get(path, params={"q": long})
    if path == "/mcp":
        assert "at most 20" in response.json()["result"]["content"][0]["text"]
    else:
        assert (response.status_code, response.json()["error"]["code"]) == (413, "too_long")
        assert "at most 20" in response.json()["error"]["message"]


def test_a_burst_of_many_at_once_gets_exactly_its_number(site: Site) -> None:
    setting(site, rate_limit="10/hour", rate_limit_exempt=())
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(client(site, "203.0.113.200").get("/api/version").status_code)) for _ in range(30)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 10 + [429] * 20


def test_one_network_of_ipv6_is_one_address(site: Site) -> None:
    setting(site, rate_limit="1/day", rate_limit_exempt=())
    assert client(site, "2001:db8::1").get("/api/version").status_code == 200
    assert client(site, "2001:db8::ffff").get("/api/version").status_code == 429
    assert client(site, "2001:db8:0:1::1").get("/api/version").status_code == 200


def test_loopback_is_exempt_but_not_what_an_unknown_proxy_forwards(site: Site) -> None:
    setting(site, rate_limit="1/day")
    assert {client(site).get("/api/version").status_code for _ in range(4)} == {200}
    assert {client(site, "::ffff:127.0.0.1").get("/api/version").status_code for _ in range(4)} == {200}
    forged = {"X-Forwarded-For": "203.0.113.9"}
    assert [client(site).get("/api/version", headers=forged).status_code for _ in range(3)] == [200, 429, 429]


def test_the_clients_address_is_believed_only_from_a_trusted_proxy(site: Site) -> None:
    setting(site, rate_limit="1/day", rate_limit_exempt=(), trusted_proxies=("10.0.0.0/8",))

    def seen(peer: str, said: str) -> int:
        return client(site, peer).get("/api/version", headers={"X-Forwarded-For": said}).status_code

    assert [seen("10.1.1.1", "192.0.2.1"), seen("10.1.1.1", "192.0.2.2"), seen("10.1.1.1", "192.0.2.1")] == [200, 200, 429]
    # What the visitor put there himself stands to the left of what the proxy adds, and is not looked at.
    assert [seen("10.1.1.1", "127.0.0.1, 192.0.2.3"), seen("10.1.1.1", "8.8.8.8, 192.0.2.3")] == [200, 429]
    assert [seen("192.0.2.50", "192.0.2.51"), seen("192.0.2.50", "192.0.2.52")] == [200, 429]


def test_no_forwarding_header_writes_a_link_or_an_id(site: Site) -> None:
    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example", "X-Request-ID": "a" * 20}
    for path in ("/", "/api/version", "/source/en.moon", "/en"):
        response = client(site).get(path, headers=forged)
        assert "evil.example" not in response.text + str(response.headers)
        assert response.headers["x-request-id"] != "a" * 20
    setting(site, trusted_proxies=("127.0.0.1",))
    assert client(site).get("/api/version", headers=forged).headers["x-request-id"] == "a" * 20
    assert client(site).get("/api/version", headers={"X-Request-ID": "a b\tc"}).headers["x-request-id"] != "a b\tc"


def test_oversized_bodies_are_refused_at_every_door(site: Site) -> None:
    for path in ("/api/ask", "/gradio_api/queue/join", "/api/feedback"):
        declared = client(site).post(path, content=b"x" * (MAX_BODY + 1))
        assert (declared.status_code, declared.json()["error"]["code"]) == (413, "too_long")


@pytest.mark.parametrize(
    "path", ["/api/ask", "/api/feedback", "/v1/chat/completions", "/mcp", "/gradio_api/queue/join", "/en/gradio_api/queue/join"]
)
def test_a_body_that_does_not_say_its_size_is_cut_off_at_every_door(address: str, path: str) -> None:
    chunks = (b" " * size for size in [100_000] * (MAX_BODY // 100_000) + [1])
    assert httpx.post(address + path, content=chunks, headers=FOR_ALL).status_code == 413


@pytest.mark.parametrize("path", ["/api/ask", "/api/feedback", "/v1/chat/completions", "/mcp", "/gradio_api/queue/join"])
@pytest.mark.parametrize("body", [b"[" * 400_000, b'{"a":' * 100_000, b'{"data": ' + b"[" * 400_000 + b"]" * 400_000 + b"}"])
def test_a_body_of_endless_depth_is_a_plain_error(address: str, path: str, body: bytes) -> None:
    assert 400 <= httpx.post(address + path, content=body, headers=FOR_ALL).status_code < 500


def test_a_body_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui.limits, "GRACE", 0)
    with served(Site(moon_bot(tmp_path, timeout=1))) as address:
        place = urlsplit(address)
        peer = socket.create_connection((place.hostname, place.port))
        peer.sendall(b"POST /api/ask HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
        began = time.monotonic()
        said = peer.recv(4096).decode()
        peer.close()
    assert time.monotonic() - began < 5
    assert "503" in said.splitlines()[0]
    assert "retry-after" in said.lower()


def test_more_open_requests_than_there_may_be_are_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui.limits, "AT_ONCE", 0)
    response = client(site).get("/api/version")
    assert (response.status_code, response.json()["error"]["code"]) == (503, "overloaded")


def test_one_address_cannot_keep_all_places_open(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui.limits, "AT_ONCE_EACH", 0)
    refused = client(site, "203.0.113.5").get("/api/version")
    assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
    assert client(site).get("/api/version").status_code == 200
    monkeypatch.setattr(ui.limits, "AT_ONCE_EACH", 1)
    assert [client(site, "203.0.113.5").get("/api/version").status_code for _ in range(3)] == [200] * 3


def lines(caplog: pytest.LogCaptureFixture, formatter: logging.Formatter) -> list[str]:
    return [formatter.format(record) for record in caplog.records if record.name.startswith("tanya")]


def test_a_request_is_one_line_without_question_address_or_path(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tanya")
    visitor = client(site, "203.0.113.99")
    response = visitor.post("/api/ask", json={"question": QUESTION}, headers={"Authorization": "Bearer hush", "Cookie": "a=hush"})
    visitor.get("/api/documents/my-secret-name")
    visitor.get("/api/search", params={"q": "private words"})
    written = lines(caplog, JsonLines())
    rows = [json.loads(line) for line in written]
    assert [row["event"] for row in rows] == ["answer", "request", "request", "request"]
    assert [row.get("route") for row in rows] == [None, "/api/ask", "/api/documents/{doc_id}", "/api/search"]
    for word in ("moon", "hush", "203.0.113.99", "secret", "private"):
        assert word not in "\n".join(written)
    assert rows[0]["answer_id"] == response.json()["answer_id"]


def test_the_answers_line_has_the_requests_id_and_the_question_only_if_asked(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    setting(site, log_questions=True)
    caplog.set_level(logging.INFO, "tanya")
    seen: list[str | None] = []
    site.desk.ask(QUESTION)
    token = REQUEST_ID.set("an-id")
    ticket = site.desk._take(lambda bot, stopped: seen.append(REQUEST_ID.get()))
    ticket.future.result(60)
    REQUEST_ID.reset(token)
    assert seen == ["an-id"]
    assert QUESTION in "\n".join(lines(caplog, JsonLines()))


@pytest.mark.parametrize("formatter", [JsonLines(), ConsoleLines()])
def test_no_text_forges_a_line_of_the_log(formatter: logging.Formatter) -> None:
    hostile = "a\n2026-01-01T00:00:00Z INFO forged\r\x1b[31mred\u2028\u202e"
    record = logging.LogRecord("tanya", logging.INFO, "", 0, "%s", (hostile,), None)
    record.fields = {"question": hostile}
    line = formatter.format(record)
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line
    assert "\u202e" not in line


def test_an_unforeseen_error_is_logged_with_its_trace_and_told_without(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("ui.api.source_page", broken)
    response = client(site).get("/source/en.moon")
    assert response.status_code == 500
    assert "secret" not in response.text
    assert response.headers["content-security-policy"]
    assert "secret detail" in "\n".join(lines(caplog, ConsoleLines()))


@pytest.mark.parametrize("error", [IndexMissing, IndexDamaged, StoreUnavailable, ModelError])
def test_no_error_of_the_servers_own_names_its_folders_or_hosts(
    address: str, error: type[Exception], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise error("/srv/hush is gone, and http://user:hush@milvus.internal does not answer.")

    monkeypatch.setattr(Bot, "ask", broken)
    monkeypatch.setattr(Bot, "search", broken)
    messages = {"messages": [{"role": "user", "content": QUESTION}]}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "ask", "arguments": {"question": QUESTION}}}
    responses = [
        httpx.post(address + "/api/ask", json={"question": QUESTION}),
        httpx.post(address + "/api/ask", json={"question": QUESTION}, headers={"Accept": "text/event-stream"}),
        httpx.post(address + "/v1/chat/completions", json=messages),
        httpx.get(address + "/api/search?q=moon"),
        httpx.get(address + "/api/health"),
    ]
    assert {(response.status_code, response.json()["error"]["code"]) for response in responses} == {(503, "unavailable")}
    told = httpx.post(address + "/mcp", json=call, headers=FOR_ALL)
    assert told.json()["result"]["isError"]
    assert "hush" not in "".join(response.text + str(response.headers) for response in [*responses, told]) + ChatPage(address).ask(QUESTION)
    assert "/srv/hush is gone" in caplog.text


def test_the_chat_says_so_when_an_answer_fails_in_a_way_that_nobody_foresaw(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(site.desk, "ask", broken)
    said = list(talk(site.desk, QUESTION, [], "en"))[-1][-1]["content"]
    assert TEXTS["en"]["failed"] in said
    assert "secret" not in said


def test_settings_change_between_two_requests_and_some_wait_for_the_next_start(site: Site) -> None:
    assert client(site).post("/api/ask", json={"question": "x" * 50 + " moon"}).status_code == 200
    new = Config.model_validate(site.settings().model_dump() | {"max_question": 20, "port": 1234})
    assert site.change(new) == {"port"}
    assert client(site).post("/api/ask", json={"question": "x" * 50 + " moon"}).status_code == 413
    assert site.settings().port != 1234


LIVE: dict[str, Any] = {
    "golden": Path("golden.jsonl"),
    "keep_versions": 7,
    "admin_token": SecretStr("a-long-enough-token"),
    "max_question": 77,
    "max_sentences": 2,
    "sure_id": 0.7,
    "sure_en": 0.7,
    "passages": 3,
    "embeds": (Embed(id="news"),),
    "trusted_proxies": ("10.0.0.0/8",),
    "cors_origins": ("https://site.example",),
    "rate_limit": "7/hour",
    "rate_limit_exempt": ("10.0.0.0/8",),
    "queue": 7,
    "timeout": 77,
    "log_questions": True,
    "keep_days": 7,
}
WAITING: dict[str, Any] = {
    "corpus": Path("a"),
    "index": Path("b"),
    "cache": Path("c"),
    "embedding_model": "d",
    "engine": "torch",
    "threads": 7,
    "chunk_tokens": 77,
    "vector_store": "milvus",
    "milvus_address": "http://127.0.0.1:19530",
    "host": "0.0.0.0",
    "port": 7,
    "public_url": "https://site.example",
    "concurrency": 7,
    "log_format": "json",
    "kept": Path("e"),
}


def test_every_setting_holds_at_once_or_is_named_as_waiting(site: Site) -> None:
    assert LIVE.keys() | WAITING.keys() == Config.model_fields.keys()
    before = site.settings()
    assert site.change(before.model_copy(update=LIVE | WAITING)) == WAITING.keys()
    for now in (site.settings(), site.bot().config, site.desk.config):
        assert {name: getattr(now, name) for name in LIVE} == LIVE
        assert {name: getattr(now, name) for name in WAITING} == {name: getattr(before, name) for name in WAITING}


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate_limit": "many"},
        {"rate_limit_exempt": "home"},
        {"trusted_proxies": "10.0.0.300"},
        {"cors_origins": "*"},
        {"cors_origins": "https://a.example/path"},
        {"public_url": "tanya.example"},
        {"public_url": "https://a:b@tanya.example"},
        {"admin_token": "short"},
    ],
)
def test_a_setting_that_would_open_a_door_by_mistake_stops_the_start(monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]) -> None:
    for name, value in wrong.items():
        monkeypatch.setenv(f"TANYA_{name.upper()}", value)
    with pytest.raises(SettingsInvalid, match=next(iter(wrong))):
        read_config()


def test_a_rebuild_is_asked_for_with_the_token_and_is_not_there_without_one(site: Site) -> None:
    here = client(site)
    assert [here.request(method, "/api/admin/rebuild").status_code for method in ("GET", "POST")] == [404, 404]
    setting(site, admin_token="a-long-enough-token")
    assert [here.request(method, "/api/admin/rebuild").status_code for method in ("GET", "POST")] == [401, 401]
    bearer = {"Authorization": "Bearer a-long-enough-token"}
    assert here.post("/api/admin/rebuild", headers=bearer).status_code == 202
    until(lambda: not here.get("/api/admin/rebuild", headers=bearer).json()["running"])
    assert here.get("/api/admin/rebuild", headers=bearer).json()["event"] == "done"


def test_a_server_that_others_reach_says_what_it_exposes() -> None:
    here = ["0.0.0.0:7860"]
    said = exposure(Config(), here)
    for word in ("0.0.0.0:7860", "60/minute", "TLS", "password", "/metrics", "/api", "/v1", "/mcp", "/embed", "rate answers"):
        assert word in said
    assert "rebuild" not in said
    assert "rate answers" not in exposure(Config(keep_days=0), here)
    assert "rebuild" in exposure(Config(admin_token=SecretStr("a-long-enough-token")), here)
    assert address_text("::", 7860) == "[::]:7860"


def test_a_server_on_another_address_logs_what_it_exposes(tmp_path: Path) -> None:
    with toy_process(tmp_path / "toy", host="0.0.0.0") as (_, address):
        assert f"Listening on 0.0.0.0:{urlsplit(address).port}: whoever reaches it can ask" in (tmp_path / "toy" / "log").read_text()
    with toy_process(tmp_path / "near"):
        assert "Listening on" not in (tmp_path / "near" / "log").read_text()


def test_a_shutdown_finishes_the_answers_that_run(tmp_path: Path) -> None:
    with toy_process(tmp_path / "toy", 1.0, log_format="json") as (process, address):
        answers: list[httpx.Response] = []
        asking = threading.Thread(target=lambda: answers.append(httpx.post(address + "/api/ask", json={"question": QUESTION}, timeout=30)))
        asking.start()
        until((tmp_path / "toy" / "reading").exists)
        process.send_signal(signal.SIGTERM)
        asking.join()
        assert process.wait(60) in (0, -signal.SIGTERM)
        log = (tmp_path / "toy" / "log").read_text()
    assert answers[0].json()["citations"]
    assert all(json.loads(line) for line in log.splitlines())
    assert "trace" not in log


def test_a_shutdown_finishes_a_stream_that_runs_and_the_questions_that_wait(tmp_path: Path) -> None:
    with toy_process(tmp_path / "toy", 6.0, concurrency=1, timeout=120) as (process, address), ThreadPoolExecutor() as askers:
        page = ChatPage(address)

        def held() -> float:
            found = re.search(r"^tanya_questions_held (\S+)", httpx.get(address + "/metrics").text, re.MULTILINE)
            return float(found[1]) if found else -1

        asked: Any = {"json": {"question": QUESTION}, "timeout": 120}
        with httpx.stream("POST", address + "/api/ask", headers={"Accept": "text/event-stream"}, **asked) as streaming:
            parts = streaming.iter_text()
            assert next(parts).startswith(": waiting")
            waiting = askers.submit(httpx.post, address + "/api/ask", **asked)
            chatting = askers.submit(page.ask, QUESTION)
            until(lambda: held() == 3)
            process.send_signal(signal.SIGTERM)
            assert sse("".join(parts))[-1][1] == "done"
        assert waiting.result().json()["citations"]
        assert "td-chip" in chatting.result()
        assert process.wait(60) in (0, -signal.SIGTERM)


OLD, NEW = "the-token-of-the-start", "the-token-that-came-later"


def admitted(address: str, token: str) -> int:
    """The status of /metrics with that token."""
    return httpx.get(address + "/metrics", headers={"Authorization": f"Bearer {token}"}).status_code


def test_settings_and_secrets_change_by_a_signal_without_losing_a_request(tmp_path: Path) -> None:
    folder = tmp_path / "toy"
    start = f'rate_limit = "100000/minute"\nmax_question = 100\nadmin_token = "{OLD}"\n'
    with toy_process(folder, 0.01, start, rate_limit_exempt="192.0.2.0/24") as (process, address):
        statuses: list[int] = []
        done = threading.Event()

        def ask() -> None:
            with httpx.Client(base_url=address) as one:
                while not done.is_set():
                    statuses.append(one.post("/api/ask", json={"question": QUESTION}).status_code)

        asking = threading.Thread(target=ask)
        asking.start()
        until(lambda: len(statuses) > 3)
        assert [admitted(address, token) for token in (OLD, NEW)] == [200, 401]
        (folder / "tanya.toml").write_text(f"max_question = 10\nrate_limit = '100000/minute'\nadmin_token = '{NEW}'\n")
        process.send_signal(signal.SIGHUP)
        until(lambda: 413 in statuses)
        assert [admitted(address, token) for token in (OLD, NEW)] == [401, 200]
        (folder / "tanya.toml").write_text("max_question = broken\n")
        process.send_signal(signal.SIGHUP)
        until(lambda: "stay as they are" in (folder / "log").read_text())
        (folder / "tanya.toml").write_text("max_question = 100\nrate_limit = '100000/minute'\nconcurrency = 3\n")
        process.send_signal(signal.SIGHUP)
        until(lambda: statuses[-1] == 200)
        done.set()
        asking.join()
        assert set(statuses) == {200, 413}
        written = (folder / "log").read_text()
        assert "At the next start: concurrency" in written
        assert OLD not in written
        assert NEW not in written


def test_slow_answers_wait_for_their_turn_and_the_chat_waits_in_the_same_queue(tmp_path: Path) -> None:
    bot, reader = slow(moon_bot(tmp_path, concurrency=1, queue=0))
    desk = Desk(lambda: bot)
    ticket = desk.start(QUESTION)
    said = list(talk(desk, QUESTION, [], "en"))[-1][-1]["content"]
    assert TEXTS["en"]["busy"] in said
    reader.go.set()
    ticket.future.result(60)
