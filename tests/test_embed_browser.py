"""The widget in a real browser, on pages of other origins: a line, a button, a frame, a cited answer."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from playwright.sync_api import Browser, ConsoleMessage, Frame, FrameLocator, Locator, Page, Route, expect, sync_playwright

from bot import Bot
from bot.kept import Kept
from tests.conftest import CHROMIUM, lacking
from tests.sites import ALLOWED, DEEP, HOSTILE, SAME_SITE, STRANGE, WILDCARD, Sites, app_of, door_of, sea_bot, served, site_of
from tests.test_browser import FLAGS, SIZES
from ui.embed import integrity
from ui.embed_token import SECONDS, Tokens
from ui.texts import EMBED_TEXTS, PRIVACY, TEXTS

pytestmark = pytest.mark.browser
PATIENCE = 60_000
"""Milliseconds that a step may take on a busy machine; nothing here is about speed."""

expect.set_options(timeout=PATIENCE)
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
    with served(site_of(bot, sites)) as port:
        yield f"http://tanya.localhost:{port}"


class Visit:
    """A host page with the widget on it, all that it asked for and complained of."""

    def __init__(
        self, browser: Browser, sites: Sites, tanya: str, *, attributes: str = "", body: str = "", head: str = "", line: str | None = None,
        name: str = ALLOWED, size: str = "desktop", scheme: str = "light", lang: str = "en", dir_: str = "ltr", reduced: bool = False,
        block: bool = False,
        **headers: str,
    ) -> None:  # fmt: skip
        self.hosts: set[str] = set()
        self.complaints: list[str] = []
        self.tanya = tanya
        script = line or f'<script src="{tanya}/embed.js" data-embed="site" {attributes} defer></script>' if line != "" else ""
        script = script.replace("TANYA", tanya).replace("INTEGRITY", integrity())
        body = body.replace("TANYA", tanya)
        sites.put(
            "/",
            f'<!doctype html><html lang="{lang}" dir="{dir_}"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width">'
            f"<title>Host</title>{head}{script}</head><body><main><h1>A host page</h1><p>Its text.</p>"
            f'<button id="own">Own</button>{body}</main></body></html>',
            **headers,
        )
        self.context = browser.new_context(
            viewport=SIZES[size], color_scheme=scheme, reduced_motion="reduce" if reduced else "no-preference",  # type: ignore[arg-type]
            has_touch=size == "phone", is_mobile=size == "phone", permissions=["clipboard-read", "clipboard-write"],
        )  # fmt: skip
        self.context.set_default_timeout(PATIENCE)
        self.context.on("page", self._watch)
        self.page: Page = self.context.new_page()
        self.page.add_init_script(
            "window.heard = []; for (const type of ['ready', 'open', 'close', 'answer', 'error'])"
            " document.addEventListener('tanya:' + type, (e) => heard.push({ type, ...e.detail, widget: null }))"
        )
        if block:
            self.page.add_init_script(
                "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError') } })"
            )
        self.page.goto(sites.origin(name))

    def _watch(self, page: Page) -> None:
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc) if request.url.startswith("http") else None)
        page.on("console", lambda message: self.complaints.append(message.text) if self._complains(message) else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    @staticmethod
    def _complains(message: ConsoleMessage) -> bool:
        return message.type in ("error", "warning") and "via document.write" not in message.text

    @property
    def button(self) -> Locator:
        return self.page.locator("html > tanya-widget button.button")

    @property
    def panel(self) -> Locator:
        return self.page.locator("html > tanya-widget .panel")

    @property
    def frame(self) -> FrameLocator:
        return self.page.frame_locator("html > tanya-widget iframe")

    def open(self) -> FrameLocator:
        self.button.click()
        expect(self.frame.locator("#question")).to_be_focused()
        return self.frame

    def begin(self, question: str) -> FrameLocator:
        """Ask, and wait for no answer."""
        frame = self.open()
        frame.locator("#question").fill(question)
        frame.locator("#question").press("Enter")
        return frame

    def ask(self, question: str, frame: FrameLocator | None = None) -> FrameLocator:
        frame = frame or self.open()
        count = frame.locator("article").count()
        frame.locator("#question").fill(question)
        frame.locator("#question").press("Enter")
        expect(frame.locator("article")).to_have_count(count + 1)
        expect(frame.locator("#send")).not_to_have_attribute("aria-disabled", "true")
        return frame

    def heard(self, type_: str) -> list[dict[str, Any]]:
        return [event for event in self.page.evaluate("heard") if event["type"] == type_]


Visits = Callable[..., Visit]


def spoken(frame: FrameLocator) -> list[str]:
    """What a screen reader was told, politely, since the last question."""
    said = frame.locator("#said")
    assert (said.get_attribute("aria-live"), said.get_attribute("role")) == ("polite", "status")
    return [text or "" for text in said.locator("p").all_text_contents()]


def vote(frame: FrameLocator, name: str) -> Locator:
    """Press a thumb of the last answer."""
    thumb = frame.get_by_role("button", name=EMBED_TEXTS["en"][name], exact=True).last
    thumb.click()
    return thumb


@pytest.fixture
def visit(browser: Browser, sites: Sites, tanya: str) -> Iterator[Visits]:
    visits: list[Visit] = []

    def make(tanya: str = tanya, **options: Any) -> Visit:
        visits.append(Visit(browser, sites, tanya, **options))
        return visits[-1]

    yield make
    for one in visits:
        one.context.close()
    assert {host for one in visits for host in one.hosts if not re.fullmatch(r"([\w.-]+\.localhost|127\.0\.0\.1):\d+", host)} == set()


# --- an answer


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", [ALLOWED, WILDCARD])
def test_one_line_gives_a_cited_answer_whose_chip_leads_to_the_marked_words(visit: Visits, sites: Sites, size: str, name: str) -> None:
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


def test_a_card_shows_while_the_mouse_is_over_its_chip(visit: Visits) -> None:
    here = visit()
    frame = here.ask(QUESTION)
    frame.locator(".chip").hover()
    expect(frame.locator(".card")).to_be_visible()
    frame.locator("h1").hover()
    expect(frame.locator(".card")).to_have_count(0)


def test_a_card_that_is_larger_than_the_room_beside_its_chip_does_not_cover_it(visit: Visits) -> None:
    frame = visit().ask(QUESTION)
    frame.locator("html").evaluate("e => { e.style.fontSize = '28px' }")
    chip = frame.locator(".chip")
    chip.hover()
    expect(frame.locator(".card")).to_be_visible()
    chip.click(timeout=10_000)
    expect(chip).to_have_attribute("aria-expanded", "true")
    card, mark = frame.locator(".card").bounding_box(), chip.bounding_box()
    assert card
    assert mark
    assert card["y"] >= mark["y"] + mark["height"] or card["y"] + card["height"] <= mark["y"]


def test_the_words_that_answer_are_bold_counted_in_characters_not_in_utf_16(
    browser: Browser, sites: Sites, bot: Bot, visit: Visits
) -> None:
    def bold(app: FastAPI) -> None:
        @app.post("/api/ask")
        def ask() -> object:
            answer = bot.ask(QUESTION)
            first = answer.citations[0].model_copy(update={"answer_start": 4, "answer_end": 10})
            return answer.model_copy(update={"citations": (first,)})

    with served(app_of(bot, door_of(sites), bold)) as port:
        frame = visit(tanya=f"http://tanya.localhost:{port}").ask(QUESTION)
        assert frame.locator("strong").inner_text() == "\U0001f315 moon"


def test_a_refusal_shows_the_nearest_passages_and_why(visit: Visits) -> None:
    frame = visit().ask("Apakah laut terasa manis pada tahun 1850?")
    expect(frame.locator(".near li").first).to_be_visible()
    assert frame.locator(".chip").count() == 0
    assert TEXTS["en"]["nearest"] in frame.locator(".answer").inner_text()
    assert str(frame.locator(".near a").first.get_attribute("href")).startswith("http://tanya.localhost")
    assert spoken(frame) == [TEXTS["en"]["searching"], frame.locator(".answer > p").first.inner_text()]


def test_sentences_of_a_json_answer_come_one_after_another_and_each_is_announced_once(visit: Visits) -> None:
    here = visit()
    frame = here.open()
    frame.locator("body").evaluate(
        "() => { window.seen = [];"
        " new MutationObserver((all) => { for (const one of all) for (const node of one.addedNodes)"
        " seen.push([node.textContent, document.querySelectorAll('.sentence').length]) })"
        ".observe(document.getElementById('said'), {childList: true}) }"
    )
    here.ask(TIDE, frame)
    shown = frame.locator(".sentence").count()
    assert shown > 1
    seen = frame.locator("body").evaluate("() => seen")
    assert [count for _, count in seen] == list(range(shown + 1))
    assert seen[0][0] == TEXTS["en"]["searching"]
    assert frame.locator("#said").get_attribute("aria-live") == "polite"


def test_an_answer_that_is_streamed_is_shown_as_it_comes(sites: Sites, bot: Bot, visit: Visits) -> None:
    door = door_of(sites)
    go = threading.Event()

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
                second = raw.index(b"id: 2")
                cuts = [*range(0, second, 97), *range(second, len(raw), 97), len(raw)]  # anywhere, inside a letter and between \r and \n
                for start, end in pairwise(cuts):
                    assert start != second or go.wait(PATIENCE / 1000)
                    yield raw[start:end]

            return StreamingResponse(parts(), media_type="text/event-stream")

    with served(app_of(bot, door, streaming)) as port:
        here = visit(tanya=f"http://tanya.localhost:{port}")
        frame = here.begin(TIDE)
        expect(frame.locator(".sentence")).to_have_count(1)
        expect(frame.locator(".sources")).to_have_count(0)
        go.set()
        expect(frame.locator(".sources")).to_be_visible()
        assert frame.locator(".sentence").count() == len(bot.ask(TIDE).sentences) > 1
        assert here.heard("answer")[0]["answer"] == bot.ask(TIDE).answer
        assert here.complaints == []


@pytest.mark.parametrize(
    "event", [b'event: error\ndata: {"error": {"code": "failed", "message": "m"}}\n\n', b"event: sources\ndata: []\n\n"]
)
def test_a_stream_that_fails_or_ends_early_says_so_and_can_be_asked_again(sites: Sites, bot: Bot, visit: Visits, event: bytes) -> None:
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
        assert spoken(frame)[1:] == [frame.locator(".notice").inner_text()]
        frame.get_by_role("button", name=EMBED_TEXTS["en"]["retry"]).press("Enter")
        expect(frame.locator("#answers")).to_be_focused()
        expect(frame.locator(".sentence")).to_have_count(1)
        expect(frame.locator("article")).to_have_count(1)


def test_copy_takes_the_answer_and_the_full_addresses_of_its_sources(visit: Visits) -> None:
    here = visit()
    frame = here.ask(QUESTION)
    frame.get_by_role("button", name=EMBED_TEXTS["en"]["copy"]).click()
    expect(frame.get_by_text(EMBED_TEXTS["en"]["copied"]).first).to_be_visible()
    copied = here.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"{QUOTE} [1]")
    assert f"[1] The Moon & its air. A. Author · Almanac House · 10 September 2019 · English. {here.tanya}/source/en.moon?start=" in copied


def test_a_vote_is_kept_a_second_one_takes_its_place_and_after_a_thumb_down_it_asks_why(visit: Visits, bot: Bot) -> None:
    kept = Kept(bot.config.kept)
    kept.forget()
    frame = visit().ask(QUESTION)
    told, why = frame.locator(".told"), frame.get_by_label(TEXTS["en"]["why"])
    up = vote(frame, "helpful")
    expect(up).to_have_attribute("aria-pressed", "true")
    expect(told).to_have_text(TEXTS["en"]["rated"])
    expect(told).to_be_visible()
    assert [one.rating for one in kept.votes(90)] == ["up"]
    down = vote(frame, "unhelpful")
    expect(down).to_have_attribute("aria-pressed", "true")
    expect(up).to_have_attribute("aria-pressed", "false")
    expect(why).to_be_focused()
    why.fill("<b>wrong</b> year")
    why.press("Enter")
    expect(told).to_have_text(TEXTS["en"]["rated_why"])
    expect(why).to_have_count(0)
    expect(down).to_be_focused()
    assert [(one.rating, one.question, one.reason) for one in kept.votes(90)] == [("down", QUESTION, "<b>wrong</b> year")]
    assert spoken(frame)[-3:] == [TEXTS["en"]["rated"], TEXTS["en"]["rated"], TEXTS["en"]["rated_why"]]
    vote(frame, "unhelpful")
    expect(why).to_be_visible()
    vote(frame, "helpful")
    expect(why).to_have_count(0)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, '{"kept": false}', "rated_off"),
        (404, '{"error": {"code": "not_found", "message": "m"}}', "rated_late"),
        (503, '{"error": {"code": "unavailable", "message": "m"}}', "rated_not"),
        (502, "<p>Bad gateway", "rated_not"),
        (0, "", "rated_not"),
    ],
)
def test_a_vote_that_is_not_kept_says_why_where_it_can_be_seen_and_heard(visit: Visits, status: int, body: str, said: str) -> None:
    here = visit()
    frame = here.ask(QUESTION)
    here.page.route("**/api/feedback", lambda route: route.fulfill(status=status, body=body) if status else route.abort())
    down = vote(frame, "unhelpful")
    expect(frame.locator(".told")).to_have_text(TEXTS["en"][said])
    expect(frame.locator(".told")).to_be_visible()
    assert spoken(frame)[-1] == TEXTS["en"][said]
    assert down.get_attribute("aria-pressed") == "false"
    assert frame.locator(".why").count() == 0


def test_the_real_servers_related_question_is_asked_by_a_click_and_answered(visit: Visits, bot: Bot) -> None:
    (related,) = bot.ask(QUESTION).related
    frame = visit().ask(QUESTION)
    frame.get_by_role("button", name=related).click()
    expect(frame.locator("article")).to_have_count(2)
    expect(frame.locator("article").last.locator(".sentence")).to_contain_text("Twelve people walked on the moon.")


def test_a_suggested_question_leaves_the_focus_in_the_conversation(visit: Visits) -> None:
    frame = visit().open()
    frame.locator(".choices button").first.press("Enter")
    expect(frame.locator("#answers")).to_be_focused()
    expect(frame.locator(".sentence")).not_to_have_count(0)
    expect(frame.locator("#answers")).to_be_focused()


def test_related_questions_are_asked_by_a_click(sites: Sites, bot: Bot, visit: Visits) -> None:
    def related(app: FastAPI) -> None:
        @app.post("/api/ask")
        async def ask(request: Request) -> object:
            return bot.ask((await request.json())["question"]).model_copy(update={"related": (TIDE,)})

    with served(app_of(bot, door_of(sites), related)) as port:
        frame = visit(tanya=f"http://tanya.localhost:{port}").ask(QUESTION)
        frame.get_by_role("button", name=TIDE).click()
        expect(frame.locator("article")).to_have_count(2)


def test_a_follow_up_brings_the_conversation_along(sites: Sites, bot: Bot, visit: Visits) -> None:
    asked: list[dict[str, Any]] = []

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


def test_it_says_who_it_is_what_it_keeps_and_where_the_sources_are(visit: Visits, bot: Bot) -> None:
    here = visit(lang="id")
    frame = here.open()
    frame.get_by_role("button", name=EMBED_TEXTS["id"]["about"]).click()
    about = frame.locator("#about")
    days = EMBED_TEXTS["id"]["kept_days"].format(days=bot.config.keep_days)
    for text in (TEXTS["id"]["independent"], EMBED_TEXTS["id"]["kept"], "tanya.localhost", days):
        assert text in about.inner_text()
    with here.context.expect_page() as opened:
        about.get_by_role("link", name=EMBED_TEXTS["id"]["privacy"]).click()
    assert urlsplit(opened.value.url).path == "/privacy"
    assert opened.value.locator("h1").inner_text() == PRIVACY["id"]["title"]
    links = about.locator("#documents a")
    expect(links).to_have_count(3)
    assert links.first.inner_text().startswith("Laut")
    with here.context.expect_page() as opened:
        links.first.click()
    assert opened.value.locator("h1").inner_text() == "Laut"
    here.page.keyboard.press("Escape")


@pytest.mark.parametrize(("lang", "language"), [("id-ID", "id"), ("en-GB", "en"), ("ms", "id"), ("fr", "en"), ("", "id")])
def test_the_interface_speaks_the_language_of_the_page(visit: Visits, lang: str, language: str) -> None:
    here = visit(lang=lang)
    frame = here.open()
    expect(frame.locator("#send")).to_have_text(TEXTS[language]["ask"])
    assert frame.locator("html").get_attribute("lang") == language


# --- who may show it


@pytest.mark.parametrize(("name", "size", "scheme"), [(STRANGE, "desktop", "dark"), (DEEP, "phone", "light")])
def test_a_site_that_is_not_listed_gets_no_frame_and_is_told_what_to_run(
    visit: Visits, sites: Sites, name: str, size: str, scheme: str
) -> None:
    here = visit(name=name, size=size, scheme=scheme, reduced=True)
    here.button.click()
    gone = here.panel.locator(".gone")
    expect(gone).to_be_visible()
    assert here.frame.locator("#question").count() == 0
    assert here.heard("error")[0]["code"] == "refused"
    assert any(f"tanya embed doctor {sites.origin(name)}" in complaint for complaint in here.complaints)
    expect(gone.get_by_role("button")).to_be_focused()
    assert faults(here.page.main_frame) == []
    here.page.keyboard.press("Escape")
    expect(here.panel).to_be_hidden()


def test_a_site_that_says_it_is_another_is_stopped_by_the_browser(visit: Visits, sites: Sites, tanya: str) -> None:
    claimed = quote(sites.origin(ALLOWED), safe="")
    here = visit(name=STRANGE, line="", body=f'<iframe id="f" src="{tanya}/embed/site?origin={claimed}"></iframe>')
    here.page.wait_for_timeout(500)
    assert here.page.frame_locator("#f").locator("#question").count() == 0
    assert any("frame-ancestors" in complaint for complaint in here.complaints)


def test_another_page_gives_the_frame_no_orders(visit: Visits, sites: Sites, tanya: str) -> None:
    claimed = quote(sites.origin(ALLOWED), safe="")
    here = visit(name=STRANGE, line="")
    with here.context.expect_page() as opened:
        here.page.evaluate(f"window.other = window.open('{tanya}/embed/site?origin={claimed}')")
    opened.value.locator("#question").wait_for()
    here.page.evaluate("other.postMessage({ tanya: 'ask', question: 'the moon has no air' }, '*')")
    here.page.evaluate("other.postMessage({ tanya: 'options', options: { title: 'Your bank' } }, '*')")
    opened.value.wait_for_timeout(300)
    assert opened.value.locator("article").count() == 0
    assert opened.value.locator("#title").inner_text() == TEXTS["en"]["title"]


def test_a_token_that_is_not_taken_any_more_is_renewed_without_a_word(sites: Sites, bot: Bot, visit: Visits) -> None:
    now = [1_800_000_000.0]
    with served(app_of(bot, door_of(sites, Tokens(lambda: now[0])))) as port:
        here = visit(tanya=f"http://tanya.localhost:{port}")
        frame = here.open()
        now[0] += SECONDS
        here.ask(QUESTION, frame)
        assert frame.locator(".sentence").count() == 1
        assert here.heard("error") == []


def test_a_limit_is_told_with_the_time_to_wait(visit: Visits) -> None:
    here = visit(line='<script src="TANYA/embed.js" data-embed="narrow" defer></script>')
    frame = here.open()
    for _ in range(3):
        here.ask(QUESTION, frame)
    told = re.escape(EMBED_TEXTS["en"]["limited"].format(seconds="N")).replace("N", r"(\d+)")
    found = re.search(told, frame.locator("article").nth(2).inner_text())
    assert found
    assert 0 < int(found[1]) <= 60
    assert here.heard("error")[0]["code"] == "too_many"


# --- options, methods, events


LOGO = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
OPTIONS: dict[str, dict[str, Any]] = {
    "by attribute": {
        "attributes": "data-language=id data-theme=dark data-color=#8a1c1c data-position=bottom-left data-offset-x=40 data-offset-y=30"
        " data-z-index=77 data-greeting='Halo, apa kabar?' data-title='Tanya laut' data-open"
        f' data-questions=\'["Apa itu laut, dan mengapa asin?", "Kedua?"]\' data-logo="{LOGO}"'
    },
    "by a global": {
        "line": "<script>window.tanya = { embed: 'site', language: 'id', theme: 'dark', color: '#8a1c1c', position: 'bottom-left',"
        " offsetX: 40, offsetY: 30, zIndex: 77, greeting: 'Halo, apa kabar?', title: 'Tanya laut', open: true,"
        f" questions: ['Apa itu laut, dan mengapa asin?', 'Kedua?'], logo: '{LOGO}' }}</script><script src='TANYA/embed.js'></script>"
    },
    "by a global, before a module": {
        "line": "<script>window.tanya = [{ embed: 'site', language: 'id', theme: 'dark', color: '#8a1c1c', position: 'bottom-left',"
        " offsetX: '40', offsetY: '30', zIndex: '77', greeting: 'Halo, apa kabar?', title: 'Tanya laut', open: 'true',"
        f" questions: '[\"Apa itu laut, dan mengapa asin?\", \"Kedua?\"]', logo: '{LOGO}' }}]</script>"
        "<script type=module src='TANYA/embed.js'></script>"
    },
    "by a global for the embed of the line": {
        "line": "<script>window.tanya = { language: 'id', theme: 'dark', color: '#8a1c1c', position: 'bottom-left',"
        " offsetX: 40, offsetY: 30, zIndex: 77, greeting: 'Halo, apa kabar?', title: 'Tanya laut', open: true,"
        f" questions: ['Apa itu laut, dan mengapa asin?', 'Kedua?'], logo: '{LOGO}' }}</script>{{LINE}}"
    },
}


@pytest.mark.parametrize("kind", OPTIONS)
def test_options(visit: Visits, kind: str) -> None:
    here = visit(**{name: value.replace("{LINE}", LINE) for name, value in OPTIONS[kind].items()})
    frame = here.frame
    expect(frame.locator("h1")).to_have_text("Tanya laut")
    expect(frame.locator(".hello")).to_contain_text("Halo, apa kabar?")
    assert frame.locator(".choices button").all_inner_texts() == ["Apa itu laut, dan mengapa asin?", "Kedua?"]
    assert frame.locator("html").get_attribute("data-theme") == "dark"
    assert frame.locator("html").get_attribute("lang") == "id"
    assert str(frame.locator("#logo").get_attribute("src")).startswith("data:image/gif")
    assert here.button.evaluate("b => { const { left, bottom, zIndex } = getComputedStyle(b); return [left, bottom, zIndex] }") == [
        "40px",
        "30px",
        "77",
    ]
    assert here.button.evaluate("b => getComputedStyle(b).backgroundColor") == "rgb(138, 28, 28)"
    assert here.page.evaluate("document.activeElement.localName") == "body"
    assert here.complaints == []


@pytest.mark.parametrize("target", ["'#here'", "document.getElementById('here')"])
def test_inside_an_element_that_a_global_names(visit: Visits, target: str) -> None:
    call = f"addEventListener('load', () => tanya.create({{ embed: 'other', target: {target} }}))"
    here = visit(line=f"<script src='TANYA/embed.js?embed=site'></script><script>{call}</script>", body="<div id=here></div>")
    expect(here.page.frame_locator("#here iframe").locator("h1")).to_have_text("Other")
    expect(here.button).to_have_count(1)
    assert here.complaints == []


def test_what_cannot_be_an_option_harms_nothing_else(visit: Visits) -> None:
    here = visit(
        line="<script src='TANYA/embed.js' data-embed=site data-target='###' data-name=lost></script>"
        "<script src='TANYA/embed.js' data-embed=site data-color=reddish data-offset-x=far data-questions=none data-z-index=1e9></script>"
    )
    here.open()
    assert here.button.evaluate("b => [getComputedStyle(b).right, getComputedStyle(b).backgroundColor]") == [
        "20px",
        "rgb(15, 111, 104)",
    ]
    assert any("data-questions" in complaint for complaint in here.complaints)


@pytest.mark.parametrize(
    ("attributes", "language", "theme", "color", "greeting"),
    [
        ("", "id", "dark", "rgb(138 28 28)", "Halo dari tanya.toml"),
        ("data-language=en data-theme=light data-color=#ffd400 data-greeting=Hi", "en", "light", "rgb(255 212 0)", "Hi"),
    ],
)
def test_the_look_that_the_settings_give_reaches_the_frame_and_attributes_come_first(
    visit: Visits, attributes: str, language: str, theme: str, color: str, greeting: str
) -> None:
    here = visit(line=f"<script src='TANYA/embed.js' data-embed='dressed' {attributes} defer></script>")
    frame = here.open()
    html = frame.locator("html")
    expect(frame.locator(".hello")).to_contain_text(greeting)
    assert [html.get_attribute(name) for name in ("lang", "data-theme")] == [language, theme]
    assert html.evaluate("e => e.style.getPropertyValue('--button')") == color


@pytest.mark.parametrize(("theme", "system"), [("light", "dark"), ("dark", "light")])
def test_a_theme_that_is_chosen_holds_on_the_other_system(visit: Visits, theme: str, system: str) -> None:
    here = visit(attributes=f"data-theme={theme}", scheme=system)
    frame = here.open()
    assert frame.locator("html").get_attribute("data-theme") == theme
    papers = [
        here.panel.evaluate("e => getComputedStyle(e).backgroundColor"),
        frame.locator("body").evaluate("e => getComputedStyle(e).backgroundColor"),
    ]
    assert papers == [{"light": "rgb(251, 252, 252)", "dark": "rgb(18, 24, 29)"}[theme]] * 2


def test_auto_follows_the_visitors_system_while_the_page_is_open(visit: Visits) -> None:
    here = visit()
    html = here.open().locator("html")
    expect(html).to_have_attribute("data-theme", "light")
    here.page.emulate_media(color_scheme="dark")
    expect(html).to_have_attribute("data-theme", "dark")


def test_without_scripts_a_plain_frame_is_enough(visit: Visits) -> None:
    here = visit(
        line="", body="<iframe id=plain src='TANYA/embed/site' width=500 height=700 referrerpolicy=origin></iframe>", scheme="dark"
    )
    frame = here.page.frame_locator("#plain")
    expect(frame.locator(".hello")).to_be_visible()
    expect(frame.locator("html")).to_have_attribute("data-theme", "dark")
    expect(frame.locator("#close")).to_be_hidden()
    here.ask(QUESTION, frame)
    assert frame.locator(".sentence").first.inner_text().startswith(QUOTE)


def test_a_conversation_is_remembered_where_the_browser_lets_the_frame_store_it(visit: Visits) -> None:
    here = visit(attributes="data-open data-remember", name=SAME_SITE)
    here.ask(QUESTION, here.frame)
    here.frame.locator("#about-open").click()
    expect(here.frame.locator("#kept")).to_have_text(EMBED_TEXTS["en"]["kept_here"])
    here.page.reload()
    expect(here.frame.locator("article")).to_have_count(1)
    here.frame.get_by_role("button", name=TEXTS["en"]["clear"]).click()
    here.page.reload()
    expect(here.frame.locator(".hello")).to_be_visible()


def test_nothing_is_stored_of_a_conversation_that_is_not_to_be_remembered(visit: Visits) -> None:
    here = visit(attributes="data-open", name=SAME_SITE)
    here.ask(QUESTION, here.frame)
    assert here.context.storage_state() == {"cookies": [], "origins": []}
    inside = next(frame for frame in here.page.frames if frame.url.startswith(here.tanya))
    assert inside.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]


TWO = "<div id=a style='height: 480px'></div><div id=b style='height: 480px'></div>"
AT_A = "data-target='#a' data-remember"
APART = {
    "origin": ("blog." + SAME_SITE, "site", AT_A),
    "embed": (SAME_SITE, "other", AT_A),
    "name": (SAME_SITE, "site", AT_A + " data-name=second"),
    "target": (SAME_SITE, "site", AT_A.replace("#a", "#b")),
}


@pytest.mark.parametrize("apart", APART)
def test_a_remembered_conversation_is_neither_read_nor_cleared_by_another(visit: Visits, sites: Sites, apart: str) -> None:
    name, embed, attributes = APART[apart]
    here = visit(attributes=AT_A, body=TWO, name=SAME_SITE)
    mine = here.page.frame_locator("#a iframe")
    here.ask(QUESTION, mine)
    page = sites.pages["/"][0]
    sites.put("/other", page.replace('data-embed="site"', f'data-embed="{embed}"').replace(AT_A, attributes))
    here.page.goto(f"{sites.origin(name)}/other")
    other = here.page.frame_locator("iframe")
    expect(other.locator(".hello")).to_be_visible()
    inside = next(frame for frame in here.page.frames if frame.url.startswith(here.tanya))
    assert inside.evaluate("localStorage.length") == 1
    here.ask(TIDE, other)
    other.get_by_role("button", name=TEXTS["en"]["clear"]).click()
    expect(other.locator(".hello")).to_be_visible()
    here.page.goto(sites.origin(SAME_SITE))
    expect(mine.locator("article")).to_have_count(1)
    expect(mine.locator(".asked")).to_contain_text(QUESTION)


def test_what_was_kept_in_another_shape_is_forgotten(visit: Visits, tanya: str) -> None:
    here = visit(attributes="data-open data-remember", name=SAME_SITE)
    here.ask(QUESTION, here.frame)
    name = None
    for kept in ('[{"question": 1}]', "{}", "no JSON", "[null]"):
        inside = next(frame for frame in here.page.frames if frame.url.startswith(tanya))
        name = name or inside.evaluate("Object.keys(localStorage)[0]")
        inside.evaluate("([name, kept]) => localStorage.setItem(name, kept)", [name, kept])
        here.page.reload()
        expect(here.frame.locator(".hello")).to_be_visible()
    here.ask(QUESTION, here.frame)
    assert here.complaints == []


def test_methods_and_events(visit: Visits) -> None:
    here = visit(
        line="<script>window.tanya = { embed: 'other', color: '#ffd400', greeting: 'Hi' }</script><script src='TANYA/embed.js'></script>"
    )
    here.page.evaluate("void tanya.on('open', () => { throw Error('of the page') })")
    here.page.evaluate("void tanya.on('answer', (told) => { window.told = told.answer })")
    here.page.evaluate("tanya.on('answer', () => { window.unheard = true })()")
    assert here.button.evaluate("b => getComputedStyle(b).color") == "rgb(0, 0, 0)"
    here.page.evaluate("tanya.ask('the moon has no air at all')")
    expect(here.frame.locator(".sentence")).to_have_count(1)
    expect(here.frame.locator("h1")).to_have_text("Other")
    expect(here.frame.locator("#send")).not_to_have_attribute("aria-disabled", "true")
    answer = here.heard("answer")[0]
    assert here.page.evaluate("told") == answer["answer"] == f"{QUOTE} [1]"
    assert here.page.evaluate("window.unheard") is None
    assert answer["citations"][0]["url"].startswith(here.tanya + "/source/en.moon?")
    here.page.evaluate("tanya.clear()")
    expect(here.frame.locator("article")).to_have_count(0)
    expect(here.frame.get_by_role("button", name="What is the tide?")).to_be_visible()
    here.page.evaluate("tanya.close()")
    expect(here.panel).to_be_hidden()
    here.page.evaluate("tanya.toggle()")
    expect(here.panel).to_be_visible()
    here.page.evaluate("tanya.destroy()")
    expect(here.page.locator("tanya-widget")).to_have_count(0)
    assert [event["type"] for event in here.page.evaluate("heard")] == ["ready", "open", "answer", "close", "open"]
    here.page.evaluate("tanya.open()")


def test_a_listener_that_comes_late_hears_ready_and_of_a_widget_that_is_open_that_it_is(visit: Visits) -> None:
    here = visit(attributes="data-open")
    listen = (
        "() => { window.late = [];"
        " for (const type of ['ready', 'open', 'close']) tanya.on(type, ({ widget }) => late.push([type, widget.name])) }"
    )
    here.page.evaluate(listen)
    assert here.page.evaluate("late") == [["ready", "site"], ["open", "site"]]
    here.page.evaluate("tanya.close()")
    here.page.evaluate(listen)
    assert here.page.evaluate("late") == [["ready", "site"]]


def test_what_is_destroyed_twice_takes_no_other_with_it(visit: Visits) -> None:
    here = visit(line=LINE + LINE.replace("'site'", "'other'"))
    first = here.page.evaluate_handle("tanya.get('site')")
    first.evaluate("one => { one.destroy(); one.destroy(); one.open() }")
    expect(here.button).to_have_count(1)
    box = here.button.bounding_box()
    assert box
    assert box["x"] + box["width"] == SIZES["desktop"]["width"] - 20
    assert here.page.evaluate("tanya.widgets.map((one) => one.name)") == ["other"]
    here.page.wait_for_timeout(300)
    expect(here.button).to_have_count(1)


@pytest.mark.parametrize("width", [500, 800])
def test_the_second_panel_too_stays_on_the_screen(visit: Visits, width: int) -> None:
    here = visit(line=LINE + LINE.replace("'site'", "'other'"))
    here.page.set_viewport_size({"width": width, "height": 700})
    here.page.evaluate("tanya.get('other').open()")
    here.page.wait_for_timeout(400)
    box = here.panel.nth(1).bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["width"] > 300


def test_two_on_a_page_are_two(visit: Visits) -> None:
    line = "<script src='TANYA/embed.js' data-embed='site' defer></script><script src='TANYA/embed.js' data-embed='other' defer></script>"
    here = visit(
        line=line + "<script src='TANYA/embed.js' data-embed='site' data-name='in' data-target='#here' defer></script>",
        body="<div id='here'></div>",
    )
    expect(here.page.locator("tanya-widget")).to_have_count(3)
    assert here.page.evaluate("scrollY") == 0
    buttons = [box["x"] for button in here.button.all() if (box := button.bounding_box())]
    assert abs(buttons[0] - buttons[1]) >= 60
    inside = here.page.frame_locator("#here iframe")
    here.ask(QUESTION, inside)
    here.page.evaluate("tanya.get('other').ask('why does the tide rise')")
    expect(here.page.frame_locator("html > tanya-widget:nth-of-type(2) iframe").locator("article")).to_have_count(1)
    expect(inside.locator("article")).to_have_count(1)
    expect(inside.locator("#close")).to_be_hidden()


# --- hostile pages

CSS = """<style>
* { display: none !important; color: red !important; transform: rotate(9deg) !important; opacity: .1 !important }
iframe, button { width: 3px !important; position: static !important }
html { display: block !important; opacity: 1 !important; transform: none !important }
</style>"""
STRICT = "default-src 'none'; img-src 'self'; script-src TANYA; frame-src TANYA; require-trusted-types-for 'script'"
LINE = "<script src='TANYA/embed.js' data-embed='site'></script>"
WRITTEN = LINE.replace("</script>", '</scr" + "ipt>')
BY_MANAGER = (
    "<script>setTimeout(() => { const s = document.createElement('script'); s.async = true; s.src = 'TANYA/embed.js?embed=site';"
    " document.head.append(s) }, 200)</script>"
)
WITH_ATTRIBUTE = (
    "<script>addEventListener('load', () => { const s = document.createElement('script'); s.src = 'TANYA/embed.js';"
    " s.dataset.embed = 'site'; document.body.append(s) })</script>"
)
LATE = (
    f"{LINE}<script>addEventListener('load', () => setTimeout(() => {{"
    f' document.write("<html lang=en><h1>New</h1>{WRITTEN}"); document.close() }}, 200))</script>'
)
HOSTILE_PAGES: dict[str, dict[str, Any]] = {
    "aggressive styles": {"head": CSS},
    "strict policy": {"Content_Security_Policy": STRICT},
    "integrity": {"line": LINE.replace("></", " integrity='INTEGRITY' crossorigin='anonymous' defer></")},
    "cross-origin isolated": {"Cross_Origin_Embedder_Policy": "require-corp", "Cross_Origin_Opener_Policy": "same-origin"},
    "no referrer": {"Referrer_Policy": "no-referrer"},
    "module": {"line": LINE.replace("<script", "<script type='module'")},
    "tag manager": {"line": BY_MANAGER},
    "late insertion": {"line": WITH_ATTRIBUTE},
    "document.write": {"line": f'<script>document.write("{WRITTEN}")</script>'},
    "document.write late": {"line": LATE},
    "right to left": {"dir_": "rtl"},
    "twice the same": {"line": LINE + LINE},
    "blocked storage": {"attributes": "data-remember", "block": True},
    "broken globals": {"head": "<script>Array.prototype.evil = 1; Object.prototype.hostile = 'x'; JSON.stringify = null</script>"},
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", HOSTILE_PAGES)
def test_it_works_on_a_hostile_page(visit: Visits, tanya: str, kind: str, size: str) -> None:
    page = {name: value.replace("TANYA", tanya) if isinstance(value, str) else value for name, value in HOSTILE_PAGES[kind].items()}
    here = visit(**page, size=size)
    if kind == "document.write late":
        expect(here.page.locator("h1")).to_have_text("New")
    expect(here.button).to_have_count(1)
    box = here.button.bounding_box()
    assert box
    assert (box["width"], box["height"]) == (56, 56)
    assert (box["x"] < 100) == (kind == "right to left")
    here.ask(QUESTION)
    assert here.frame.locator(".sentence").first.inner_text().startswith(QUOTE)
    frame_box = here.panel.bounding_box()
    assert frame_box
    assert frame_box["width"] > 300
    assert here.complaints == []


@pytest.mark.parametrize("size", SIZES)
def test_in_a_sandbox_with_an_origin_it_works_and_without_one_it_says_so(visit: Visits, sites: Sites, tanya: str, size: str) -> None:
    sites.put("/inner", f"<html lang=en><script src='{tanya}/embed.js' data-embed='site' data-open></script>")
    flags = "allow-scripts allow-popups"
    for sandbox, works in ((f"{flags} allow-same-origin", True), (flags, False)):
        here = visit(line="", body=f"<iframe id='box' sandbox='{sandbox}' src='/inner' width='100%' height=700></iframe>", size=size)
        inner = here.page.frame_locator("#box")
        if works:
            frame = inner.frame_locator("iframe")
            frame.locator("#question").fill(QUESTION)
            frame.locator("#send").click()
            expect(frame.locator(".sentence")).to_have_count(1)
            vote(frame, "unhelpful")
            frame.get_by_role("button", name=TEXTS["en"]["send"], exact=True).click()
            expect(frame.locator(".told")).to_have_text(TEXTS["en"]["rated"])
            expect(frame.locator(".why")).to_have_count(0)
        else:
            expect(inner.locator(".gone")).to_be_visible()


@pytest.mark.parametrize("size", SIZES)
def test_it_outlives_a_page_that_swaps_its_body_and_comes_back_when_it_was_taken_away(visit: Visits, size: str) -> None:
    inside = "<script src='TANYA/embed.js' data-embed='site' data-name='in' data-target='#here' defer></script>"
    here = visit(line=LINE + inside, body="<div id='here'></div>", size=size)
    here.ask(QUESTION)
    here.page.evaluate(
        "history.pushState({}, '', '/two'); const body = document.createElement('body'); body.innerHTML = '<h1>Two</h1>';"
        "const again = document.createElement('script'); again.src = document.querySelector('script').src; again.dataset.embed = 'site';"
        "document.body.replaceWith(body); body.append(again)"
    )
    expect(here.frame.locator("article")).to_have_count(1)
    here.page.wait_for_timeout(300)
    expect(here.page.locator("tanya-widget")).to_have_count(1)
    here.page.evaluate("document.body.innerHTML = '<div id=here></div>'")
    expect(here.page.frame_locator("#here iframe").locator("#question")).to_be_visible()
    here.page.evaluate("document.querySelector('html > tanya-widget').remove(); tanya.close(); tanya.clear()")
    here.page.evaluate("tanya.open()")
    expect(here.frame.locator("#question")).to_be_visible()
    for _ in range(5):
        here.page.evaluate("document.querySelector('html > tanya-widget').remove()")
        expect(here.button).to_have_count(1)
    here.page.evaluate("document.querySelector('html > tanya-widget').remove()")
    here.page.wait_for_timeout(500)
    expect(here.button).to_have_count(0)
    assert here.complaints == []


def test_the_demo_page_shows_both_kinds_on_this_machine(visit: Visits, tanya: str) -> None:
    here = visit(line="")
    here.page.goto(f"http://127.0.0.1:{urlsplit(tanya).port}/embed/demo?lang=en")
    here.page.locator("#demo-ask").click()
    expect(here.frame.locator(".answer .actions")).to_be_visible()
    inside = here.page.frame_locator("#inline iframe")
    here.ask(QUESTION, inside)
    assert inside.locator(".sentence").first.inner_text().startswith(QUOTE)
    assert faults(here.page.main_frame) == []
    assert here.complaints == []


# --- phones, zoom, keyboard, axe


@pytest.mark.parametrize("size", [SIZES["phone"], {"width": 320, "height": 568}, {"width": 640, "height": 400}])
def test_it_fills_a_small_screen_or_one_zoomed_to_200_percent_and_keeps_the_keyboard_inside(visit: Visits, size: dict[str, int]) -> None:
    here = visit()
    here.page.set_viewport_size(size)  # type: ignore[arg-type]
    frame = here.open()
    here.page.wait_for_timeout(300)
    assert here.panel.bounding_box() == {"x": 0, "y": 0, **size}
    assert here.panel.get_attribute("aria-modal") == "true"
    assert frame.locator("html").evaluate(
        "e => e.scrollWidth <= innerWidth && document.querySelector('#send').getBoundingClientRect().bottom <= innerHeight"
    )
    here.ask(QUESTION, frame)
    for key in ["Tab"] * 14 + ["Shift+Tab"] * 14:
        here.page.keyboard.press(key)
        assert here.page.evaluate("document.activeElement.localName") == "tanya-widget"


def test_it_is_a_dialog_while_it_is_open_a_region_inside_a_page_and_named_either_way(visit: Visits) -> None:
    inside = "<script src='TANYA/embed.js' data-embed='site' data-name='in' data-title='Inside' data-target='#here' defer></script>"
    here = visit(line=LINE + inside, body="<div id='here'></div>")
    dialog = here.page.get_by_role("dialog", name=TEXTS["en"]["title"], exact=True)
    expect(here.page.get_by_role("region", name="Inside", exact=True)).to_be_visible()
    expect(here.page.get_by_role("dialog")).to_have_count(0)
    here.open()
    expect(dialog).to_be_visible()
    assert dialog.get_attribute("aria-modal") == "false"
    here.page.keyboard.press("Escape")
    expect(here.page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("color", ["#ffd400", "#0f6f68", "#000000"])
def test_where_the_focus_is_shows_on_white_and_on_black_whatever_the_colour(visit: Visits, color: str) -> None:
    here = visit(attributes=f"data-color={color}")
    here.page.focus("#own")
    here.page.keyboard.press("Tab")
    rings = here.button.evaluate("b => getComputedStyle(b).boxShadow")
    outline = here.button.evaluate("b => parseFloat(getComputedStyle(b).outlineWidth) + parseFloat(getComputedStyle(b).outlineOffset)")
    found = {colour: int(width) for colour, width in re.findall(r"(rgb\([\d, ]+\)) 0px 0px 0px (\d+)px", rings)}
    assert found["rgb(255, 255, 255)"] >= 3
    assert found["rgb(18, 24, 29)"] >= outline + 2


def test_the_keyboard_goes_all_the_way_and_focus_returns_to_where_it_was(visit: Visits) -> None:
    here = visit()
    here.page.focus("#own")
    here.page.keyboard.press("Tab")
    assert here.button.evaluate("b => b.getRootNode().activeElement === b")
    assert here.button.get_attribute("aria-expanded") == "false"
    here.page.keyboard.press("Enter")
    frame = here.frame
    expect(frame.locator("#question")).to_be_focused()
    assert here.button.get_attribute("aria-expanded") == "true"
    here.page.keyboard.type(QUESTION)
    here.page.keyboard.press("Enter")
    expect(frame.locator(".sources")).to_be_visible()
    chip = frame.locator(".chip")
    for _ in range(12):
        here.page.keyboard.press("Shift+Tab")
        if chip.evaluate("c => c === document.activeElement"):
            break
    expect(chip).to_be_focused()
    here.page.keyboard.press("Enter")
    expect(chip).to_have_attribute("aria-expanded", "true")
    here.page.keyboard.press("Tab")
    expect(frame.locator(".card a").first).to_be_focused()
    here.page.keyboard.press("Escape")
    expect(chip).to_be_focused()
    expect(frame.locator(".card")).to_have_count(0)
    here.page.keyboard.press("Escape")
    expect(here.panel).to_be_hidden()
    assert here.button.evaluate("b => b.getRootNode().activeElement === b")
    here.page.focus("#own")
    here.page.evaluate("tanya.open()")
    expect(frame.locator("#question")).to_be_focused()
    here.page.keyboard.press("Escape")
    expect(here.page.locator("#own")).to_be_focused()


def test_reduced_motion_moves_nothing(visit: Visits) -> None:
    here = visit(reduced=True)
    moving = (
        "e => [...e.querySelectorAll('*')].flatMap((one) => ['', '::before', '::after'].map((part) => getComputedStyle(one, part)))"
        ".filter((style) => style.animationName !== 'none' || parseFloat(style.transitionDuration)).length"
    )
    waiting: list[Route] = []
    here.page.route("**/api/ask", lambda route: waiting.append(route))
    frame = here.begin(TIDE)
    expect(frame.locator(".waiting")).to_be_visible()
    assert frame.locator("html").evaluate(moving) == 0
    waiting[0].continue_()
    expect(frame.locator(".sources")).to_be_visible()
    assert frame.locator("html").evaluate(moving) == 0
    assert here.panel.evaluate("e => getComputedStyle(e).transitionDuration") == "0s"


def axe() -> str:
    """The script of axe-core, out of a package."""
    spec = find_spec("axe_playwright_python")
    if spec is None or spec.origin is None:
        lacking('needs the package axe-playwright-python (pip install -e ".[test]")')
    return Path(spec.origin).with_name("axe.min.js").read_text("utf-8")


def faults(frame: Frame) -> list[str]:
    frame.evaluate(axe())
    found = frame.evaluate("axe.run(document, { resultTypes: ['violations'], iframes: false })")["violations"]
    return [f"{fault['id']}: {node['html'][:160]} {node['failureSummary']}" for fault in found for node in fault["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["id", "en"])
@pytest.mark.parametrize(("color", "size"), [("", "desktop"), ("data-color=#ffd400", "phone"), ("data-color=#8a1c1c", "desktop")])
def test_axe_finds_nothing(visit: Visits, scheme: str, lang: str, color: str, size: str) -> None:
    here = visit(scheme=scheme, lang=lang, reduced=True, attributes=color, size=size)
    assert faults(here.page.main_frame) == []
    frame = here.open()
    inside = here.page.frames[-1]
    assert inside.locator("html").get_attribute("data-theme") == scheme
    assert faults(inside) == []
    here.ask("the moon has no air at all", frame)
    frame.locator(".chip").click()
    here.ask("Apakah laut terasa manis pada tahun 1850?", frame)
    assert faults(inside) == []
    frame.locator(".chip").click()
    assert faults(inside) == []
    frame.get_by_role("button", name=EMBED_TEXTS[lang]["unhelpful"], exact=True).last.click()
    expect(frame.locator(".why")).to_be_visible()
    here.page.route("**/api/ask", lambda route: route.abort())
    here.ask(QUESTION, frame)
    expect(frame.get_by_role("button", name=EMBED_TEXTS[lang]["retry"])).to_be_visible()
    assert faults(inside) == []
    frame.locator("#about-open").click()
    expect(frame.locator("#documents a")).to_have_count(3)
    assert faults(inside) == []
    assert faults(here.page.main_frame) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["id", "en"])
def test_axe_finds_nothing_on_the_reader_page_and_the_privacy_notice(visit: Visits, scheme: str, lang: str) -> None:
    here = visit(line="", scheme=scheme)
    for path in ("source/en.moon?start=0&end=20&", "source/id.laut?", "source/en.moon?start=0&end=9&v=old&", "privacy?"):
        here.page.goto(f"{here.tanya}/{path}lang={lang}")
        assert faults(here.page.main_frame) == [], path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/en/"])
def test_axe_finds_nothing_on_the_chat(visit: Visits, scheme: str, path: str) -> None:
    here = visit(line="", scheme=scheme, reduced=True)
    here.page.goto(here.tanya + path)
    box = here.page.locator("#td-box textarea")
    expect(here.page.locator("#td-chat .example").first).to_be_visible()
    assert faults(here.page.main_frame) == []
    for count, question in enumerate((QUESTION, "Apakah laut terasa manis pada tahun 1850?"), start=1):
        box.fill(question)
        box.press("Enter")
        expect(here.page.locator(".td-answer .td-card")).not_to_have_count(0)
        expect(here.page.locator(".td-answer")).to_have_count(count)
        expect(box).to_be_editable()
    assert faults(here.page.main_frame) == []
