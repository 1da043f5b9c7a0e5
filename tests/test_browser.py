"""A real browser: ask, click a chip, see the mark; nothing goes to another host, nothing is said on the console."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import CHROMIUM
from tests.doors import served
from tests.sites import sea_bot
from ui.serve import Site

pytestmark = [pytest.mark.browser, pytest.mark.model]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a toy that has questions to begin with; with the real model finding those takes minutes."""
    with served(Site(sea_bot(tmp_path_factory.mktemp("toy")))) as found:
        yield found


class Visit:
    """A page, and all that it asked for and complained of."""

    def __init__(self, browser: Browser, size: str, scheme: str = "light") -> None:
        self.hosts: set[str] = set()
        self.complaints: list[str] = []
        self.context = browser.new_context(viewport=SIZES[size], color_scheme=scheme)  # type: ignore[arg-type]
        self.context.on("page", self._watch)
        self.page = self.context.new_page()

    def _watch(self, page: Page) -> None:
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        page.on("console", lambda message: self.complaints.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def ask(self, address: str, question: str) -> None:
        self.page.goto(address)
        self.page.fill("#td-box textarea", question)
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector(".td-answer")


@pytest.mark.parametrize(
    ("path", "language", "question"),
    [("/", "id", "Apa nama dokumen hasil RCDD 2019?"), ("/en/", "en", "What is the outcome document of RCDD 2019 called?")],
)
@pytest.mark.parametrize("size", SIZES)
def test_ask_click_a_chip_and_see_the_mark(browser: Browser, server: str, path: str, language: str, question: str, size: str) -> None:
    visit = Visit(browser, size)
    visit.ask(server + path, question)
    assert visit.page.evaluate("document.documentElement.lang") == language
    chip = visit.page.locator("a.td-chip").first
    quote = visit.page.locator(".td-quote").first.inner_text().strip("“”")
    with visit.context.expect_page() as opened:
        chip.click()
    source = opened.value
    source.wait_for_selector("mark")
    assert source.locator("mark").inner_text() == quote
    box = source.locator("mark").bounding_box()
    assert box
    assert 0 <= box["y"] < SIZES[size]["height"]
    assert visit.hosts == {urlsplit(server).netloc}
    assert visit.complaints == []
    visit.context.close()


@pytest.mark.parametrize("path", ["/", "/en/"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_and_the_question_box_is_in_sight(browser: Browser, server: str, path: str, size: str, scheme: str) -> None:
    visit = Visit(browser, size, scheme)
    visit.page.goto(server + path)
    box = visit.page.locator("#td-box textarea")
    box.wait_for()
    place = box.bounding_box()
    assert place
    assert place["y"] + place["height"] <= SIZES[size]["height"]
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"]
    visit.context.close()


def test_hostile_text_stays_text(browser: Browser, server: str) -> None:
    visit = Visit(browser, "desktop")
    question = "<img src=x onerror=\"document.title='owned'\"> <script>document.title='owned'</script> **RCDD** [x](javascript:alert(1))"
    visit.ask(server, question)
    assert visit.page.locator(".td-question").inner_text() == question
    assert visit.page.locator("#td-chat img, #td-chat script").count() == 0
    assert visit.page.title() != "owned"
    visit.context.close()


def test_the_conversation_goes_on_and_can_be_begun_anew(browser: Browser, server: str) -> None:
    visit = Visit(browser, "desktop")
    visit.ask(server, "Apa nama dokumen hasil RCDD 2019?")
    visit.page.fill("#td-box textarea", "Siapa yang membukanya?")
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator(".td-answer")).to_have_count(2)
    assert "RCDD 2019" in visit.page.locator(".td-standalone").inner_text()
    visit.page.click("#td-clear")
    expect(visit.page.locator(".td-answer")).to_have_count(0)
    visit.context.close()


@pytest.mark.parametrize("path", ["/", "/en/"])
def test_an_example_question_is_answered_and_the_next_ones_follow_it(browser: Browser, toy: str, path: str) -> None:
    visit = Visit(browser, "phone")
    visit.page.goto(toy + path)
    visit.page.locator("button.example").first.click()
    visit.page.wait_for_selector(".td-answer a.td-chip")
    for count, question in enumerate(("Who walked on the moon?", "and why does the tide rise?"), start=2):
        visit.page.fill("#td-box textarea", question)
        visit.page.keyboard.press("Enter")
        expect(visit.page.locator(".td-votes")).to_have_count(count)
    visit.page.locator("button.td-drop").last.click()
    expect(visit.page.locator(".td-votes")).to_have_count(4)
    visit.page.click("#td-clear")
    visit.page.wait_for_selector(".example")
    assert visit.complaints == []
    visit.context.close()
