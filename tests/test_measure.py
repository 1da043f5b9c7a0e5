"""`tanya eval retrieval` and `tanya eval questions`: what counts as right, found, and rightly refused."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot import Bot
from bot.measure import ask_all, read_rows, score_retrieval, summary, wilson
from corpus import EvaluationInvalid
from tests.conftest import Writer, toy_bot
from ui.cli import main

MOON = {"doc_id": "en.moon", "quote": "The moon has no air at all."}
ROWS = [
    {"question": "Has the moon no air at all?", "kind": "fact", "lang": "en", "points": [[MOON]]},
    {"question": "How many people walked on the moon?", "kind": "fact", "lang": "en", "points": [[MOON]]},
    {
        "question": "How many people walked on the moon?",
        "kind": "fact",
        "lang": "en",
        "points": [[{"doc_id": "en.moon", "quote": "no such sentence", "span": "12 people"}]],
    },
    {"question": "Who sells quantum rockets to Neptune?", "kind": "offtopic", "lang": "en", "points": []},
    {"question": "Has the moon no air at all?", "kind": "altered", "lang": "en", "points": []},
    {"question": "hello", "kind": "offtopic", "lang": "en", "points": []},
]


@pytest.fixture
def bot(write: Writer, tmp_path: Path) -> Bot:
    write("en/moon.md", "The moon has no air at all. Some 12 people walked on the moon.")
    write("en/sea.md", "The sea is salt. Waves come from wind.")
    return toy_bot(write.folder, tmp_path / "index")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)), "utf-8")
    return path


def test_an_answer_is_right_that_cites_the_expected_document_with_the_quote_or_the_span(bot: Bot, file: Path) -> None:
    scored = [one for one, _ in ask_all(bot, read_rows(file))]
    assert [one.right for one in scored] == [True, False, True, True, False, True]


def test_precision_and_recall_of_refusals_and_of_citations(bot: Bot, file: Path) -> None:
    found = summary([one for one, _ in ask_all(bot, read_rows(file))])
    assert found["answers"]["n"] == 3
    assert found["answers"]["right"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["answers"]["literal"] == 1.0
    assert 0 < found["answers"]["citation_precision"] < 1
    assert (found["refusals"]["n"], found["refusals"]["precision"]) == (3, 1.0)
    assert found["refusals"]["recall"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["by_kind"]["altered"]["right"] == 0.0
    assert list(found["by_language"]) == ["en"]


def test_retrieval_counts_documents_and_passages_that_hold_the_quote(bot: Bot, file: Path) -> None:
    found = score_retrieval(bot, read_rows(file))
    assert found["all"]["n"] == 3
    assert (found["all"]["document@1"], found["all"]["document_mrr"]) == (1.0, 1.0)
    assert found["all"]["passage@10"] == pytest.approx(2 / 3, abs=1e-4)


def test_the_other_shape_of_file_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "plain.jsonl"
    path.write_text(json.dumps({"question": "Air?", "altered": "Wine?", "doc_id": "en.moon", "quote": "no air"}), "utf-8")
    assert [(one.question, one.kind, one.language, len(one.points)) for one in read_rows(path)] == [
        ("Air?", "plain", "en", 1),
        ("Wine?", "altered", "en", 0),
    ]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"question": 3, "points": []}', '{"question": "a"}', '{"question": "a", "points": [{}]}']
)
def test_a_file_of_another_shape_is_named_with_its_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text(content, "utf-8")
    with pytest.raises(EvaluationInvalid, match=r"broken\.jsonl"):
        read_rows(path)
    for command in ("retrieval", "questions"):
        ran = CliRunner().invoke(main, ["eval", command, str(path)])
        assert ran.exit_code == 1
        assert "broken.jsonl" in ran.output


@pytest.mark.parametrize(
    ("count", "of", "interval"), [(0, 0, (0, 1)), (8, 10, (0.4902, 0.9433)), (10, 10, (0.7225, 1.0)), (0, 10, (0.0, 0.2775))]
)
def test_intervals_are_wilsons(count: int, of: int, interval: tuple[float, float]) -> None:
    assert wilson(count, of) == pytest.approx(interval, abs=1e-3)


def test_the_commands_print_one_document_of_json(bot: Bot, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.cli._open_bot", lambda _: bot)
    ran = CliRunner().invoke(main, ["eval", "questions", str(file), "--json", "--kind", "fact"])
    assert json.loads(ran.stdout)["answers"]["n"] == 3
    ran = CliRunner().invoke(main, ["eval", "questions", str(file), "--wrong"])
    assert "wanted: The moon has no air at all." in ran.stderr
    ran = CliRunner().invoke(main, ["eval", "retrieval", str(file), "--json"])
    assert json.loads(ran.stdout)["en"]["n"] == 3
