"""Hits to answers: whatever is asked, every quote is a literal slice of its source."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot import Answer, Bot, WordReader, read_config
from bot.cite import is_literal
from bot.question import read_question
from bot.reader import Passage, Span
from corpus.errors import QuestionInvalid, QuestionTooLong, SettingsInvalid
from tests.conftest import Writer, toy_bot

SNAPSHOT = Path(__file__).parent / "answer-schema.json"
TEXTS = {
    "en/moon.md": "---\nsources: {s1: {title: Almanac, publisher: P, date: 1999}}\n---\n"
    "The moon has no air.[^s1] Twelve people walked on the moon.",
    "en/sea.md": "The sea is salt. <b>Waves</b> come from wind.",
    "en/tides.md": "The tide rises because of the moon. The tide falls because the earth turns. The tide rises twice a day.",
    "id/laut.md": "Laut terasa asin. Ombak datang dari angin.",
}


@pytest.fixture
def bot(write: Writer, tmp_path: Path) -> Bot:
    for name, text in TEXTS.items():
        write(name, text)
    return toy_bot(write.folder, tmp_path / "index")


def agree(answer: Answer, bot: Bot) -> bool:
    """The promise: text, citations, offsets and quotes say one thing."""
    numbers = [citation.number for citation in answer.citations]
    cited = [number for sentence in answer.sentences for number in sentence.citations]
    quotes = {citation.number: citation.quote for citation in answer.citations}
    claims_nothing = answer.refused or answer.is_courtesy
    return (
        numbers == list(range(1, len(numbers) + 1)) == cited
        and all(bot.version.document(c.doc_id).text[c.start : c.end] == c.quote for c in answer.citations)
        and all(c.start <= (c.answer_start or c.start) <= (c.answer_end or c.end) <= c.end for c in answer.citations)
        and all(sentence.text == quotes[sentence.citations[0]] and sentence.verdict == "verbatim" for sentence in answer.sentences)
        and (claims_nothing or answer.answer == " ".join(f"{s.text} [{s.citations[0]}]" for s in answer.sentences))
        and claims_nothing == (not answer.sentences)
        and len(answer.sentences) <= bot.config.max_sentences
        and all(bot.version.document(n.doc_id).text[n.start : n.end] == n.quote for n in answer.nearest)
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.text(min_size=1),
        st.lists(st.sampled_from(["moon", "sea", "waves", "people", "walked", "wind", "1999", "?", "laut", "ombak"])).map(" ".join),
    )
)
@example("TQ")  # a courtesy
def test_every_answer_agrees_with_itself_and_its_sources(bot: Bot, question: str) -> None:
    try:
        answer = bot.ask(question)
    except QuestionInvalid:
        return
    assert agree(answer, bot)
    assert Answer.model_validate_json(answer.model_dump_json()) == answer


def test_an_answer_quotes_its_sentence_and_names_the_source_of_that_sentence(bot: Bot) -> None:
    answer = bot.ask("Has the moon no air?")
    assert not answer.refused
    assert answer.citations[0].quote == "The moon has no air."
    assert [source.title for source in answer.citations[0].sources] == ["Almanac"]


def test_a_citation_that_is_no_slice_is_dropped(bot: Bot) -> None:
    citation = bot.ask("Has the moon no air?").citations[0]
    found = {hit.chunk.chunk_id: hit for hit in bot.search("moon", 8)}
    assert is_literal(citation, bot.version, found)
    for change in (
        {"quote": "The moon has air."},
        {"start": 1},
        {"end": 10**6},
        {"doc_id": "en.nowhere"},
        {"doc_id": "en.sea"},
        {"chunk_id": "other"},
    ):
        assert not is_literal(citation.model_copy(update=change), bot.version, found)


def test_a_question_for_several_gets_several_in_reading_order(bot: Bot) -> None:
    answer = bot.ask("Explain why the tide rises and the tide falls")
    assert len(answer.sentences) > 1
    assert [citation.start for citation in answer.citations] == sorted(citation.start for citation in answer.citations)
    assert 1 <= len(bot.ask("When does the tide rise?").sentences) <= 2


def test_half_a_character_is_refused(bot: Bot) -> None:
    with pytest.raises(QuestionInvalid, match="Unicode"):
        bot.ask("moon \ud800")


def test_a_refusal_is_in_the_askers_language(bot: Bot) -> None:
    assert bot.ask("Siapa penemu mesin cetak?").answer.startswith("Maaf")
    assert bot.ask("Who invented the printing press?").answer.startswith("Sorry")
    assert bot.ask("Who invented the printing press?", language="id").answer.startswith("Maaf")


@pytest.mark.parametrize("question", ["", "   ", "?!…", "\u200b", "🙂"])
def test_nothing_to_answer(bot: Bot, question: str) -> None:
    with pytest.raises(QuestionInvalid, match="no words"):
        bot.ask(question)


def test_too_much_to_read(bot: Bot) -> None:
    with pytest.raises(QuestionTooLong, match="20,000"):
        bot.ask("x" * 20_000)


def test_a_language_that_is_not_spoken(bot: Bot) -> None:
    with pytest.raises(QuestionInvalid, match="id, en"):
        bot.ask("Bonjour", language="fr")


def test_the_schema_is_the_one_that_was_agreed() -> None:
    assert Answer.model_json_schema() == json.loads(SNAPSHOT.read_text("utf-8"))


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Kapan RCDD digelar?", "id"),
        ("When was RCDD held?", "en"),
        ("What does diplomasi membumi mean?", "en"),
        ("hasilnya apa", "id"),
        ("RCDD 2019 outcome", "en"),
        ("Apa itu Digital Command Center?", "id"),
    ],
)
def test_the_language_of_a_question(question: str, language: str) -> None:
    assert read_question(question, 100).language == language


def test_a_tie_goes_to_the_conversations_language() -> None:
    assert read_question("RCDD 2019?", 100, conversation="id").language == "id"


def test_settings_come_from_file_environment_and_command_line_in_that_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tanya.toml").write_text("port = 1111\npassages = 3\nhost = 'a'\n")
    monkeypatch.setenv("TANYA_PORT", "2222")
    monkeypatch.setenv("TANYA_HOST", "b")
    config = read_config(host="c", index=None)
    assert (config.port, config.passages, config.host) == (2222, 3, "c")


@pytest.mark.parametrize(
    ("toml", "environment", "named"),
    [
        ("prot = 1", {}, "prot"),
        ("port = 70000", {}, "port"),
        ("port = ", {}, "tanya.toml"),
        ("", {"TANYA_PROT": "1"}, "TANYA_PROT"),
        ("", {"TANYA_PORT": "many"}, "port"),
    ],
)
def test_an_unknown_or_impossible_setting_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toml: str, environment: dict[str, str], named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tanya.toml").write_text(toml)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid, match=named):
        read_config()


def test_a_few_passages_are_read_those_that_look_best_and_without_their_headings(write: Writer, tmp_path: Path) -> None:
    for number in range(6):
        write(f"en/harbour{number}.md", f"# Harbours\n\n## Harbour {number}\n\nHarbour {number} has {number + 20} cranes.\n")
    read_texts: list[str] = []

    class Noting(WordReader):
        def read(self, question: str, passages: Sequence[Passage]) -> list[list[Span]]:
            read_texts.extend(text for text, _ in passages)
            return super().read(question, passages)

    bot = replace(toy_bot(write.folder, tmp_path / "index"), reader=Noting())
    answer = bot.ask("How many cranes has harbour 4?", language="en")
    assert [citation.quote for citation in answer.citations] == ["Harbour 4 has 24 cranes."]
    assert answer.citations[0].start == bot.version.documents["en.harbour4"].text.index("Harbour 4 has")
    assert "Harbour 4 has 24 cranes." in read_texts[:2]
    assert len(read_texts) <= 3
    assert not any("Harbours" in text for text in read_texts)
