"""What a question was understood as is shown, and one click asks it as typed, without the conversation."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from playwright.sync_api import Browser, expect, sync_playwright

from bot import Answer, Bot, Config
from bot.converse import Turn
from tests.conftest import CHROMIUM
from tests.doors import moon_bot
from tests.sites import SAME_SITE, Sites, app_of, door_of, served
from tests.test_browser import FLAGS, Visit
from ui.chat import talk, turns
from ui.render import answer_html, question_html
from ui.serve import Site
from ui.texts import TEXTS

MORE = "Why does <the> tide rise?"
FIRST, SECOND = "When did twelve people walk on the Moon in 1969?", "and who was it?"


class Heard:
    """A bot that notes what it was asked."""

    def __init__(self, bot: Bot) -> None:
        self.bot, self.asked = bot, list[tuple[str, list[Turn]]]()

    @property
    def config(self) -> Config:
        return self.bot.config

    def examples(self, language: str, /) -> tuple[str, ...]:
        return ()

    def ask(self, question: str, history: Sequence[Turn] = (), /) -> Answer:
        self.asked.append((question, list(history)))
        return self.bot.ask(question, history)


@pytest.fixture
def bot(tmp_path: Path) -> Bot:
    return moon_bot(tmp_path)


@pytest.mark.parametrize("language", ["id", "en"])
def test_a_button_drops_the_conversation_where_it_changed_the_question(bot: Bot, language: str) -> None:
    said = bot.ask(FIRST).model_copy(update={"standalone_question": "<b>", "language": language})
    button = f'<button type="button" class="td-drop">{TEXTS[language]["as_typed"]}</button>'
    assert f"{TEXTS[language]['understood']} &lt;b&gt; {button}" in answer_html(said, follows=True)
    assert "<button" not in answer_html(said)
    same = said.model_copy(update={"standalone_question": FIRST})
    assert "td-standalone" not in answer_html(same, follows=True)


def test_a_question_asked_alone_begins_the_conversation_anew(bot: Bot) -> None:
    heard = Heard(bot)
    messages: list[dict[str, Any]] = []
    for question, alone in ((FIRST, False), (SECOND, False), (SECOND, True), ("why?", False)):
        messages = list(talk(heard, question, messages, "en", alone))[-1]
    assert [len(history) for _, history in heard.asked] == [0, 2, 0, 2]
    assert "td-drop" in messages[3]["content"]
    assert "td-standalone" not in messages[5]["content"]
    assert heard.asked[3][1][0] == Turn("user", SECOND)
    typed = [{"role": "user", "content": question_html(text)} for text in (FIRST, SECOND)]
    assert [turn.content for turn in turns(typed)] == [FIRST, SECOND]


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield running
        running.close()


@pytest.mark.browser
def test_one_click_in_the_chat(browser: Browser, bot: Bot) -> None:
    with served(Site(bot)) as port:
        visit = Visit(browser, "phone")
        visit.ask(f"http://127.0.0.1:{port}/en/", FIRST)
        visit.page.fill("#td-box textarea", SECOND)
        visit.page.keyboard.press("Enter")
        visit.page.get_by_role("button", name=TEXTS["en"]["as_typed"]).click(timeout=60_000)
        expect(visit.page.locator(".td-answer")).to_have_count(3, timeout=60_000)
        expect(visit.page.locator(".td-question").nth(2)).to_have_text(SECOND)
        expect(visit.page.locator(".td-standalone")).to_have_count(1)
        assert visit.complaints == []
        visit.context.close()


class Related(Bot):
    """A bot that has one more question to offer."""

    def ask(self, *said: Any, **more: Any) -> Answer:
        return super().ask(*said, **more).model_copy(update={"related": (MORE,)})


@pytest.mark.browser
def test_a_related_question_is_asked_by_a_click_in_the_chat(browser: Browser, bot: Bot) -> None:
    with served(Site(Related(bot.retriever, bot.reader, bot.config))) as port:
        visit = Visit(browser, "phone")
        visit.ask(f"http://127.0.0.1:{port}/en/", FIRST)
        visit.page.get_by_role("button", name=MORE).click(timeout=60_000)
        expect(visit.page.locator(".td-answer")).to_have_count(2, timeout=60_000)
        expect(visit.page.locator(".td-question").nth(1)).to_have_text(MORE)
        assert visit.complaints == []
        visit.context.close()


@pytest.mark.browser
def test_one_click_in_the_widget(browser: Browser, bot: Bot) -> None:
    sites, asked = Sites(), list[dict[str, Any]]()

    def listen(app: FastAPI) -> None:
        @app.post("/api/ask")
        async def ask(request: Request) -> object:
            asked.append(await request.json())
            history = [Turn(turn["role"], turn["content"]) for turn in asked[-1]["history"]]
            return bot.ask(asked[-1]["question"], history)

    with served(app_of(bot, door_of(sites), listen)) as port:
        sites.put("/", f'<script src="http://tanya.localhost:{port}/embed.js" data-embed="site" data-language="en" defer></script>')
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.goto(sites.origin(SAME_SITE))
        page.locator("tanya-widget button.button").click()
        frame = page.frame_locator("tanya-widget iframe")
        for count, question in enumerate((FIRST, SECOND), start=1):
            frame.locator("#question").fill(question)
            frame.locator("#question").press("Enter")
            expect(frame.locator("article .actions")).to_have_count(count, timeout=60_000)
        frame.get_by_role("button", name=TEXTS["en"]["as_typed"]).click()
        expect(frame.locator("article .actions")).to_have_count(3, timeout=60_000)
        expect(frame.get_by_role("button", name=TEXTS["en"]["as_typed"])).to_have_count(1)
        frame.locator("#question").fill("why?")
        frame.locator("#question").press("Enter")
        expect(frame.locator("article .actions")).to_have_count(4, timeout=60_000)
        page.close()
    sites.close()
    assert [[turn["content"] for turn in one["history"] if turn["role"] == "user"] for one in asked] == [[], [FIRST], [], [SECOND]]
