"""The shipped corpus can be asked: two questions a topic and language, with the document and the words that were expected."""

import json
from pathlib import Path

import pytest

from bot import Bot
from corpus import load_corpus
from tests.conftest import DOCUMENTS
from tests.eval.__main__ import score

QUESTIONS = [json.loads(line) for line in (Path(__file__).parent / "eval" / "articles.jsonl").read_text("utf-8").splitlines()]


def test_every_expected_quote_stands_in_its_document() -> None:
    texts = {document.doc_id: document.text for document in load_corpus(DOCUMENTS).documents}
    assert len(QUESTIONS) >= 140
    assert [row["question"] for row in QUESTIONS if row["quote"] not in texts[row["doc_id"]]] == []
    assert {row["doc_id"] for row in QUESTIONS} == set(texts)


@pytest.mark.model
def test_the_expected_document_comes_first_and_its_words_are_in_the_answer(shipped_bot: Bot) -> None:
    found = score(shipped_bot, QUESTIONS)
    assert found["document_first"] >= 0.87  # guards against falling; the goals are 0.90 and 0.80 (see tests/eval/LOG.md)
    assert found["quote_in_answer"] >= 0.74
