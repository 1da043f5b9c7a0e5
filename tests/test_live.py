"""A running server takes up new versions without losing or mixing an answer; a rebuild can be asked for over HTTP."""

import gc
import json
import os
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from fastapi import FastAPI
from fastapi.testclient import TestClient

import bot.watch
import ui.admin
import ui.api
import ui.serve
from bot import Config, LiveBot, Report, read_config, watch_corpus
from corpus import load_corpus
from corpus.errors import BuildFailed, CorpusEmpty, CorpusMissing, EvaluationInvalid
from index import HashEmbedder, IndexVersion, build_index, list_versions, read_current, rollback, tidy
from index.store import CURRENT, MANIFEST, VERSIONS
from tests.conftest import Writer, toy_bot
from tests.doors import served, until
from ui.cli import main
from ui.desk import Desk
from ui.embed import Door
from ui.errors import add_errors

TOKEN = "0123456789abcdef"
QUESTION = "Who walked on the moon?"


class Site:
    """A corpus whose text carries a number, its index, and a bot that follows it."""

    def __init__(self, write: Writer, folder: Path) -> None:
        self.write, self.index = write, folder / "index"
        write("en/sea.md", "The sea is salt.")
        self.numbers: dict[str, int] = {}
        self.edit(0)
        self.live = LiveBot(toy_bot(write.folder, self.index), self.index)
        self.numbers[self.live().version.manifest.version] = 0

    def edit(self, number: int) -> None:
        self.write("en/moon.md", f"The moon has no air number{number}. Twelve people walked on the moon number{number}.")

    def build(self, number: int) -> str:
        self.edit(number)
        version = build_index(load_corpus(self.write.folder).documents, self.index, HashEmbedder()).version
        self.numbers[version] = number
        return version


@pytest.fixture
def site(write: Writer, tmp_path: Path) -> Site:
    return Site(write, tmp_path)


def test_a_new_version_is_taken_up_and_the_old_one_goes_with_its_last_answer(site: Site) -> None:
    answering = site.live()
    old = weakref.ref(answering.version)
    new = site.build(1)
    assert site.live() is answering
    site.live.look()
    assert site.live().version.manifest.version == new
    assert "number0" in answering.ask("Who walked on the moon?", language="en").answer
    assert {state.name for state in list_versions(site.index) if state.used} == set(site.numbers)
    del answering
    assert old() is None
    assert {state.name for state in list_versions(site.index) if state.used} == {new}
    now = site.live()
    site.live.look()
    assert site.live() is now


def test_a_version_made_live_before_the_first_look_is_not_missed(site: Site) -> None:
    new = site.build(1)
    stop = site.live.start()
    deadline = time.monotonic() + 30
    while site.live().version.manifest.version != new and time.monotonic() < deadline:
        time.sleep(0.01)
    stop()
    assert site.live().version.manifest.version == new


def test_a_new_version_is_taken_up_within_three_seconds(site: Site) -> None:
    stop = site.live.start()
    try:
        taken = []
        for number in range(1, 4):
            time.sleep(0.3 * number)  # at another moment between two looks
            new = site.build(number)
            switched = (site.index / CURRENT).stat().st_mtime
            until(lambda new=new: site.live().version.manifest.version == new)  # type: ignore[misc]
            taken.append(time.time() - switched)
    finally:
        stop()
    assert max(taken) < 3


def test_a_new_version_that_cannot_be_opened_leaves_the_old_one_answering(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    old = site.live().version.manifest.version
    new = site.build(1)
    manifest = (site.index / VERSIONS / new / MANIFEST).read_bytes()
    for path in (site.index / VERSIONS).glob("*/chunks.npy"):
        path.rename(path.with_suffix(".gone"))
    site.live.look()
    assert site.live().version.manifest.version == old
    assert site.live().ask("Who walked on the moon?", language="en").index_version == old
    assert "cannot be taken up" in caplog.text
    (site.index / CURRENT).unlink()
    site.live.look()
    assert site.live().version.manifest.version == old
    for path in (site.index / VERSIONS).glob("*/chunks.gone"):
        path.rename(path.with_suffix(".npy"))
    assert manifest == (site.index / VERSIONS / new / MANIFEST).read_bytes()
    rollback(site.index, new)
    site.live.look()
    assert site.live().version.manifest.version == new


def test_what_could_not_be_opened_is_tried_again(site: Site) -> None:
    new = site.build(1)
    path = site.index / VERSIONS / new / MANIFEST
    for old in site.numbers:
        (site.index / VERSIONS / old / MANIFEST).rename(site.index / VERSIONS / old / "hidden")
    site.live.look()
    path.with_name("hidden").rename(path)
    for _ in range(bot.live.AGAIN + 1):
        site.live.look()
    assert site.live().version.manifest.version == new


def test_a_rollback_is_taken_up_too(site: Site) -> None:
    first = site.live().version.manifest.version
    site.build(1)
    site.live.look()
    rollback(site.index)
    site.live.look()
    assert site.live().version.manifest.version == first


def test_the_drill_a_bad_version_goes_live_and_is_taken_back(site: Site) -> None:
    question = "Who walked on the moon?"
    before = site.live().ask(question, language="en")
    site.write("en/moon.md", "Nothing is known.")
    build_index(load_corpus(site.write.folder).documents, site.index, HashEmbedder())
    site.live.look()
    assert "number0" not in site.live().ask(question, language="en").answer
    assert CliRunner().invoke(main, ["index", "verify", "--index", str(site.index)]).exit_code == 0
    assert CliRunner().invoke(main, ["index", "rollback", "--index", str(site.index)]).exit_code == 0
    site.live.look()
    after = site.live().ask(question, language="en")
    same = ("answer", "citations", "index_version", "refused")
    assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]
    assert site.build(1) == read_current(site.index).name
    site.live.look()
    assert "number1" in site.live().ask(question, language="en").answer


SWAPS, WARM = 100, 30
GROWN = 7e6
"""Bytes that the process may grow by between WARM and SWAPS: 2.4e6 was measured, and 14e6 where every one of these versions was held."""


ALONE = "TANYA_TEST_ALONE"


def resident() -> int:
    """Bytes of this process's memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_no_answer_fails_or_mixes_versions_over_a_hundred_swaps_and_nothing_is_left_behind(
    site: Site, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if ALONE not in os.environ:  # memory is measured, and other tests have left theirs in this process
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", request.node.nodeid]
        run = subprocess.run(command, cwd=request.config.rootpath, env=os.environ | {ALONE: "1"}, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr
        return
    monkeypatch.setattr(bot.live, "LOOK", 0.02)
    answers: list[tuple[str, set[str]]] = []
    errors: list[BaseException] = []
    ended = threading.Event()

    def ask(address: str) -> None:
        with httpx.Client(base_url=address, timeout=60) as client:
            while not ended.is_set():
                try:
                    answer = client.post("/api/ask", json={"question": QUESTION, "language": "en"}).raise_for_status().json()
                except httpx.HTTPError as error:
                    errors.append(error)
                    return
                words = " ".join([answer["answer"], *(one["quote"] for one in answer["citations"] + answer["nearest"])]).split()
                answers.append((answer["index_version"], {word.strip(".") for word in words if word.startswith("number")}))

    alive, opened, memory = [], [], []
    with served(ui.serve.Site(site.live)) as address:
        stop = site.live.start()
        readers = [threading.Thread(target=ask, args=(address,)) for _ in range(3)]
        for reader in readers:
            reader.start()
        try:
            for number in range(1, SWAPS + 1):
                new = site.build(number)
                until(lambda new=new: site.live().version.manifest.version == new)  # type: ignore[misc]
                tidy(site.index, 2)
                if number in (WARM, SWAPS):
                    memory.append(resident())
                    alive.append(sum(type(one) is IndexVersion for one in gc.get_objects()))
                    opened.append(len(list(Path("/proc/self/fd").iterdir())))
        finally:  # a failure must not leave threads that keep the process from ending
            ended.set()
            for reader in readers:
                reader.join()
            stop()
    assert errors == []
    assert len(answers) > SWAPS
    assert len({version for version, _ in answers}) > SWAPS / 4
    assert [pair for pair in answers if pair[1] != {f"number{site.numbers[pair[0]]}"}] == []
    assert alive[1] <= alive[0] + len(readers)
    assert opened[1] <= opened[0] + len(readers)
    assert memory[1] - memory[0] < GROWN
    tidy(site.index, 0)
    assert [state.name for state in list_versions(site.index)] == [site.live().version.manifest.version]


@pytest.fixture
def client(site: Site) -> TestClient:
    return make_client(site, TOKEN)


def make_client(site: Site, token: str | None, rebuild: ui.admin.Rebuild | None = None) -> TestClient:
    app = FastAPI()
    add_errors(app)
    app.include_router(ui.admin.admin_routes(lambda: token, rebuild or ui.admin.rebuilding(site.live, site.live.look)))
    desk = Desk(site.live)
    app.include_router(ui.api.api_routes(desk, Door(lambda: desk.config)))
    app.include_router(ui.api.health_routes(desk))
    return TestClient(app, raise_server_exceptions=False)


BEARER = {"Authorization": f"Bearer {TOKEN}"}


def events(text: str) -> list[tuple[str, dict[str, Any]]]:
    blocks = [block.split("\n") for block in text.strip().split("\n\n") if block.startswith("event")]
    return [(lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))) for lines in blocks]


def test_a_rebuild_over_http_tells_its_progress_and_is_live_when_it_says_so(site: Site, client: TestClient) -> None:
    site.edit(7)
    response = client.post("/api/admin/rebuild", headers=BEARER | {"Accept": "text/event-stream"})
    told = events(response.text)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert {name for name, _ in told[:-1]} == {"progress"}
    stages = {content["stage"]: content for _, content in told[:-1]}
    assert list(stages) == ["texts", "documents"]
    assert all(stage["done"] == stage["total"] > 0 for stage in stages.values())
    name, report = told[-1]
    assert (name, report["outcome"], report["changed"]) == ("done", "live", ["en.moon"])
    assert client.get("/api/health").json()["index_version"] == report["version"]
    assert client.get("/api/admin/rebuild", headers=BEARER).json()["content"] == report


def test_a_rebuild_that_fails_says_why_and_changes_nothing(site: Site, client: TestClient) -> None:
    before = client.get("/api/health").json()
    for path in site.write.folder.rglob("*.md"):
        path.unlink()
    told = events(client.post("/api/admin/rebuild", headers=BEARER | {"Accept": "text/event-stream"}).text)
    assert [(name, content["code"]) for name, content in told] == [("error", "CorpusEmpty")]
    assert client.get("/api/health").json() == before


def test_an_unforeseen_failure_is_not_shown(site: Site) -> None:
    def broken(watch: Any) -> Report:
        raise RuntimeError("secret")

    response = make_client(site, TOKEN, broken).post("/api/admin/rebuild", headers=BEARER | {"Accept": "text/event-stream"})
    assert "secret" not in response.text
    assert events(response.text)[-1][0] == "error"


def test_one_rebuild_at_a_time(site: Site) -> None:
    go = threading.Event()

    def slow(watch: Any) -> Report:
        go.wait(30)
        return Report(outcome="unchanged")

    client = make_client(site, TOKEN, slow)
    assert client.post("/api/admin/rebuild", headers=BEARER).status_code == 202
    busy = client.post("/api/admin/rebuild", headers=BEARER)
    assert (busy.status_code, busy.headers["Retry-After"]) == (409, "10")
    assert client.get("/api/admin/rebuild", headers=BEARER).json()["running"]
    go.set()
    while client.get("/api/admin/rebuild", headers=BEARER).json()["running"]:
        time.sleep(0.01)
    assert client.post("/api/admin/rebuild", headers=BEARER).status_code == 202


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", "Bearer ü"]
)
def test_without_the_token_nothing_happens(site: Site, client: TestClient, header: str | None) -> None:
    site.edit(9)
    for method in ("GET", "POST"):
        sent = {b"Authorization": header.encode()} if header is not None else {}
        response = client.request(method, "/api/admin/rebuild", headers=sent)
        assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert response.json()["error"]["code"] == "unauthorized"
    assert len(list_versions(site.index)) == 1


def test_the_comparison_takes_the_same_time_wherever_the_tokens_differ(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return False

    monkeypatch.setattr("hmac.compare_digest", compare)
    client.post("/api/admin/rebuild", headers=BEARER)
    assert compared == [(TOKEN.encode(), TOKEN.encode())]


def test_without_a_token_in_the_settings_there_is_no_such_route(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert make_client(site, None).post("/api/admin/rebuild", headers={"Authorization": "Bearer None"}).status_code == 404
    assert make_client(site, "").post("/api/admin/rebuild", headers={"Authorization": "Bearer "}).status_code == 404
    monkeypatch.setenv("TANYA_ADMIN_TOKEN", TOKEN)
    config = read_config()
    assert config.admin_token
    assert TOKEN not in repr(config)


def test_the_corpus_is_built_at_first_and_whenever_it_has_changed_and_come_to_rest(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.watch, "LOOK", 0.05)
    told: list[Any] = []
    ended = threading.Event()
    config = Config(corpus=site.write.folder, index=site.index)
    arguments = (config, HashEmbedder(), site.live().reader, told.append, ended)
    thread = threading.Thread(target=watch_corpus, args=arguments)
    thread.start()

    def wait(count: int) -> Any:
        deadline = time.monotonic() + 30
        while len(told) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(told) == count
        return told[-1]

    assert wait(1).outcome == "unchanged"
    site.edit(1)
    assert (wait(2).outcome, told[-1].changed) == ("live", ["en.moon"])
    site.write.folder.rename(site.write.folder.with_name("away"))
    assert isinstance(wait(3), CorpusMissing | CorpusEmpty)
    site.write.folder.with_name("away").rename(site.write.folder)
    assert wait(4).outcome == "unchanged"
    assert told[1].version == read_current(site.index).name
    ended.set()
    thread.join()


def test_what_stands_in_the_way_of_a_watched_build_is_told_and_tried_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.watch, "LOOK", 0.02)
    monkeypatch.setattr(bot.watch, "AGAIN", 0.02)
    golden = site.write.folder.parent / "golden.jsonl"
    golden.write_text('{"question": ')
    site.edit(1)
    told: list[Any] = []
    ended = threading.Event()
    real, full = bot.rebuild, [OSError(28, "No space left on device"), BuildFailed("The disk refused.")]

    def rebuild(*arguments: Any, **options: Any) -> Report:
        if full:
            raise full.pop()
        return real(*arguments, **options)

    def tell(news: Any) -> None:
        told.append(news)
        if isinstance(news, EvaluationInvalid):
            golden.write_text('{"question": "Who walked on the moon?", "language": "en", "quote": "Twelve"}')
        if isinstance(news, Report):
            ended.set()

    monkeypatch.setattr(bot.watch, "rebuild", rebuild)
    config = Config(corpus=site.write.folder, index=site.index, golden=golden)
    thread = threading.Thread(target=watch_corpus, args=(config, HashEmbedder(), site.live().reader, tell, ended))
    thread.start()
    thread.join(60)
    ended.set()
    assert [type(news) for news in told] == [BuildFailed, OSError, EvaluationInvalid, Report]
    assert (told[-1].outcome, told[-1].changed) == ("live", ["en.moon"])
