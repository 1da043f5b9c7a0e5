"""Scoring, what the reader learns from, and the training step itself."""

import json
import random
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot import WordReader
from bot.evaluate import exact_and_f1, read_paragraphs, score_squad
from bot.examples import Example, Group, altered, as_typed, batches, elsewhere, epoch, read_own, read_squad, without
from corpus import EvaluationInvalid
from ui.cli import main

OWN = Path(__file__).parent / "eval" / "reading.jsonl"
PARAGRAPHS = [
    {
        "context": "Jembatan itu dibuka pada 1998. Jembatan lama ditutup pada 2003.",
        "qas": [
            {"question": "Kapan jembatan dibuka?", "answers": [{"text": "1998", "answer_start": 25}], "is_impossible": False},
            {"question": "Siapa yang membangunnya?", "answers": [], "is_impossible": True},
        ],
    }
]


@pytest.mark.parametrize(
    ("answer", "expected", "scores"),
    [
        ("", [], (1, 1)),
        ("1998", [], (0, 0)),
        ("", ["1998"], (0, 0)),
        ("Pada 1998.", ["pada 1998"], (1, 1)),
        ("pada 1998", ["1998"], (0, 2 / 3)),
        ("1998", ["2003", "1998"], (1, 1)),
    ],
)
def test_answers_are_scored_as_squad_does(answer: str, expected: list[str], scores: tuple[float, float]) -> None:
    assert exact_and_f1(answer, expected) == pytest.approx(scores)


def test_halves_are_scored_apart(tmp_path: Path) -> None:
    path = tmp_path / "squad.json"
    path.write_text(json.dumps(PARAGRAPHS), "utf-8")
    scores = score_squad(read_paragraphs(path), WordReader())
    assert scores["n"] == 2
    assert scores["unanswerable"] == {"exact": 1.0, "f1": 1.0}
    assert scores["answerable"]["f1"] == pytest.approx(1 / 3, abs=1e-4)
    assert scores["f1"] == pytest.approx((1 + 1 / 3) / 2, abs=1e-4)


@pytest.mark.parametrize("content", ["", "{", '{"data": 3}', '[{"context": "a"}]', "[]", '[{"context": "a", "qas": []}]'])
def test_a_file_of_another_shape_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(content, "utf-8")
    with pytest.raises(EvaluationInvalid, match=r"broken\.json"):
        read_paragraphs(path)
    ran = CliRunner().invoke(main, ["eval", "squad", str(path)])
    assert ran.exit_code == 1
    assert "broken.json" in ran.output


@pytest.mark.parametrize(
    ("question", "changed"),
    [
        ("Siapa yang datang pada 1998?", r"Siapa yang datang pada (1845|2003)\?"),
        ("Di mana jembatan terbesar?", r"Di mana jembatan terkecil\?"),
        ("Berapa orang di 12 kapal?", r"Berapa orang di (300|1845|2003) kapal\?"),
    ],
)
def test_an_altered_question_differs_in_one_thing_and_has_no_answer(question: str, changed: str) -> None:
    example = Example(question, "Tahun 1998 ada jembatan terbesar dan 12 kapal.", 0, 5)
    found = altered(example, ["Pada 1845 ada 300 orang.", "Sejak 2003 tidak ada."], random.Random(1))
    assert found is not None
    assert found.start == found.end
    assert re.fullmatch(changed, found.question)


def test_asked_elsewhere_a_question_meets_the_paragraph_most_like_its_own_that_lacks_the_answer() -> None:
    example = Example("Kapan?", "jembatan dibuka 1998", 16, 20)
    found = elsewhere(example, ["jembatan ini dibuka 1998 juga", "jembatan dibuka lama sekali", "kapal karam"], random.Random(1))
    assert found == Example("Kapan?", "jembatan dibuka lama sekali")


def test_without_its_sentence_a_question_has_no_answer_and_where_the_rest_repeats_it_there_is_no_such_example() -> None:
    text = "Jembatan itu panjang. Jembatan dibuka pada 1998 oleh Rini. Pada 2004 jembatan dicat."
    start = text.index("1998")
    assert without(Example("Kapan dibuka?", text, start, start + 4)) == Example(
        "Kapan dibuka?", "Jembatan itu panjang. Pada 2004 jembatan dicat."
    )
    assert without(Example("Kapan dibuka?", text + " Ya, 1998.", start, start + 4)) is None
    assert without(Example("Kapan dibuka?", "Dibuka 1998.", 7, 11)) is None


def test_an_answer_whose_offset_is_a_little_late_is_found(tmp_path: Path) -> None:
    answer = {"text": "1998", "answer_start": 20}
    question = {"question": "Kapan?", "is_impossible": False, "answers": [answer]}
    path = tmp_path / "squad.json"
    path.write_text(json.dumps([{"context": "Pada 1990 dan pada 1998 dibuka.", "qas": [question]}]), "utf-8")
    _, [[found]] = read_squad(path)
    assert found.context[found.start : found.end] == "1998"


def test_held_out_paragraphs_are_never_trained_on(tmp_path: Path) -> None:
    path = tmp_path / "squad.json"
    path.write_text(json.dumps([{**PARAGRAPHS[0], "context": f"{i} " + str(PARAGRAPHS[0]["context"])} for i in range(30)]), "utf-8")
    train, held = read_squad(path)
    own, own_held = read_own(OWN)
    groups = [Group(one) for one in (train, *own)]
    seen = {one.context for batch, _ in zip(batches(groups, 16, random.Random(1)), range(1_200), strict=False) for one in batch}
    assert len(held) == 3
    assert not seen & {one.context for dossier in [held, *own_held] for paragraph in dossier for one in paragraph}
    assert seen >= {one.context for dossier in [train, *own] for paragraph in dossier for one in paragraph}


def test_of_a_group_no_more_than_its_share_comes_in_an_epoch() -> None:
    paragraphs = [[Example(f"Kapan kapal {i} karam?", f"Kapal {i} karam.")] for i in range(400)]
    assert 50 < len(epoch([Group(paragraphs, 0.25)], random.Random(1))) < 150


def test_our_own_passages_mark_their_answers() -> None:
    train, held = read_own(OWN)
    examples = [one for dossiers in (train, held) for dossier in dossiers for paragraph in dossier for one in paragraph]
    answered = [one for one in examples if one.end > one.start]
    assert len(answered) > 1_500
    assert len(examples) - len(answered) > 1_500
    assert all(one.context[one.start : one.end].strip() for one in answered)
    assert as_typed(Example("Kapan RCDD?", "")).question == "kapan rcdd"
