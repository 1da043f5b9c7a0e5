"""Behind a real nginx under a sub-path, with the README's own lines; and a restart on a socket that systemd holds."""

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from playwright.sync_api import Page, sync_playwright

import ui.sse
from bot import Embed
from tests.conftest import CHROMIUM, NGINX
from tests.doors import QUESTION, ROOT, alive, free_port, moon_bot, served, slow, sse, until
from tests.sites import ALLOWED, Sites
from ui.embed import paste_line
from ui.embed_doctor import examine
from ui.serve import Site

README = (ROOT / "README.md").read_text("utf-8")
HTTP = """
user root;
pid {folder}/pid;
error_log {folder}/error.log;
daemon off;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
{lines}
    }}
}}
"""


def readme_lines(address: str) -> str:
    """The README's lines for nginx, in front of `address`."""
    block = re.search(r"```nginx\n(.*?)```", README, re.DOTALL)
    assert block
    return block[1].replace("http://127.0.0.1:7860", address)


class Nginx:
    """A real nginx in front of a toy server; `address` has the sub-path."""

    def __init__(self, folder: Path, port: int, site: Site, reader: object) -> None:
        self.folder, self.port, self.site, self.reader = folder, port, site, reader
        self.address = f"http://127.0.0.1:{port}/tanya"


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    public = f"http://127.0.0.1:{port}/tanya"
    bot, reader = slow(moon_bot(folder, public_url=public, trusted_proxies=("127.0.0.1",), rate_limit="1000/minute", rate_limit_exempt=()))
    reader.go.set()
    site = Site(bot)
    with served(site) as behind:
        (folder / "nginx.conf").write_text(HTTP.format(folder=folder, port=port, lines=readme_lines(behind)))
        process = subprocess.Popen([str(NGINX), "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL)
        until(lambda: process.poll() is None and _answers(public))
        yield Nginx(folder, port, site, reader)
        process.terminate()
        process.wait(10)


def _answers(address: str) -> bool:
    try:
        return httpx.get(address + "/api/live").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.nginx
def test_events_come_through_unbuffered(nginx: Nginx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui.sse, "PATIENCE", 0.05)
    monkeypatch.setattr(ui.sse, "QUIET", 0.2)
    reader = nginx.reader
    reader.go.clear()  # type: ignore[attr-defined]
    body = {"question": QUESTION}
    with httpx.stream("POST", nginx.address + "/api/ask", json=body, headers={"Accept": "text/event-stream"}, timeout=30) as response:
        parts = response.iter_text()
        assert next(parts).startswith(": waiting")
        reader.go.set()  # type: ignore[attr-defined]
        assert sse("".join(parts))[-1][1] == "done"


@pytest.mark.nginx
def test_links_stand_below_the_sub_path(nginx: Nginx) -> None:
    with httpx.Client() as client:
        assert client.get(f"http://127.0.0.1:{nginx.port}/tanya").headers["location"].endswith("/tanya/")
        moved = client.get(nginx.address + "/en")
        assert urljoin(nginx.address + "/en", moved.headers["location"]) == nginx.address + "/en/"
        for page in ("/", "/en/", "/privacy", "/source/en.moon"):
            here = nginx.address + page
            text = client.get(here).text
            # Gradio's manifest stands at the root whatever one sets; no browser asks for it, since the chat is not installable.
            links = [urljoin(here, link) for link in re.findall(r'(?:href|src)="([^"#]+)"', text) if link != "/manifest.json"]
            own = [link for link in links if urlsplit(link).netloc == urlsplit(nginx.address).netloc]
            assert own, (page, text[:400])
            for link in own:
                found = client.get(link, follow_redirects=True)
                assert found.status_code == 200, (page, link)
                assert str(found.url).startswith(nginx.address), (page, link)
        answer = client.post(nginx.address + "/api/ask", json={"question": QUESTION}).json()
        source = client.get(nginx.address + answer["citations"][0]["source_url"])
        assert "<mark" in source.text
        made = client.post(nginx.address + "/v1/chat/completions", json={"messages": [{"role": "user", "content": QUESTION}]}).json()
        assert client.get(made["tanya"]["citations"][0]["source_url"]).status_code == 200


def heard(page: Page) -> tuple[list[str], list[str]]:
    """The addresses that a page asks for, and its errors."""
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(f"{message.text} {message.location}") if message.type == "error" else None)
    return asked, complaints


@pytest.mark.nginx
@pytest.mark.browser
def test_the_chat_works_below_the_sub_path(nginx: Nginx) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        for page_path in ("/", "/en/"):
            page = browser.new_page()
            asked, complaints = heard(page)
            page.goto(nginx.address + page_path)
            page.fill("#td-box textarea", QUESTION)
            page.keyboard.press("Enter")
            page.wait_for_selector("a.td-chip")
            assert page.locator("a.td-chip").first.get_attribute("href", timeout=5000).startswith("/tanya/source/")  # type: ignore[union-attr]
            assert all(url.startswith((nginx.address, "data:")) for url in asked)
            assert [said for said in complaints if "/favicon.ico" not in said] == []  # the browser asks for it above the sub-path
            page.close()
        browser.close()


@pytest.fixture
def news(nginx: Nginx) -> Iterator[tuple[Sites, Embed]]:
    """A site that pasted the line of an embed of its own."""
    sites = Sites()
    embed = Embed(id="news", origins=(sites.origin(ALLOWED), f"http://127.0.0.1:{sites.port}"))
    before = nginx.site.settings()
    nginx.site.change(before.model_copy(update={"embeds": (embed,)}))
    policy = f"script-src {nginx.address.removesuffix('/tanya')}; frame-src {nginx.address.removesuffix('/tanya')}"
    sites.put("/", f"<!doctype html><html lang=en>{paste_line(nginx.address, embed)}<p>News</html>", Content_Security_Policy=policy)
    yield sites, embed
    nginx.site.change(before)
    sites.close()


@pytest.mark.nginx
@pytest.mark.browser
def test_the_widget_works_below_the_sub_path_with_the_line_that_is_printed(nginx: Nginx, news: tuple[Sites, Embed]) -> None:
    site = news[0].origin(ALLOWED)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.set_default_timeout(60_000)
        asked, complaints = heard(page)
        page.goto(site)
        page.locator("tanya-widget button.button").click()
        frame = page.frame_locator("tanya-widget iframe")
        frame.locator("#question").fill(QUESTION)
        frame.locator("#question").press("Enter")
        frame.locator(".chip").click()
        link = frame.locator(".card a").last
        assert str(link.get_attribute("href")).startswith(nginx.address + "/source/en.moon?")
        with page.context.expect_page() as opened:
            link.click()
        assert opened.value.locator("mark").inner_text() == "The moon has no air at all."
        assert all(url.startswith((nginx.address + "/", site)) for url in asked)
        assert [said for said in complaints if "/favicon.ico" not in said] == []
        browser.close()


@pytest.mark.nginx
def test_the_doctor_finds_nothing_below_the_sub_path(nginx: Nginx, news: tuple[Sites, Embed]) -> None:
    sites, embed = news
    findings = list(examine(f"http://127.0.0.1:{sites.port}", (embed,), nginx.address))
    assert [finding.topic for finding in findings] == ["listed", "address", "loader", "framing", "clock", "policy", "line", "clock"]
    assert [finding for finding in findings if finding.fix] == []


@pytest.mark.nginx
def test_the_clients_address_is_that_which_the_proxy_saw(nginx: Nginx) -> None:
    before = nginx.site.settings()
    nginx.site.change(before.model_copy(update={"rate_limit": "2/day"}))

    def asked(visitor: str, said: str) -> int:
        with httpx.Client(transport=httpx.HTTPTransport(local_address=visitor)) as client:
            return client.get(nginx.address + "/api/version", headers={"X-Forwarded-For": said}).status_code

    try:
        assert [asked("127.0.0.2", f"1.2.3.{n}") for n in range(3)] == [200, 200, 429]
        assert asked("127.0.0.3", "127.0.0.2") == 200
    finally:
        nginx.site.change(before)


@pytest.mark.nginx
def test_a_foreign_host_is_refused_through_the_proxy_too(nginx: Nginx) -> None:
    assert httpx.get(nginx.address + "/api/version", headers={"Host": "evil.example"}).status_code == 421


def start_on(held: socket.socket, folder: Path) -> subprocess.Popen[str]:
    """A toy server on a socket that it is given as systemd does; its log is in `folder`."""
    script = f'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@" 3<&{held.fileno()}'
    command = ["bash", "-c", script, sys.executable, "-m", "tests.toy", "serve", str(folder / "toy"), "0.01"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder), "OMP_NUM_THREADS": "1"}
    (folder / "toy").mkdir(exist_ok=True)
    with (folder / "log").open("a") as log:
        return subprocess.Popen(command, cwd=folder, env=environment, pass_fds=[held.fileno()], stderr=log, text=True)


def test_a_given_socket_that_others_reach_is_said_to_be_one(tmp_path: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as held:
        port = held.getsockname()[1]
        process = start_on(held, tmp_path)
        until(lambda: alive(process, f"http://127.0.0.1:{port}"), 180)
        process.terminate()
        process.wait(60)
    assert f"Listening on 0.0.0.0:{port}: whoever reaches it" in (tmp_path / "log").read_text()


def test_who_was_just_accepted_is_still_served(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        place = held.getsockname()
        address = f"http://127.0.0.1:{place[1]}"
        process = start_on(held, tmp_path)
        until(lambda: alive(process, address), 180)
        with socket.create_connection(place) as late, socket.create_connection(place) as silent:
            assert httpx.get(address + "/api/live").status_code == 200  # so the two before it are accepted as well
            process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            late.sendall(b"GET /api/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert late.makefile("rb").readline().startswith(b"HTTP/1.1 200")
            assert silent.recv(1) == b""
        process.wait(60)


def test_a_restart_on_a_held_socket_loses_no_request(tmp_path: Path) -> None:
    held = socket.create_server(("127.0.0.1", 0), backlog=100)
    address = f"http://127.0.0.1:{held.getsockname()[1]}"
    statuses: list[int] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            statuses.append(httpx.post(address + "/api/ask", json={"question": QUESTION}, timeout=120).status_code)

    first = start_on(held, tmp_path)
    until(lambda: alive(first, address), 180)
    asking = threading.Thread(target=ask)
    asking.start()
    until(lambda: len(statuses) > 3)
    first.send_signal(signal.SIGTERM)
    first.wait(60)
    before = len(statuses)
    second = start_on(held, tmp_path)
    until(lambda: len(statuses) > before + 3, 120)
    done.set()
    asking.join()
    second.terminate()
    second.wait(60)
    held.close()
    assert set(statuses) == {200}
