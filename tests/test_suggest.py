"""Questions that are suggested: the corpus asks them and answers them, they are not those just asked, and they change with the corpus."""

import time
from pathlib import Path

import pytest

from bot import Answer, Bot, Config, LiveBot, Publication, Turn, WordReader, publish, rebuild
from bot.suggest import KEPT, Suggestion, examples, read_suggestions, related, suggest
from index import HashEmbedder, Retriever, open_index
from tests.conftest import Writer
from tests.test_publish import make_bot

TIDES = (
    "# Tides\n\nA spring tide is a tide of full moon. Sailors wait for it.\n\n## When does the tide fall in Dover?\n\n"
    "The tide falls in Dover at noon. Boats leave Dover then.\n\n## Why do whales sing loudly?\n\nNobody has asked them yet.\n\n"
    "## Harbours\n\nDover has one harbour.\n"
)
LAUT = (
    "# Laut\n\nPasang purnama adalah pasang saat bulan penuh.\n\n"
    "## Kapan pasang surut di Dover?\n\nPasang surut di Dover pada siang hari.\n"
)


class Shelf:
    """A corpus that is built with suggestions."""

    def __init__(self, write: Writer, index: Path) -> None:
        self.write, self.index, self.asked = write, index, list[str]()
        write("en/tides.md", TIDES)
        write("id/laut.md", LAUT)

    def build(self) -> None:
        publish(Publication(source=self.write.folder, index_dir=self.index), HashEmbedder(), make_bot)

    def suggest(self, most: int = 100) -> None:
        """Build, and ask, until `most` questions are asked."""
        self.asked.clear()
        self.build()
        version = open_index(self.index)
        answer = make_bot(version)

        def ask(question: str, language: str | None) -> Answer:
            self.asked.append(question)
            return answer(question, language)

        suggest(self.index, version, ask, HashEmbedder(), ended=lambda: len(self.asked) >= most)

    @property
    def bot(self) -> Bot:
        version = open_index(self.index)
        return Bot(Retriever(version, HashEmbedder()), WordReader(), Config(), read_suggestions(self.index).of(version))


@pytest.fixture
def shelf(write: Writer, tmp_path: Path) -> Shelf:
    shelf = Shelf(write, tmp_path / "index")
    shelf.suggest()
    return shelf


def test_headings_that_ask_and_definitions_become_questions_if_the_passages_answer_them(shelf: Shelf) -> None:
    found = {one.question: one for one in shelf.bot.suggestions}
    assert set(found) == {
        "What is a spring tide?",
        "When does the tide fall in Dover?",
        "Apa itu pasang purnama?",
        "Kapan pasang surut di Dover?",
    }
    text = shelf.bot.version.documents["en.tides"].text
    assert text[found["When does the tide fall in Dover?"].start :].startswith("The tide falls in Dover")


def test_what_is_suggested_is_answered(shelf: Shelf) -> None:
    bot = shelf.bot
    assert [one.question for one in bot.suggestions if bot.ask(one.question, language=one.language).refused] == []


def test_related_questions_are_in_the_askers_language_and_not_what_was_just_asked(shelf: Shelf) -> None:
    answer = shelf.bot.ask("What is a spring tide?", language="en")
    assert answer.related == ("When does the tide fall in Dover?",)
    assert shelf.bot.ask("When does the tide fall?", language="en").related == ("What is a spring tide?",)
    assert shelf.bot.ask("Kapan pasang surut di Dover?", language="id").related == ("Apa itu pasang purnama?",)


def test_a_suggested_question_is_asked_as_it_stands(shelf: Shelf) -> None:
    before = [Turn("user", "Where is the harbour of Calais?"), Turn("assistant", "Far away.")]
    bot = shelf.bot
    assert bot.understood("What is a spring tide?", before).text == "What is a spring tide?"
    assert bot.ask("What is a spring tide?", before).related == ("When does the tide fall in Dover?",)


def test_a_greeting_and_a_foreign_question_get_examples(shelf: Shelf) -> None:
    assert set(shelf.bot.ask("hello").related) == {"What is a spring tide?"}
    assert not shelf.bot.ask("hello").citations
    foreign = shelf.bot.ask("Who painted the Mona Lisa in Florence for a silk merchant in 1503?", language="en")
    assert (foreign.refusal_reason, foreign.related) == ("off_topic", ("What is a spring tide?",))


def test_a_heading_whose_answer_stands_elsewhere_is_left_out(shelf: Shelf) -> None:
    moved = TIDES.replace("## Harbours\n", "## Where do whales sing?\n\nNobody knows.\n\n## Songs\n\nWhales sing in the north.\n")
    shelf.write("en/tides.md", moved)
    shelf.suggest()
    assert "Where do whales sing?" in shelf.asked
    assert shelf.bot.ask("Where do whales sing?", language="en").citations
    assert "Where do whales sing?" not in {one.question for one in shelf.bot.suggestions}


def test_an_edit_asks_only_of_the_document_that_changed(shelf: Shelf) -> None:
    edited = TIDES.replace("Why do whales sing loudly?", "Where is the harbour of Dover?")
    shelf.write("en/tides.md", edited.replace("Nobody has asked them", "The harbour of Dover is"))
    shelf.suggest()
    assert "Where is the harbour of Dover?" in shelf.asked
    assert not any("asang" in text for text in shelf.asked)
    questions = {one.question for one in shelf.bot.suggestions}
    assert questions > {"Where is the harbour of Dover?", "Kapan pasang surut di Dover?"}


def test_a_paragraph_that_becomes_a_heading_is_a_change(shelf: Shelf) -> None:
    shelf.write("en/tides.md", TIDES.replace("## When does", "When does"))
    shelf.suggest()
    assert {one.question for one in shelf.bot.suggestions if one.language == "en"} == {"What is a spring tide?"}


def test_what_a_document_gave_goes_with_it(shelf: Shelf) -> None:
    (shelf.write.folder / "id" / "laut.md").unlink()
    shelf.build()
    assert {one.language for one in shelf.bot.suggestions} == {"en"}
    shelf.suggest()
    assert shelf.asked == []
    assert list(read_suggestions(shelf.index).documents) == ["en.tides"]


def test_what_was_broken_off_is_gone_on_with(write: Writer, tmp_path: Path) -> None:
    shelf = Shelf(write, tmp_path / "index")
    shelf.suggest(most=1)
    first = list(shelf.asked)
    assert first
    assert read_suggestions(shelf.index).version == ""
    shelf.suggest()
    assert shelf.asked
    assert not {*first} & {*shelf.asked}
    assert read_suggestions(shelf.index).version == shelf.bot.version.manifest.version


@pytest.mark.parametrize("content", ["", "{", "[]", '{"documents": {"en.tides": 1}}'])
def test_a_spoilt_file_is_made_again(shelf: Shelf, content: str) -> None:
    (shelf.index / KEPT).write_text(content)
    assert shelf.bot.suggestions == ()
    shelf.suggest()
    assert len(shelf.bot.suggestions) == 4


def test_a_rebuild_leaves_the_questions_and_says_so_only_once(shelf: Shelf) -> None:
    (shelf.index / KEPT).unlink()
    config = Config(corpus=shelf.write.folder, index=shelf.index)
    told: list[tuple[str, int]] = []
    rebuild(config, HashEmbedder(), WordReader(), lambda *news: told.append(news))
    assert told == [("documents", 2), ("document", 1), ("document", 1)]
    assert len(shelf.bot.suggestions) == 4
    rebuild(config, HashEmbedder(), WordReader(), lambda *news: told.append(news))
    assert len(told) == 3


def test_a_full_disk_costs_only_the_suggestions(shelf: Shelf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    (shelf.index / KEPT).unlink()
    monkeypatch.setattr("bot.suggest.replace_file", full)
    report = rebuild(Config(corpus=shelf.write.folder, index=shelf.index), HashEmbedder(), WordReader())
    assert report.outcome == "unchanged"
    assert "No space left" in caplog.text


def test_a_heading_longer_than_a_question_may_be_is_left_out(shelf: Shelf) -> None:
    (shelf.index / KEPT).unlink()
    config = Config(corpus=shelf.write.folder, index=shelf.index, max_question=25)
    assert rebuild(config, HashEmbedder(), WordReader()).outcome == "unchanged"
    assert {one.question for one in shelf.bot.suggestions} == {"What is a spring tide?", "Apa itu pasang purnama?"}
    assert read_suggestions(shelf.index).version == shelf.bot.version.manifest.version


def test_a_server_looks_for_them_where_nobody_did_and_takes_up_what_another_process_finds(shelf: Shelf) -> None:
    (shelf.index / KEPT).unlink()
    live = LiveBot(shelf.bot, shelf.index)
    assert live().suggestions == ()
    stop = live.start()
    deadline = time.monotonic() + 30
    while not live().suggestions and time.monotonic() < deadline:
        time.sleep(0.01)
    stop()
    assert len(live().suggestions) == 4
    (shelf.index / KEPT).unlink()
    live.look()
    assert live().suggestions == ()
    shelf.suggest()
    live.look()
    assert len(live().suggestions) == 4


def suggestion(question: str, doc_id: str, start: int = 0, weight: float = 0.5) -> Suggestion:
    return Suggestion(question=question, language="en", doc_id=doc_id, start=start, weight=weight)


def test_the_nearest_come_first_and_one_document_does_not_give_them_all() -> None:
    ships = {"Ann": 10, "Bob": 200, "Cid": 90, "Dan": 400}
    pool = [suggestion(f"When was ship {name} built?", "a", at) for name, at in ships.items()]
    pool.append(suggestion("Who sails?", "b"))
    said = [("a", 100, 120)]
    assert related(pool, "en", ["Where is Paul?"], ["a", "b"], said) == (
        "When was ship Cid built?",
        "When was ship Ann built?",
        "Who sails?",
    )
    assert related(pool, "en", ["Is ship Cid built?"], ["a"], said) == ("When was ship Ann built?", "When was ship Bob built?")
    assert related(pool, "en", [], ["a"], [("a", 85, 95)])[0] == "When was ship Ann built?"
    assert related(pool, "id", [], ["a"], said) == ()


def test_examples_are_typical_and_differ() -> None:
    pool = [
        suggestion("What is salt water?", "a", weight=0.9),
        suggestion("What is a harbour?", "b", weight=0.8),
        suggestion("When was Dover founded?", "a", weight=0.7),
        suggestion("Who built Calais castle?", "c", weight=0.6),
    ]
    assert examples(pool, "en", 3) == ("What is salt water?", "Who built Calais castle?", "What is a harbour?")
    assert examples(pool, "id") == ()
