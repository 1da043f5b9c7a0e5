"""Scores answers as SQuAD 2.0 and IDK-MRC do: exact match and F1 of words, with "no answer" as an empty text.

Articles are not dropped from answers: Indonesian has none. Punctuation, case and runs of space do not count.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

from pydantic import BaseModel, TypeAdapter, ValidationError

from bot.reader import Reader, answers, whole
from corpus.errors import EvaluationInvalid

_NOT_A_WORD = re.compile(r"[^\w\s]|_")


def exact_and_f1(answer: str, expected: Sequence[str]) -> tuple[float, float]:
    """(exact match, F1) of the best of the `expected`; none or only empty ones mean that there is no answer."""
    pairs = [_scores(answer, one) for one in expected or [""]]
    return max(exact for exact, _ in pairs), max(f1 for _, f1 in pairs)


def _scores(answer: str, expected: str) -> tuple[float, float]:
    said, wanted = _words(answer), _words(expected)
    if not said or not wanted:
        return (float(said == wanted),) * 2
    shared = sum((Counter(said) & Counter(wanted)).values())
    return float(said == wanted), 2 * shared / (len(said) + len(wanted))


def _words(text: str) -> list[str]:
    return _NOT_A_WORD.sub("", text.lower()).split()


class SquadAnswer(BaseModel):
    """One of the texts that count as right."""

    text: str


class SquadQuestion(BaseModel):
    """A question; without answers it is unanswerable."""

    question: str
    answers: list[SquadAnswer] = []


class SquadParagraph(BaseModel):
    """A text with its questions."""

    context: str
    qas: list[SquadQuestion]


class Scores(TypedDict):
    """Shares of one."""

    exact: float
    f1: float


_PARAGRAPHS = TypeAdapter(list[SquadParagraph])


def read_paragraphs(path: Path) -> list[SquadParagraph]:
    """A file of IDK-MRC's shape, or of SQuAD's. Raises EvaluationInvalid."""
    try:
        content = json.loads(path.read_text("utf-8"))
        if isinstance(content, dict):
            content = [paragraph for article in content.get("data", []) for paragraph in article["paragraphs"]]
        found = _PARAGRAPHS.validate_python(content)
    except OSError as error:
        raise EvaluationInvalid(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        wanted = "[{context, qas: [{question, answers: [{text}]}]}]"
        place = f" at {'.'.join(map(str, error.errors()[0]['loc']))}" if isinstance(error, ValidationError) else ""
        raise EvaluationInvalid(f"{path} is not of the shape {wanted}{place}.") from error
    if not any(paragraph.qas for paragraph in found):
        raise EvaluationInvalid(f"{path} has no question.")
    return found


def score_squad(paragraphs: Sequence[SquadParagraph], reader: Reader) -> dict[str, Any]:
    """{exact, f1, answerable: {exact, f1}, unanswerable: {exact, f1}, n}, in shares of one, at the threshold as shipped."""
    halves: dict[str, list[tuple[float, float]]] = {"answerable": [], "unanswerable": []}
    for paragraph in paragraphs:
        for question in paragraph.qas:
            span = reader.read(question.question, [whole(paragraph.context)])[0][0]
            said = paragraph.context[span.start : span.end] if answers(span) else ""
            half = "answerable" if question.answers else "unanswerable"
            halves[half].append(exact_and_f1(said, [answer.text for answer in question.answers]))
    every = halves["answerable"] + halves["unanswerable"]
    return {**_mean(every), **{half: _mean(scores) for half, scores in halves.items()}, "n": len(every)}


def _mean(scores: Sequence[tuple[float, float]]) -> Scores:
    count = max(1, len(scores))
    return {"exact": round(sum(exact for exact, _ in scores) / count, 4), "f1": round(sum(f1 for _, f1 in scores) / count, 4)}
