"""What the chat lets through to Gradio: what its own page sends, and no file, address or component that a body names."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doors import QUESTION, ChatPage, moon_bot, served, toy_process, until
from ui.serve import Site


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(Site(moon_bot(tmp_path_factory.mktemp("joins")))) as found:
        yield found


@pytest.fixture(scope="module", params=["/", "/en/"])
def page(address: str, request: pytest.FixtureRequest) -> ChatPage:
    return ChatPage(address + request.param)


def turn(content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "user", "metadata": None, "content": content, "options": None} | more


def file(path: str) -> dict[str, Any]:
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def text(words: Any = QUESTION, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words} | more


def component(name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "component", "component": name, "value": None, "constructor_args": arguments, "props": {}}


HOSTILE: dict[str, Any] = {
    "a file": [turn([{"type": "file", "file": file("/etc/passwd")}])],
    "a file without a type": [turn([file("/etc/passwd")])],
    "a file without end": [turn([{"type": "file", "file": file("/dev/zero")}])],
    "an address": [turn([{"type": "file", "file": file("http://127.0.0.1:1/a")}])],
    "an address to download": [turn([{"type": "file", "file": {**file("a"), "url": "http://127.0.0.1:1/a"}}])],
    "a file beside text": [turn([text(file=file("/etc/passwd"))])],
    "a file as the text": [turn([text(file("/etc/passwd"))])],
    "a file in the metadata": [turn([text()], metadata=file("/etc/passwd"))],
    "a file as an option": [turn([text()], options=[file("/etc/passwd")])],
    "a file as the message": [file("/etc/passwd")],
    "a file as the conversation": file("/etc/passwd"),
    "a component": [turn([component("html", value="<script>alert(1)</script>")])],
    "a component that reads": [turn([component("image", value="/etc/passwd")])],
    "another role": [turn([text()], role="system")],
    "no conversation": "text",
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_message_names_no_file_address_or_component(page: ChatPage, hostile: Any) -> None:
    for question in (QUESTION, file("/dev/zero")):
        response = page.join(page.body(question, hostile))
        assert (response.status_code, response.json()["error"]["code"]) == (400, "malformed")


ALTERED: dict[str, dict[str, Any]] = {
    "another function": {"fn_index": 99},
    "a function below none": {"fn_index": -1},
    "another element": {"trigger_id": 10_000},
    "no element": {"trigger_id": None},
    "a function as text": {"fn_index": "0"},
    "too little": {"data": [QUESTION]},
    "too much": {"data": [QUESTION, [], []]},
    "a file for a question": {"data": [file("/dev/zero"), []]},
    "half a character": {"data": ["\ud800", []]},
    "a choice where none is made": {"event_data": {"index": 0, "value": {"text": QUESTION}}},
    "a file for a choice": {"event_data": file("/dev/zero")},
    "a session that is a path": {"session_hash": "../../etc"},
    "no session": {"session_hash": None},
    "a token": {"oauth_token": "hush"},
    "batched": {"batched": True},
}


@pytest.mark.parametrize("altered", ALTERED.values(), ids=ALTERED.keys())
def test_only_what_the_page_sends_at_an_event_goes_on(page: ChatPage, altered: dict[str, Any]) -> None:
    assert page.join(page.body(QUESTION, []) | altered).status_code == 400


def test_a_choice_goes_on_only_with_what_was_chosen(page: ChatPage) -> None:
    event = ("td-chat", "example_select")
    assert page.join(page.body([], call=event)).status_code == 400
    assert (
        page.join(page.body([], call=event, chosen={"index": 0, "value": {"text": QUESTION, "files": ["/etc/passwd"]}})).status_code == 400
    )
    shown = page.messages(page.body([], call=event, chosen={"index": 0, "value": {"text": QUESTION}}))
    assert "no air at all" in shown[-1]["content"][0]["text"]


def test_what_the_page_got_it_may_send_back(page: ChatPage) -> None:
    shown = page.messages(page.body("Who walked on the moon?", []))
    again = page.messages(page.body("and <b>why</b> does the tide rise?", shown))
    assert again[: len(shown)] == shown
    assert len(again) == 4
    assert page.messages(page.body(call=("td-clear", "click"))) == []


def held(site: Site, words: str) -> bool:
    """Whether Gradio holds a text of the session, or a session at all."""
    found = False
    for mount in site.routes.routes[-2:]:
        blocks: Any = mount.app.app.blocks  # type: ignore[attr-defined]
        states, queue = blocks.state_holder, blocks._queue
        found |= words in repr([state.config_values for state in states.session_data.values()])
        found |= bool(states.session_data or states.time_last_used or queue.pending_messages_per_session or queue.pending_event_ids_session)
    return found


def test_the_server_forgets_a_conversation_when_its_answer_has_been_sent_or_nobody_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.sessions.UNREAD", 3.0)
    site = Site(moon_bot(tmp_path))
    with served(site) as address:
        for path in ("/", "/en/"):
            page = ChatPage(address + path)
            body = page.body(f"{QUESTION} zebra", [])
            assert len(page.messages(body)) == 2
            until(lambda: not held(site, "zebra"), 20)
            assert page.messages(page.body("and why?", []) | {"session_hash": body["session_hash"]})
            page.join(page.body(f"{QUESTION} zebra", []))  # and never looks
            until(lambda: held(site, "zebra"), 3)
            until(lambda: not held(site, "zebra"), 20)


def test_a_malformed_question_to_the_chat_leaves_one_line_without_a_word_of_it(tmp_path: Path) -> None:
    with toy_process(tmp_path / "toy", log_format="json") as (_, address):
        page = ChatPage(address)
        bodies = [page.body("hush hush", hostile) for hostile in HOSTILE.values()]
        bodies += [page.body("hush hush", []) | altered for altered in ALTERED.values()]
        ids = [page.join(body).headers["x-request-id"] for body in bodies]
        log = tmp_path / "toy" / "log"
        until(lambda: ids[-1] in log.read_text())
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert [row["request_id"] for row in rows if row.get("status") == 400] == ids
    assert "hush" not in log.read_text()
    assert "passwd" not in log.read_text()
    assert not any("trace" in row for row in rows)
