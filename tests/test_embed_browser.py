"""The widget in a real browser, on pages of other origins: a line, a button, a frame, a cited answer."""

import json
import re
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from playwright.sync_api import Browser, FrameLocator, Page, expect, sync_playwright

from bot import Bot
from tests.conftest import CHROMIUM
from tests.sites import ALLOWED, DEEP, HOSTILE, STRANGE, WILDCARD, Sites, app_of, door_of, sea_bot, served
from tests.test_browser import FLAGS, SIZES
from ui.embed_token import Tokens
from ui.texts import EMBED_TEXTS, TEXTS

pytestmark = pytest.mark.browser
QUESTION = "the moon has no air at all"
QUOTE = f"The \U0001f315 moon has no air {HOSTILE} at all."
TIDE = "Explain why the tide rises and the tide falls"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Bot:
    return sea_bot(tmp_path_factory.mktemp("sea"))


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    running = Sites()
    yield running
    running.close()


@pytest.fixture(scope="module")
def tanya(bot: Bot, sites: Sites) -> Iterator[str]:
    with served(app_of(bot, door_of(sites))) as port:
        yield f"http://tanya.localhost:{port}"


class Visit:
    """A host page with the widget on it, all that it asked for and complained of."""

    def __init__(
        self, browser: Browser, sites: Sites, tanya: str, *, attributes: str = "", body: str = "", head: str = "", line: str | None = None,
        name: str = ALLOWED, size: str = "desktop", scheme: str = "light", lang: str = "en", dir_: str = "ltr", reduced: bool = False,
        **headers: str,
    ) -> None:  # fmt: skip
        self.hosts: set[str] = set()
        self.complaints: list[str] = []
        self.tanya = tanya
        script = f'<script src="{tanya}/embed.js" data-embed="site" {attributes} defer></script>' if line is None else line
        sites.put(
            "/", f'<!doctype html><html lang="{lang}" dir="{dir_}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Host</title>{head}{script}</head>'
            f'<body><h1>A host page</h1><p>Its text.</p><button id="own">Own</button>{body}</body></html>', **headers,
        )  # fmt: skip
        self.context = browser.new_context(
            viewport=SIZES[size], color_scheme=scheme, reduced_motion="reduce" if reduced else "no-preference",  # type: ignore[arg-type]
            has_touch=size == "phone", is_mobile=size == "phone", permissions=["clipboard-read", "clipboard-write"],
        )  # fmt: skip
        self.context.on("page", self._watch)
        self.page: Page = self.context.new_page()
        self.page.add_init_script("window.heard = []; for (const type of ['ready','open','close','answer','error'])"
                                  "document.addEventListener('tanya:' + type, (e) => heard.push({ type, ...e.detail, widget: null }))")  # fmt: skip
        self.page.goto(sites.origin(name))

    def _watch(self, page: Page) -> None:
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc) if request.url.startswith("http") else None)
        page.on("console", lambda message: self.complaints.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    @property
    def button(self):
        return self.page.locator("html > tanya-widget button.button")

    @property
    def panel(self):
        return self.page.locator("html > tanya-widget .panel")

    @property
    def frame(self) -> FrameLocator:
        return self.page.frame_locator("html > tanya-widget iframe")

    def open(self) -> FrameLocator:
        self.button.click()
        expect(self.frame.locator("#question")).to_be_focused()
        return self.frame

    def ask(self, question: str, frame: FrameLocator | None = None) -> FrameLocator:
        frame = frame or self.open()
        count = frame.locator("article").count()
        frame.locator("#question").fill(question)
        frame.locator("#question").press("Enter")
        expect(frame.locator("article")).to_have_count(count + 1)
        expect(frame.locator("#send")).not_to_have_attribute("aria-disabled", "true")
        return frame

    def heard(self, type_: str) -> list[dict]:
        return [event for event in self.page.evaluate("heard") if event["type"] == type_]


@pytest.fixture
def visit(browser: Browser, sites: Sites, tanya: str) -> Iterator:
    visits: list[Visit] = []

    def make(tanya: str = tanya, **options) -> Visit:
        visits.append(Visit(browser, sites, tanya, **options))
        return visits[-1]

    yield make
    for one in visits:
        one.context.close()


# --- an answer


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", [ALLOWED, WILDCARD])
def test_one_line_gives_a_cited_answer_whose_chip_leads_to_the_marked_words(visit, sites: Sites, size: str, name: str) -> None:
    here = visit(size=size, name=name)
    frame = here.ask(QUESTION)
    assert frame.locator(".sentence").first.inner_text().startswith(QUOTE)
    assert frame.locator("article img").count() == 0
    chip = frame.locator(".chip").first
    expect(chip).to_have_attribute("aria-label", EMBED_TEXTS["en"]["source_number"].format(number=1, title="The Moon & its air"))
    chip.tap() if size == "phone" else chip.click()
    card = frame.locator(".card")
    assert QUOTE in card.inner_text()
    assert "A. Author · Almanac House · 10 September 2019" in card.inner_text()
    assert card.locator(".rests a").get_attribute("href") == "https://example.org/almanac"
    box = card.bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= SIZES[size]["width"]
    with here.context.expect_page() as opened:
        card.get_by_role("link", name=EMBED_TEXTS["en"]["read_source"]).click()
    assert opened.value.locator("mark").inner_text() == QUOTE
    assert here.hosts == {f"{name}:{sites.port}", urlsplit(here.tanya).netloc}
    assert here.complaints == []


def test_a_card_shows_while_the_mouse_is_over_its_chip(visit) -> None:
    here = visit()
    frame = here.ask(QUESTION)
    frame.locator(".chip").hover()
    expect(frame.locator(".card")).to_be_visible()
    frame.locator("h1").hover()
    expect(frame.locator(".card")).to_have_count(0)


def test_the_words_that_answer_are_bold_counted_in_characters_not_in_utf_16(browser: Browser, sites: Sites, bot: Bot, visit) -> None:
    def bold(app: FastAPI) -> None:
        @app.post("/api/ask")
        def ask() -> object:
            answer = bot.ask(QUESTION)
            first = answer.citations[0].model_copy(update={"answer_start": 4, "answer_end": 10})
            return answer.model_copy(update={"citations": (first,)})

    with served(app_of(bot, door_of(sites), bold)) as port:
        frame = visit(tanya=f"http://tanya.localhost:{port}").ask(QUESTION)
        assert frame.locator("strong").inner_text() == "\U0001f315 moon"


def test_a_refusal_shows_the_nearest_passages_and_why(visit) -> None:
    frame = visit().ask("Apakah laut terasa manis pada tahun 1850?")
    expect(frame.locator(".near li").first).to_be_visible()
    assert frame.locator(".chip").count() == 0
    assert TEXTS["en"]["nearest"] in frame.locator(".answer").inner_text()
    assert frame.locator(".near a").first.get_attribute("href").startswith("http://tanya.localhost")


def test_sentences_of_a_json_answer_come_one_after_another_and_each_is_announced_once(visit) -> None:
    here = visit()
    frame = here.open()
    frame.locator("body").evaluate(
        "() => { window.seen = []; new MutationObserver((all) => { for (const one of all) for (const node of one.addedNodes)"
        " seen.push([node.textContent, document.querySelectorAll('.sentence').length]) }).observe(document.getElementById('said'), {childList: true}) }"
    )
    here.ask(TIDE, frame)
    shown = frame.locator(".sentence").count()
    assert shown > 1
    seen = frame.locator("body").evaluate("() => seen")
    assert [count for _, count in seen] == list(range(shown + 1))
    assert seen[0][0] == TEXTS["en"]["searching"]
    assert frame.locator("#said").get_attribute("aria-live") == "polite"


def test_an_answer_that_is_streamed_is_shown_as_it_comes(sites: Sites, bot: Bot, visit) -> None:
    door = door_of(sites)

    def streaming(app: FastAPI) -> None:
        @app.post("/api/ask")
        async def ask(request: Request) -> StreamingResponse:
            asked = await request.json()
            assert "text/event-stream" in request.headers["accept"]
            door.admit(request, asked["embed"], bot.version.manifest.version)
            answer = bot.ask(asked["question"])
            whole = answer.model_dump_json()
            events = [("sources", {"citations": json.loads(whole)["citations"]})]
            events += [("sentence", sentence) for sentence in json.loads(whole)["sentences"]]
            text = ": ping\r\n\r\n" + "".join(
                f"id: {n}\r\nevent: {name}\r\ndata: {json.dumps(body)}\r\n\r\n" for n, (name, body) in enumerate(events)
            )

            def parts() -> Iterator[bytes]:
                raw = text.encode() + f"event: done\r\ndata: {whole}\r\n\r\n".encode()
                for at in range(0, len(raw), 97):  # cut anywhere, inside a letter and between \r and \n
                    yield raw[at : at + 97]

            return StreamingResponse(parts(), media_type="text/event-stream")

    with served(app_of(bot, door, streaming)) as port:
        here = visit(tanya=f"http://tanya.localhost:{port}")
        frame = here.ask(TIDE)
        assert frame.locator(".sentence").count() == len(bot.ask(TIDE).sentences)
        assert here.heard("answer")[0]["answer"] == bot.ask(TIDE).answer
        assert here.complaints == []


@pytest.mark.parametrize(
    "event", [b'event: error\ndata: {"error": {"code": "failed", "message": "m"}}\n\n', b"event: sources\ndata: []\n\n"]
)
def test_a_stream_that_fails_or_ends_early_says_so_and_can_be_asked_again(sites: Sites, bot: Bot, visit, event: bytes) -> None:
    asked: list[bytes] = []

    def broken(app: FastAPI) -> None:
        @app.post("/api/ask")
        def ask() -> object:
            asked.append(event)
            return StreamingResponse(iter([event]), media_type="text/event-stream") if len(asked) == 1 else bot.ask(QUESTION)

    with served(app_of(bot, door_of(sites), broken)) as port:
        here = visit(tanya=f"http://tanya.localhost:{port}")
        frame = here.ask(QUESTION)
        assert frame.locator(".sentence").count() == 0
        assert len(here.heard("error")) == 1
        frame.get_by_role("button", name=EMBED_TEXTS["en"]["retry"]).click()
        expect(frame.locator(".sentence")).to_have_count(1)
        expect(frame.locator("article")).to_have_count(1)


def test_copy_takes_the_answer_and_the_full_addresses_of_its_sources(visit) -> None:
    here = visit()
    frame = here.ask(QUESTION)
    frame.get_by_role("button", name=EMBED_TEXTS["en"]["copy"]).click()
    expect(frame.get_by_text(EMBED_TEXTS["en"]["copied"]).first).to_be_visible()
    copied = here.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"{QUOTE} [1]")
    assert f"[1] The Moon & its air. A. Author · Almanac House · 10 September 2019 · English. {here.tanya}/source/en.moon?start=" in copied


def test_related_questions_are_asked_by_a_click(sites: Sites, bot: Bot, visit) -> None:
    def related(app: FastAPI) -> None:
        @app.post("/api/ask")
        async def ask(request: Request) -> object:
            return bot.ask((await request.json())["question"]).model_copy(update={"related": (TIDE,)})

    with served(app_of(bot, door_of(sites), related)) as port:
        frame = visit(tanya=f"http://tanya.localhost:{port}").ask(QUESTION)
        frame.get_by_role("button", name=TIDE).click()
        expect(frame.locator("article")).to_have_count(2)


def test_a_follow_up_brings_the_conversation_along(sites: Sites, bot: Bot, visit) -> None:
    asked: list[dict] = []

    def listen(app: FastAPI) -> None:
        @app.post("/api/ask")
        async def ask(request: Request) -> object:
            asked.append(await request.json())
            return bot.ask(asked[-1]["question"])

    with served(app_of(bot, door_of(sites), listen)) as port:
        here = visit(tanya=f"http://tanya.localhost:{port}")
        here.ask(TIDE, here.ask(QUESTION))
    assert asked[0] == {"question": QUESTION, "history": [], "embed": "site"}
    assert [turn["role"] for turn in asked[1]["history"]] == ["user", "assistant"]
    assert asked[1]["history"][0]["content"] == QUESTION


def test_it_says_who_it_is_what_it_keeps_and_where_the_sources_are(visit) -> None:
    here = visit(lang="id")
    frame = here.open()
    frame.get_by_role("button", name=EMBED_TEXTS["id"]["about"]).click()
    about = frame.locator("#about")
    for text in (TEXTS["id"]["independent"], EMBED_TEXTS["id"]["kept"], "tanya.localhost"):
        assert text in about.inner_text()
    links = about.locator("#documents a")
    expect(links).to_have_count(3)
    assert links.first.inner_text().startswith("Laut")
    with here.context.expect_page() as opened:
        links.first.click()
    assert opened.value.locator("h1").inner_text() == "Laut"
    here.page.keyboard.press("Escape")


@pytest.mark.parametrize(("lang", "language"), [("id-ID", "id"), ("en-GB", "en"), ("ms", "id"), ("fr", "en"), ("", "id")])
def test_the_interface_speaks_the_language_of_the_page(visit, lang: str, language: str) -> None:
    here = visit(lang=lang)
    frame = here.open()
    expect(frame.locator("#send")).to_have_text(TEXTS[language]["ask"])
    assert frame.locator("html").get_attribute("lang") == language
