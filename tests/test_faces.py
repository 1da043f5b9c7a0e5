"""Command line, HTTP, reader page and chat, on a toy model: each says what the contract says, and escapes what it shows."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient

from bot import Bot
from corpus import text_hash
from tests.conftest import Writer, toy_bot
from tests.doors import api
from ui.chat import talk, turns
from ui.cli import main
from ui.errors import add_errors
from ui.limits import MAX_BODY, BodyLimit
from ui.render import answer_html, answer_steps, question_html
from ui.source import paragraphs
from ui.texts import TEXTS, date_in_words

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&[a](javascript:alert(1))"


@pytest.fixture
def bot(write: Writer, tmp_path: Path) -> Bot:
    write(
        "en/moon.md",
        f"---\ntitle: '{HOSTILE.replace(chr(39), chr(39) * 2)}'\nauthor: A\npublisher: P\ndate: 2019-09-10\nurl: 'javascript:alert(1)'\n"
        "sources: {s1: {title: Almanac, publisher: P, date: 1999, url: 'javascript:alert(1)'},"
        " s2: {title: Almanac, publisher: P, date: 2001, url: 'https://example.org/almanac'}}\n---\n"
        f"The moon has no air {HOSTILE} at all.[^s1][^s2] Twelve people walked on the moon.\n\n## Craters\n\n- Craters are round.[^s1]\n",
    )
    write("en/tides.md", "The tide rises because of the moon. The tide falls because the earth turns. The tide rises twice a day.")
    write("id/laut.md", "Laut terasa asin.")
    return toy_bot(write.folder, tmp_path / "index")


@pytest.fixture
def client(bot: Bot) -> TestClient:
    app = api(bot)
    app.add_middleware(BodyLimit)
    return TestClient(app, raise_server_exceptions=False)


class Tags(HTMLParser):
    """Collects elements and their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(html)
    return parser.found


def test_ask_search_and_documents_over_http(client: TestClient, bot: Bot) -> None:
    answer = client.post(
        "/api/ask", json={"question": "the moon has no air at all", "history": [{"role": "user", "content": "hello"}]}
    ).json()
    assert answer["citations"][0]["quote"].startswith("The moon has no air")
    hits = client.get("/api/search", params={"q": "moon", "k": 1}).json()["hits"]
    assert len(hits) == 1
    document = client.get(f"/api/documents/{hits[0]['doc_id']}").json()
    assert document["text"][hits[0]["start"] : hits[0]["end"]] == hits[0]["text"]
    assert {row["id"] for row in client.get("/api/documents").json()["documents"]} == set(bot.version.documents)
    assert client.get("/api/health").json()["index_version"] == bot.version.manifest.version


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/ask", b"{", 400),
        ("POST", "/api/ask", b"{}", 422),
        ("POST", "/api/ask", b'{"question": ""}', 422),
        ("POST", "/api/ask", b'{"question": "a", "colour": "b"}', 422),
        ("POST", "/api/ask", b'{"question": "a", "language": "fr"}', 422),
        ("POST", "/api/ask", b'{"question": "a", "history": [{"role": "system", "content": "b"}]}', 422),
        ("POST", "/api/ask", json.dumps({"question": "x" * 20_000}).encode(), 413),
        ("POST", "/api/ask", b"x" * (MAX_BODY + 1), 413),
        ("GET", "/api/ask", b"", 404),
        ("GET", "/api/nowhere/at/all", b"", 404),
        ("POST", "/api/ask", b'{"question": "\\ud800 moon"}', 422),
        ("GET", "/api/search?q=", b"", 422),
        ("GET", "/api/search?q=a&k=0", b"", 422),
        ("GET", "/api/documents/nowhere", b"", 404),
        ("GET", "/api/documents/..%2f..%2fetc%2fpasswd", b"", 404),
        ("GET", "/source/nowhere", b"", 404),
        ("GET", "/nowhere", b"", 404),
    ],
)
def test_bad_requests_get_a_json_error_without_a_trace(client: TestClient, method: str, path: str, body: bytes, status: int) -> None:
    response = client.request(method, path, content=body, headers={"Content-Type": "application/json", "X-Secret": "hush"})
    assert response.status_code == status
    assert set(response.json()) == {"error"}
    assert set(response.json()["error"]) == {"code", "message"}
    assert "Traceback" not in response.text
    assert "hush" not in response.text


def test_a_body_that_does_not_say_its_size_is_cut_off_too(client: TestClient) -> None:
    chunks = (b"x" * 100_000 for _ in range(MAX_BODY // 100_000 + 1))
    assert client.post("/api/ask", content=chunks).status_code == 413


def test_an_unforeseen_error_says_nothing_of_itself() -> None:
    def broken(_: Request) -> Response:
        raise RuntimeError("secret")

    app = FastAPI()
    add_errors(app)
    app.add_route("/broken", broken)
    response = TestClient(app, raise_server_exceptions=False).get("/broken")
    assert response.status_code == 500
    assert "secret" not in response.text


def test_the_reader_page_marks_exactly_the_quoted_words(client: TestClient) -> None:
    citation = client.post("/api/ask", json={"question": "the moon has no air at all"}).json()["citations"][0]
    response = client.get(citation["source_url"])
    marked = re.findall(r"<mark[^>]*>(.*?)</mark>", response.text, re.DOTALL)
    assert "".join(marked) == __import__("markupsafe").escape(citation["quote"])
    assert 'id="cited"' in response.text
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    elements = tags(response.text)
    assert not {"script", "img", "iframe"} & {tag for tag, _ in elements}
    links = [attributes.get("href") or "" for tag, attributes in elements if tag == "a"]
    assert not any(link.startswith("javascript:") for link in links)


def test_a_quotation_counted_in_another_text_is_not_marked(client: TestClient, bot: Bot) -> None:
    old = client.get("/source/en.moon", params={"start": 0, "end": 10, "v": "000000000000"})
    assert "<mark" not in old.text
    assert TEXTS["en"]["changed"] in old.text
    same = text_hash(bot.version.document("en.moon").text)
    assert "<mark" in client.get("/source/en.moon", params={"start": 0, "end": 10, "v": same}).text
    for start, end in ((-1, 5), (5, 5), (9, 3), (0, 10**9)):
        assert "<mark" not in client.get("/source/en.moon", params={"start": start, "end": end}).text


def test_the_pieces_of_a_page_are_the_text(bot: Bot) -> None:
    document = bot.version.document("en.moon")
    for start in range(0, len(document.text), 7):
        shown = list(paragraphs(document, start, start + 40))
        blocks = [document.text[block.start : block.end] for block in document.blocks]
        assert ["".join(piece.text for piece in paragraph.pieces) for paragraph in shown] == blocks
        marked = "".join(piece.text for paragraph in shown for piece in paragraph.pieces if piece.marked)
        inside = "".join(
            document.text[max(start, b.start) : min(start + 40, b.end)] for b in document.blocks if b.start < start + 40 and b.end > start
        )
        assert marked == inside


def test_everything_in_the_chat_is_escaped(bot: Bot) -> None:
    for html in (answer_html(bot.ask("the moon has no air at all")), answer_html(bot.ask("moon rocket")), question_html(HOSTILE)):
        assert "\n" not in html
        elements = tags(html)
        assert {tag for tag, _ in elements} <= {"div", "p", "a", "ul", "li", "span", "strong"}
        assert all(set(attributes) <= {"class", "href", "title"} for _, attributes in elements)
        links = {attributes["href"] or "" for tag, attributes in elements if tag == "a"}
        assert all(link.startswith("/source/") or link == "https://example.org/almanac" for link in links)


def test_bold_takes_no_space_from_the_sentence(bot: Bot) -> None:
    answer = bot.ask("Explain why the tide rises and the tide falls")
    first = answer.citations[0]
    citation = first.model_copy(update={"answer_start": first.start + 4, "answer_end": first.start + 8})
    shown = answer_html(answer.model_copy(update={"citations": (citation, *answer.citations[1:])}))
    assert f"{citation.quote[:4]}<strong>{citation.quote[4:8]}</strong>{citation.quote[8:]}" in shown


def test_every_chip_is_a_card_that_is_shown(bot: Bot) -> None:
    answer = bot.ask("Explain why the tide rises and the tide falls")
    assert len(answer.sentences) > 1
    elements = tags(answer_html(answer))
    chips = [attributes["href"] for tag, attributes in elements if attributes.get("class") == "td-chip"]
    cards = [attributes["href"] for tag, attributes in elements if tag == "a" and "class" not in attributes]
    assert chips == cards == [citation.source_url for citation in answer.citations]


def test_an_answer_grows_sentence_by_sentence(bot: Bot) -> None:
    answer = bot.ask("Explain why the tide rises and the tide falls")
    steps = list(answer_steps(answer))
    assert len(steps) == len(answer.sentences) > 1
    assert [step.count("td-chip") for step in steps] == list(range(1, len(steps) + 1))


def test_the_chat_keeps_the_conversation_and_says_what_is_wrong(bot: Bot) -> None:
    first = list(talk(bot, "Who walked on the Moon?", [], "en"))[-1]
    assert [message["role"] for message in first] == ["user", "assistant"]
    assert turns(first)[0].content == "Who walked on the Moon?"
    assert turns([{"role": "user", "content": [{"type": "text", "text": question_html(HOSTILE)}]}])[0].content == HOSTILE
    assert TEXTS["en"]["empty"] in list(talk(bot, "  ", first, "en"))[-1][-1]["content"]
    assert "2000" in list(talk(bot, "x" * 20_000, first, "en"))[-1][-1]["content"]
    assert len(list(talk(bot, "x" * 20_000, [], "en"))[-1][0]["content"]) < 2100


def test_the_interface_says_the_same_things_in_both_languages() -> None:
    assert TEXTS["id"].keys() == TEXTS["en"].keys()


@pytest.mark.parametrize(
    ("date", "id_", "en"),
    [
        ("2019-09-10", "10 September 2019", "10 September 2019"),
        ("2021-05", "Mei 2021", "May 2021"),
        ("2020", "2020", "2020"),
        ("n.d.", "", ""),
        (None, "", ""),
    ],
)
def test_dates_in_words(date: str | None, id_: str, en: str) -> None:
    assert (date_in_words(date, "id"), date_in_words(date, "en")) == (id_, en)


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, words)
    return result.exit_code, result.stdout, result.stderr


def test_corpus_list_and_check(bot: Bot) -> None:
    folder = str(bot.config.corpus)
    code, out, _ = run("corpus", "list", "--corpus", folder, "--json")
    assert (code, [row["id"] for row in json.loads(out)]) == (0, ["en.moon", "en.tides", "id.laut"])
    code, out, _ = run("corpus", "check", "--corpus", folder, "--json")
    assert code == 1
    assert json.loads(out)["findings"]
    code, out, _ = run("corpus", "check", "--corpus", folder)
    assert (code, "findings" in out) == (1, True)


def test_a_task_that_fails_says_so_in_one_line_and_wrong_usage_is_another_code(tmp_path: Path) -> None:
    code, out, err = run("corpus", "list", "--corpus", str(tmp_path / "nowhere"))
    assert (code, out) == (1, "")
    assert err.startswith("Error: No corpus folder at")
    assert "Traceback" not in err
    assert run("index", "status", "--index", str(tmp_path))[0] == 1
    assert run("ask")[0] == 2
    assert run("serve", "--port", "seventy")[0] == 2


def test_a_broken_file_is_named_and_the_rest_is_listed(write: Writer) -> None:
    write("good.md", "A good sentence.")
    (write.folder / "bad.md").write_bytes(b"\xff\xfe\xff")
    code, out, err = run("corpus", "list", "--corpus", str(write.folder))
    assert (code, "good" in out, "bad.md" in err) == (0, True, True)


def test_index_status(bot: Bot) -> None:
    code, out, _ = run("index", "status", "--index", str(bot.config.index), "--json")
    assert code == 0
    assert json.loads(out)["version"] == bot.version.manifest.version
