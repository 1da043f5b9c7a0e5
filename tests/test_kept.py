"""What is kept of use, for how long, how it is turned off and deleted; the notice says just that; metrics name nobody."""

import json
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

import bot.kept
from bot import Bot, read_config
from bot.kept import Gap, Kept, group_gaps
from corpus import IndexMissing, KeptUnwritable, SettingsInvalid
from tests.doors import QUESTION, REFUSED, moon_bot, until
from ui.api import health_routes
from ui.cli import main
from ui.desk import Desk
from ui.errors import add_errors
from ui.feedback import gap_keeper, notice
from ui.log import JsonLines
from ui.serve import Site
from ui.texts import PRIVACY

NEAR = "Who walked on the moon in 1999?"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(moon_bot(tmp_path_factory.mktemp("kept")))


@pytest.fixture(autouse=True)
def empty(site: Site) -> Iterator[None]:
    before = site.settings()
    site.kept.forget()
    yield
    site.change(before)


@pytest.fixture
def client(site: Site) -> TestClient:
    return TestClient(site, base_url="http://127.0.0.1", client=("203.0.113.5", 5000), raise_server_exceptions=False)


def setting(site: Site, **values: Any) -> None:
    site.change(site.settings().model_copy(update=values))


def on_disk(site: Site) -> bytes:
    return b"".join(path.read_bytes() for path in site.kept.path.parent.glob("kept.sqlite*"))


def columns(path: Path) -> set[str]:
    with sqlite3.connect(path) as file:
        return {row[1] for table in ("gaps", "votes") for row in file.execute(f"pragma table_info({table})")}


def test_a_question_without_an_answer_is_kept_and_one_with_an_answer_is_not(site: Site, client: TestClient) -> None:
    client.post("/api/ask", json={"question": REFUSED}, headers={"User-Agent": "my browser", "Cookie": "id=7"})
    client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": NEAR}]})
    client.post("/api/ask", json={"question": QUESTION})
    assert {gap.question for gap in site.kept.gaps(90)} == {REFUSED, NEAR}
    assert columns(site.kept.path) == {
        "day", "language", "reason", "question", "answer_id", "rating", "refused", "documents", "index_version",
    }  # fmt: skip
    for secret in (b"203.0.113.5", b"my browser", b"id=7", QUESTION.encode()):
        assert secret not in on_disk(site)
    assert stat.S_IMODE(site.kept.path.stat().st_mode) == 0o600


def test_a_question_that_was_answered_in_part_is_kept_too(site: Site, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    question = "Who walked on the moon and who sells quantum rockets to Neptune?"
    answer = client.post("/api/ask", json={"question": question}).json()
    assert answer["missing"] == ["who sells quantum rockets to Neptune"]
    assert not answer["refused"]
    assert [(gap.question, gap.reason) for gap in site.kept.gaps(90)] == [(question, "partly")]
    assert f"{question}  (partly; " in run(site.kept, monkeypatch, "gaps")


def test_a_vote_is_kept_once_with_what_it_was_about(site: Site, client: TestClient) -> None:
    answer = client.post("/api/ask", json={"question": QUESTION}).json()
    for rating, reason in (("up", None), ("down", "wrong\nyear")):
        given = client.post("/api/feedback", json={"answer_id": answer["answer_id"], "rating": rating, "reason": reason})
        assert given.json() == {"kept": True}
    (vote,) = site.kept.votes(90)
    assert (vote.rating, vote.reason, vote.documents, vote.question) == ("down", "wrong\nyear", ("en.moon",), QUESTION)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"answer_id": "nowhere", "rating": "up"}, 404),
        ({"answer_id": "a", "rating": "sideways"}, 422),
        ({"answer_id": "a", "rating": "up", "reason": "x" * 1001}, 422),
        ({"answer_id": "a", "rating": "up", "name": "me"}, 422),
        ({"answer_id": "'; drop table votes; --", "rating": "up"}, 404),
    ],
)
def test_feedback_on_nothing_is_refused(client: TestClient, body: dict[str, str], status: int) -> None:
    assert client.post("/api/feedback", json=body).status_code == status


def test_one_setting_turns_it_off(site: Site, client: TestClient) -> None:
    client.post("/api/ask", json={"question": REFUSED})
    setting(site, keep_days=0)
    answer = client.post("/api/ask", json={"question": NEAR}).json()
    assert client.post("/api/feedback", json={"answer_id": answer["answer_id"], "rating": "up"}).json() == {"kept": False}
    site.kept.forget_old(0)
    assert site.kept.gaps(0) == []
    assert REFUSED.encode() not in on_disk(site)
    assert NEAR.encode() not in on_disk(site)


def test_what_is_too_old_is_gone_from_the_disk_too(site: Site, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.kept, "_today", lambda: "2026-01-01")
    client.post("/api/ask", json={"question": REFUSED})
    monkeypatch.setattr(bot.kept, "_today", lambda: "2026-01-30")
    assert len(site.kept.gaps(30)) == 1
    monkeypatch.setattr(bot.kept, "_today", lambda: "2026-01-31")
    client.post("/api/ask", json={"question": NEAR})
    setting(site, keep_days=30)
    assert [gap.question for gap in site.kept.gaps(30)] == [NEAR]
    assert REFUSED.encode() not in on_disk(site)


@pytest.mark.parametrize("days", [0, 30])
def test_the_server_forgets_by_itself_where_nothing_new_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    monkeypatch.setattr("ui.serve.FORGETTING", 0.1)
    monkeypatch.setattr(bot.kept, "_today", lambda: "2026-01-01")
    site = Site(moon_bot(tmp_path))
    with TestClient(site, base_url="http://127.0.0.1") as running:
        answer_id = running.post("/api/ask", json={"question": REFUSED}).json()["answer_id"]
        running.post("/api/feedback", json={"answer_id": answer_id, "rating": "down", "reason": "no rockets"})
        assert REFUSED.encode() in on_disk(site)
        setting(site, keep_days=days)
        if days:
            monkeypatch.setattr(bot.kept, "_today", lambda: "2026-01-31")
        monkeypatch.setattr("ui.desk.REMEMBERED_FOR", -1.0)
        until(lambda: REFUSED.encode() not in on_disk(site) and b"no rockets" not in on_disk(site))
        until(lambda: not site.desk._answers)


def test_whoever_asks_without_end_fills_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.kept, "MOST", 3)
    toy = moon_bot(tmp_path)
    kept = Kept(tmp_path / "kept.sqlite")
    for number in range(6):
        kept.add_gap(toy.ask(f"Who sells rocket {number} " + "x" * 900), 90)
    gaps = kept.gaps(90)
    assert [gap.question.split()[3] for gap in gaps] == ["5", "4", "3"]
    assert max(len(gap.question) for gap in gaps) == 500


@pytest.mark.parametrize("state", ["a folder", "no database", "no place"])
def test_a_disk_that_refuses_costs_nobody_an_answer(tmp_path: Path, state: str, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "kept.sqlite"
    if state == "a folder":
        path.mkdir()
    elif state == "no database":
        path.write_bytes(b"no database at all, and long enough to be looked at" * 20)
    else:
        (tmp_path / "file").write_text("")
        path = tmp_path / "file" / "kept.sqlite"
    toy = moon_bot(tmp_path / "toy")
    with pytest.raises(KeptUnwritable, match="TANYA_KEPT"):
        Kept(path).add_gap(toy.ask(REFUSED), 90)
    gap_keeper(Kept(path), lambda: toy.config)(toy.ask(REFUSED))
    assert "TANYA_KEPT" in caplog.text


def gap(question: str, language: str = "en", day: str = "2026-01-01") -> Gap:
    return Gap(day, language, "unmatched", question)


def test_gaps_that_ask_for_the_same_are_one_group() -> None:
    groups = group_gaps(
        [
            gap("Siapa duta besar Indonesia di Peru?", "id"),
            gap("Who is the ambassador to Peru?", day="2026-02-02"),
            gap("Who are ambassadors to Peru"),
            gap("Who was the ambassador in Chile?"),
            gap("siapa sih duta besar indonesia untuk peru", "id"),
            gap("Who is the ambassador to Peru?"),
        ]
    )
    assert [(group.language, group.times) for group in groups] == [("en", 3), ("id", 2), ("en", 1)]
    assert groups[0].questions == ("Who is the ambassador to Peru?", "Who are ambassadors to Peru")
    assert groups[0].latest == "2026-02-02"


def run(kept: Kept, monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    monkeypatch.setenv("TANYA_KEPT", str(kept.path))
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_tanya_gaps_lists_and_tanya_forget_deletes(site: Site, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = "Who sells rockets \x1b[31m\u202e to Neptune?"
    for question in (REFUSED, REFUSED, hostile):
        answer = client.post("/api/ask", json={"question": question}).json()
    client.post("/api/feedback", json={"answer_id": answer["answer_id"], "rating": "down", "reason": "\x1b]0;owned\x07"})
    found = json.loads(run(site.kept, monkeypatch, "gaps", "--json"))
    assert sum(group["times"] for group in found["gaps"]) == 3
    assert len(found["votes"]) == 1
    shown = run(site.kept, monkeypatch, "gaps")
    assert "3× [en]" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert run(site.kept, monkeypatch, "forget", "--yes") == "4 rows deleted\n"
    assert not site.kept.path.exists()
    assert run(site.kept, monkeypatch, "forget", "--yes") == "0 rows deleted\n"
    assert json.loads(run(site.kept, monkeypatch, "gaps", "--json")) == {"gaps": [], "votes": []}


def test_forgetting_asks_first(site: Site, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    client.post("/api/ask", json={"question": REFUSED})
    monkeypatch.setenv("TANYA_KEPT", str(site.kept.path))
    assert CliRunner().invoke(main, ["forget"], input="n\n").exit_code == 1
    assert len(site.kept.gaps(90)) == 1


@pytest.mark.parametrize("language", ["id", "en"])
def test_the_privacy_notice_says_what_the_settings_do(site: Site, client: TestClient, language: str) -> None:
    setting(site, keep_days=17)
    page = client.get("/privacy", params={"lang": language}).text
    assert f'<html lang="{language}">' in page
    assert " 17 " in page
    assert not any("{" in paragraph for paragraph in notice(site.settings(), language))
    assert PRIVACY[language]["log"] in notice(site.settings(), language)
    setting(site, keep_days=0, log_questions=True)
    said = notice(site.settings(), language)
    assert PRIVACY[language]["nothing"] in said
    assert PRIVACY[language]["log_questions"] in said
    assert not any(" 17 " in paragraph for paragraph in said)
    assert PRIVACY["id"].keys() == PRIVACY["en"].keys()
    assert f"{bot.kept.LONGEST_QUESTION} " in page


COLUMNS = {
    "day": ("date", "tanggalnya"),
    "language": ("language", "bahasanya"),
    "reason": ("reason", "alasan"),
    "question": ("question", "pertanyaannya"),
    "answer_id": ("random number", "nomor acak"),
    "rating": ("rating", "nilainya"),
    "refused": ("whether it was answered", "apakah terjawab"),
    "documents": ("sources cited", "sumber yang dikutip"),
    "index_version": ("index version", "versi indeks"),
}
"""What the notice calls each column of the file, in English and Indonesian."""


def test_the_privacy_notice_names_all_that_is_kept(site: Site, client: TestClient) -> None:
    client.post("/api/ask", json={"question": REFUSED})
    assert columns(site.kept.path) == set(COLUMNS)
    for position, language in enumerate(("en", "id")):
        said = " ".join(notice(site.settings(), language))
        assert [name for name, words in COLUMNS.items() if words[position] not in said] == []


FIELDS = {
    "time": ("time", "waktu"),
    "request_id": ("a random number", "nomor acak"),
    "method": ("its kind", "jenisnya"),
    "route": ("its kind", "jenisnya"),
    "status": ("whether it worked", "berhasil atau tidaknya"),
    "ms": ("how long it took", "lamanya"),
    "answer_id": ("its random number", "nomor acaknya"),
    "language": ("its language", "bahasanya"),
    "refused": ("whether there was one", "apakah terjawab"),
    "reason": ("why not", "mengapa tidak"),
    "sentences": ("number of its sentences", "jumlah kalimatnya"),
    "index_version": ("index version", "versi indeks"),
    "question": ("the text of the question", "teks pertanyaannya"),
}
"""What the notice calls each field of the log, in English and Indonesian."""


@pytest.mark.parametrize("asked", [False, True])
def test_the_privacy_notice_names_all_that_is_logged(site: Site, client: TestClient, caplog: pytest.LogCaptureFixture, asked: bool) -> None:
    setting(site, log_questions=asked)
    caplog.set_level("INFO", "tanya")
    for question in (QUESTION, REFUSED):
        client.post("/api/ask", json={"question": question}, headers={"X-Forwarded-For": "8.8.8.8"})
    lines = [JsonLines().format(record) for record in caplog.records if record.name.startswith("tanya")]
    logged = {name for line in lines for name in json.loads(line)} - {"level", "logger", "event"}
    assert logged == FIELDS.keys() - (set() if asked else {"question"})
    assert not any(word in line for line in lines for word in ("203.0.113.5", "8.8.8.8"))
    for position, language in enumerate(("en", "id")):
        said = PRIVACY[language]["log_questions" if asked else "log"]
        assert said in notice(site.settings(), language)
        assert [name for name in logged if FIELDS[name][position] not in said] == []


def test_metrics_count_and_name_nobody(site: Site, client: TestClient) -> None:
    local = TestClient(site, base_url="http://127.0.0.1", client=("127.0.0.1", 1))
    local.post("/api/ask", json={"question": QUESTION})
    local.post("/api/ask", json={"question": REFUSED})
    local.get("/api/documents/no-such-document")
    local.request("BREW", "/api/ask")
    text = local.get("/metrics").text
    assert 'tanya_answers_total{language="en",outcome="answered"}' in text
    assert 'tanya_answers_total{language="en",outcome="off_topic"}' in text
    assert 'tanya_requests_total{method="GET",route="/api/documents/{doc_id}",status="404"}' in text
    assert "tanya_questions_held 0.0" in text
    assert "process_resident_memory_bytes" in text
    for word in ("moon", "rocket", "no-such-document", "BREW", "203.0.113.5"):
        assert word not in text


def test_metrics_are_for_this_machine_or_the_admin(site: Site, client: TestClient) -> None:
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 401
    setting(site, admin_token=SecretStr("a-long-enough-token"))
    assert client.get("/metrics", headers={"Authorization": "Bearer a-long-enough-tokem"}).status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer a-long-enough-token"}).status_code == 200
    local = TestClient(site, base_url="http://127.0.0.1", client=("127.0.0.1", 1))
    assert local.get("/metrics", headers={"X-Forwarded-For": "8.8.8.8"}).status_code == 401


def test_a_secret_stands_in_no_output(
    site: Site, client: TestClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TANYA_ADMIN_TOKEN", "hush-hush-hush-hush")
    config = read_config()
    assert "hush" not in repr(config) + str(config) + config.model_dump_json()
    monkeypatch.setenv("TANYA_ADMIN_TOKEN", "hush")
    with pytest.raises(SettingsInvalid) as error:
        read_config()
    assert "hush" not in str(error.value)
    client.get("/metrics", headers={"Authorization": "Bearer hush-hush"})
    assert "hush" not in caplog.text


def test_health_is_503_while_no_question_can_be_answered(tmp_path: Path) -> None:
    toy: list[Bot] = [moon_bot(tmp_path)]

    def open_now() -> Bot:
        if not toy:
            raise IndexMissing("No index.")
        return toy[0]

    app = FastAPI()
    add_errors(app)
    app.include_router(health_routes(Desk(open_now)))
    assert TestClient(app).get("/api/health").status_code == 200
    toy.clear()
    response = TestClient(app).get("/api/health")
    assert (response.status_code, "retry-after" in response.headers) == (503, True)
    assert TestClient(app).get("/api/live").status_code == 200
