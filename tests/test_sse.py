"""/api/ask as events, what stops an answer, and the OpenAPI that describes it."""

import json
import re
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient

import ui.sse
from bot import Bot
from corpus import AnswerUnknown, QueueFull, TimeUp
from tests.doors import QUESTION, REFUSED, api, moon_bot, served, slow, sse, until
from ui.desk import Desk, with_public_links
from ui.serve import Site

STREAM = {"Accept": "text/event-stream"}


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    return TestClient(api(moon_bot(tmp_path)))


def test_sources_come_before_the_first_sentence_and_the_last_event_is_the_answer(client: TestClient) -> None:
    response = client.post("/api/ask", json={"question": "Explain why the tide rises and the tide falls"}, headers=STREAM)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["x-accel-buffering"] == "no"
    events = sse(response.text)
    names = [name for _, name, _ in events]
    assert names == ["sources", *["sentence"] * (len(names) - 2), "done"]
    assert len(names) > 3
    answer = events[-1][2]
    assert events[0][2]["citations"] == answer["citations"]
    assert [
        {"text": e["text"], "verdict": e["verdict"], "citations": e["citations"]} for _, name, e in events if name == "sentence"
    ] == answer["sentences"]
    assert [identity for identity, _, _ in events] == [f"{answer['answer_id']}.{n}" for n in range(1, len(events) + 1)]


def test_a_refusal_streams_its_nearest_passages(client: TestClient) -> None:
    events = sse(client.post("/api/ask", json={"question": "Who walked on the moon in 1999?"}, headers=STREAM).text)
    assert [name for _, name, _ in events] == ["sources", "done"]
    assert events[0][2]["refused"]
    assert events[0][2]["nearest"] == events[1][2]["nearest"]


def test_a_broken_stream_goes_on_after_the_last_event_that_was_seen(client: TestClient) -> None:
    whole = sse(client.post("/api/ask", json={"question": QUESTION}, headers=STREAM).text)
    for seen, (identity, _, _) in enumerate(whole, start=1):
        rest = client.post("/api/ask", json={"question": QUESTION}, headers={**STREAM, "Last-Event-ID": identity})
        assert sse(rest.text) == whole[seen:] if rest.text else seen == len(whole)


@pytest.mark.parametrize("identity", ["", "x", "0.1", "x.y", ".", "{id}.-1", "{id}.x", "{id}.9999999", "{id}.²"])
def test_a_stream_that_is_not_remembered_begins_anew(client: TestClient, identity: str) -> None:
    answer_id = client.post("/api/ask", json={"question": QUESTION}).json()["answer_id"]
    headers = {b"Accept": b"text/event-stream", b"Last-Event-ID": identity.format(id=answer_id).encode()}
    assert sse(client.post("/api/ask", json={"question": QUESTION}, headers=headers).text)[0][1] == "sources"


def test_nobody_reads_the_answer_to_another_question(client: TestClient) -> None:
    answer_id = client.post("/api/ask", json={"question": REFUSED}).json()["answer_id"]
    events = sse(client.post("/api/ask", json={"question": QUESTION}, headers={**STREAM, "Last-Event-ID": f"{answer_id}.0"}).text)
    assert events[0][2]["question"] == QUESTION


def test_an_early_error_is_a_plain_one(client: TestClient) -> None:
    response = client.post("/api/ask", json={"question": "  "}, headers=STREAM)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "invalid")


def test_a_slow_answer_is_announced_by_comments_and_a_late_error_is_an_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui.sse, "PATIENCE", 0.05)
    monkeypatch.setattr(ui.sse, "QUIET", 0.05)
    bot, reader = slow(moon_bot(tmp_path, timeout=1))
    with served(api(bot)) as address:
        response = httpx.post(address + "/api/ask", json={"question": QUESTION}, headers=STREAM)
        reader.go.set()
    assert response.status_code == 200
    assert response.text.count(": waiting") > 1
    assert [(name, body["error"]["code"]) for _, name, body in sse(response.text)] == [("error", "timed_out")]


def test_a_failure_in_a_stream_that_nobody_foresaw_is_an_event_without_its_detail(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> list[str]:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("ui.api.answer_events", broken)
    response = client.post("/api/ask", json={"question": QUESTION}, headers=STREAM)
    assert [name for _, name, _ in sse(response.text)] == ["error"]
    assert "secret" not in response.text


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize(("app", "path"), [(api, "/api/ask"), (Site, "/api/ask"), (Site, "/v1/chat/completions")])
def test_a_client_that_goes_away_stops_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, app: Callable[[Bot], Any], path: str, streams: bool, begun: bool
) -> None:
    monkeypatch.setattr(ui.sse, "PATIENCE", 0.05 if begun else 5)
    bot, reader = slow(moon_bot(tmp_path, concurrency=1))
    with served(app(bot)) as address:
        asked = {"question": REFUSED} if path == "/api/ask" else {"messages": [{"role": "user", "content": REFUSED}], "stream": streams}
        body = json.dumps(asked).encode()
        accept = f"Accept: {STREAM['Accept'] if streams else 'application/json'}\r\n"
        peer = socket.create_connection((urlsplit(address).hostname, urlsplit(address).port))
        head = f"Host: localhost\r\n{accept}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        peer.sendall(f"POST {path} HTTP/1.1\r\n{head}".encode() + body)
        assert reader.reading.wait(60)
        if begun and streams:
            assert b"waiting" in peer.recv(65536) + peer.recv(65536)
        peer.close()
        waiting = threading.Thread(target=httpx.post, args=(address + "/api/ask",), kwargs={"json": {"question": QUESTION}, "timeout": 120})
        threading.Event().wait(0.3)
        looks = reader.looks
        reader.go.set()
        waiting.start()
        waiting.join(120)
        # Refused in its own language, the question would have been looked for in the other one: that look never came.
        assert (looks, reader.looks) == (1, 2)


def test_what_waits_in_the_queue_is_taken_out_when_its_client_goes(tmp_path: Path) -> None:
    bot, reader = slow(moon_bot(tmp_path, concurrency=1, queue=1))
    desk = Desk(lambda: bot)
    first = desk.start(QUESTION)
    second = desk.start(QUESTION)
    with pytest.raises(QueueFull) as full:
        desk.start(QUESTION)
    assert 1 <= full.value.retry_after <= 60
    second.call_off()
    third = desk.start(QUESTION)
    reader.go.set()
    assert not first.future.result(60).refused
    assert not third.future.result(60).refused
    until(lambda: desk.held == 0)
    assert reader.looks == 2


def test_a_full_queue_and_a_stopping_server_are_503_with_retry_after(tmp_path: Path) -> None:
    bot, reader = slow(moon_bot(tmp_path, concurrency=1, queue=0))
    with served(api(bot)) as address:
        first = threading.Thread(target=httpx.post, args=(address + "/api/ask",), kwargs={"json": {"question": QUESTION}})
        first.start()
        assert reader.reading.wait(60)
        response = httpx.post(address + "/api/ask", json={"question": QUESTION})
        health = httpx.get(address + "/api/health")
        reader.go.set()
        first.join()
    assert health.json()["status"] == "ok"  # the next question is refused, and yet they are answered
    assert (response.status_code, response.json()["error"]["code"]) == (503, "overloaded")
    assert int(response.headers["retry-after"]) >= 1
    desk = Desk(lambda: bot)
    desk.close()
    with pytest.raises(QueueFull):
        desk.ask(QUESTION)
    assert desk.held == 0


def test_an_answer_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    bot, reader = slow(moon_bot(tmp_path, concurrency=1, queue=0, timeout=1))
    desk = Desk(lambda: bot)
    with pytest.raises(TimeUp):
        desk.ask(QUESTION)
    reader.go.set()
    until(lambda: desk.held == 0)


def test_old_answers_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = moon_bot(tmp_path)
    monkeypatch.setattr("ui.desk.REMEMBERED", 2)
    desk = Desk(lambda: bot)
    ids = [desk.ask(QUESTION).answer_id for _ in range(3)]
    assert [desk.remembered(one).answer_id for one in ids[1:]] == ids[1:]
    with pytest.raises(AnswerUnknown):
        desk.remembered(ids[0])
    monkeypatch.setattr("ui.desk.REMEMBERED_FOR", -1.0)
    with pytest.raises(AnswerUnknown):
        desk.remembered(ids[2])


def test_links_stand_below_the_public_address(tmp_path: Path) -> None:
    bot, public = moon_bot(tmp_path), "https://example.org/tanya"
    answered, refused = (with_public_links(bot.ask(question), public) for question in (QUESTION, "Who walked on the moon in 1999?"))
    assert with_public_links(bot.ask(QUESTION), None).citations[0].source_url.startswith("/source/en.moon?")
    assert answered.citations[0].source_url.startswith("https://example.org/tanya/source/en.moon?")
    assert all(near.source_url.startswith("https://example.org/tanya/source/") for near in refused.nearest)
    assert refused.nearest


def test_version_and_life(client: TestClient) -> None:
    version = client.get("/api/version").json()
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", version["version"])
    assert version["documents"] == 3
    assert version["index_version"] == client.get("/api/health").json()["index_version"]
    assert client.get("/api/live").json() == {"status": "ok"}


def test_the_openapi_has_examples_that_are_true_and_names_every_error(client: TestClient) -> None:
    from bot import Answer
    from ui.api import AskRequest

    described = client.get("/openapi.json").json()
    ask = described["paths"]["/api/ask"]["post"]
    assert {"200", "400", "413", "422", "429", "503"} <= set(ask["responses"])
    for example in ask["requestBody"]["content"]["application/json"]["examples"].values():
        assert client.post("/api/ask", json=AskRequest.model_validate(example["value"]).model_dump()).status_code == 200
    shown = ask["responses"]["200"]["content"]
    Answer.model_validate(shown["application/json"]["example"])
    assert "text/event-stream" in shown
    for path, methods in described["paths"].items():
        for operation in methods.values():
            assert operation["summary"], path
            errors = {status for status in operation["responses"] if status >= "400"}
            assert all("ErrorBody" in json.dumps(operation["responses"][status]) for status in errors), path
