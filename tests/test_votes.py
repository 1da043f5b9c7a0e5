"""Votes below the answers of the chat: asked for where they are kept, given and explained in a real browser."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.conftest import CHROMIUM
from tests.doors import QUESTION, REFUSED, moon_bot, served
from ui.chat import talk
from ui.serve import Site
from ui.texts import TEXTS


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(moon_bot(tmp_path_factory.mktemp("votes")))


@pytest.fixture(scope="module")
def address(site: Site) -> Iterator[str]:
    with served(site) as found:
        yield found


@pytest.fixture(autouse=True)
def empty(site: Site) -> Iterator[None]:
    before = site.settings()
    site.kept.forget()
    yield
    site.change(before)


def test_the_chat_asks_for_a_vote_on_the_answer_that_it_shows_and_not_where_votes_are_not_kept(site: Site) -> None:
    *growing, whole = talk(site.desk, QUESTION, [], "id")
    assert not any("td-vote" in shown[-1]["content"] for shown in growing)
    (found,) = re.findall(r'id="td-votes-([0-9a-f]+)"', whole[-1]["content"])
    assert site.desk.remembered(found).question == QUESTION
    assert TEXTS["id"]["rate"] in whole[-1]["content"]
    site.change(site.settings().model_copy(update={"keep_days": 0}))
    assert "td-vote" not in list(talk(site.desk, QUESTION, [], "id"))[-1][-1]["content"]


@pytest.mark.browser
@pytest.mark.parametrize(("path", "language"), [("/", "id"), ("/en/", "en")])
def test_a_visitor_votes_in_the_chat_and_says_why(site: Site, address: str, path: str, language: str) -> None:
    words = TEXTS[language]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address + path)
        page.fill("#td-box textarea", QUESTION)
        page.keyboard.press("Enter")
        page.get_by_role("button", name=words["up"], exact=True).click()
        expect(page.get_by_role("status").filter(has_text=words["rated"])).to_be_visible()
        assert [vote.rating for vote in site.kept.votes(90)] == ["up"]
        page.get_by_role("button", name=words["down"], exact=True).click()
        page.get_by_label(words["why"]).fill("<b>salah</b> tahun")
        page.keyboard.press("Enter")
        expect(page.locator(".td-said")).to_have_text(words["rated_why"])
        (vote,) = site.kept.votes(90)
        assert (vote.rating, vote.reason, vote.question, vote.documents) == ("down", "<b>salah</b> tahun", QUESTION, ("en.moon",))
        page.fill("#td-box textarea", REFUSED)
        page.keyboard.press("Enter")
        expect(page.locator(".td-votes")).to_have_count(2)
        # The first answer's vote is still shown after the page was told of another one.
        expect(page.locator(".td-votes").first.locator('[aria-pressed="true"]')).to_have_text(words["down"])
        site.desk._answers.clear()
        page.locator(".td-up").last.click()
        expect(page.locator(".td-said").last).to_have_text(words["rated_late"])
        assert all("404" in said for said in complaints)
        browser.close()
