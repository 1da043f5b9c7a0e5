"""Asks files of questions, and says how well they were found and answered.

A line of a file is an object with "question", and either "points" (of each point of the answer the alternatives, {doc_id, quote,
span?}; none where it should be refused) or "quote" and "doc_id" (words of the answer; a "kind" other than "plain" should be
refused). An "altered" form should be refused too. "lang" is by default that of the expected document, or as the question reads.

Right is an answer with all its points: a cited sentence of the expected document that holds the quote or, where one is given, the
span, numbers and dates in one form. Intervals are Wilson's, of 95 %.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.answer import Answer
from bot.bot import Bot
from corpus.errors import EvaluationInvalid
from corpus.numbers import numbers
from index.lexical import words

DEPTHS = (1, 3, 5, 10)
"""Of recall; the reciprocal rank counts to the deepest."""

Z = 1.96


class Expected(BaseModel):
    """One sentence that would do."""

    doc_id: str
    quote: str
    span: str | None = None


class Row(BaseModel):
    """A line of a file, as it is written."""

    model_config = ConfigDict(extra="ignore")
    question: str
    kind: str = "plain"
    lang: str | None = None
    language: str | None = None
    points: list[list[Expected]] | None = None
    doc_id: str | None = None
    quote: str | None = None
    altered: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and what a right answer has; no points where it should be refused."""

    question: str
    kind: str
    language: str
    points: tuple[tuple[Expected, ...], ...]


@dataclass(frozen=True, slots=True)
class Scored:
    """What came of a question. `cited` counts cited sentences, `gold` those that are expected ones, `literal` those that are slices."""

    asked: Asked
    refused: bool
    right: bool
    points: float
    sentences: int
    gold: int
    literal: int


def read_rows(path: Path) -> list[Asked]:
    """The questions of a file. Raises EvaluationInvalid."""
    try:
        lines = [(number, line) for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1) if line.strip()]
    except OSError as error:
        raise EvaluationInvalid(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise EvaluationInvalid(f"{path} is not UTF-8.") from error
    if not lines:
        raise EvaluationInvalid(f"{path} has no question.")
    found: list[Asked] = []
    for number, line in lines:
        try:
            found += _asked(Row.model_validate_json(line))
        except (ValidationError, ValueError) as error:
            place = ".".join(map(str, error.errors()[0]["loc"])) if isinstance(error, ValidationError) else str(error)
            wanted = "{question, kind?, lang?, points: [[{doc_id, quote, span?}]]} or {question, doc_id, quote}"
            raise EvaluationInvalid(f"Line {number} of {path} is not of the shape {wanted}: {place or 'no JSON'}.") from error
    return found


def _asked(row: Row) -> Iterable[Asked]:
    if row.points is None and row.kind == "plain" and (row.quote is None or row.doc_id is None):
        raise ValueError("neither points nor doc_id and quote")
    points = row.points
    if points is None:
        points = [[Expected(doc_id=row.doc_id, quote=row.quote)]] if row.kind == "plain" and row.doc_id and row.quote else []
    expected = next((one.doc_id[:2] for point in points for one in point), None)
    language = row.lang or row.language or (expected if expected in ("id", "en") else None) or "any"
    yield Asked(row.question, row.kind, language, tuple(tuple(point) for point in points))
    if row.altered:
        yield Asked(row.altered, "altered", language, ())


def score_retrieval(bot: Bot, rows: Sequence[Asked], language: str | None = None) -> dict[str, dict[str, float]]:
    """Of all, and by language: {n, document@1 …, document_mrr, passage@1 …, passage_mrr}; those to refuse are left out.

    A document is found where a passage of an expected document is; a passage, where it holds an expected quote.
    """
    ranks: dict[str, list[tuple[int | None, int | None]]] = {}
    for row in rows:
        if row.points:
            places = _ranks(bot, row, language)
            for group in dict.fromkeys(("all", row.language)):
                ranks.setdefault(group, []).append(places)
    return {
        group: {"n": len(places)} | _depths("document", [a for a, _ in places]) | _depths("passage", [b for _, b in places])
        for group, places in ranks.items()
    }


def _ranks(bot: Bot, row: Asked, language: str | None) -> tuple[int | None, int | None]:
    """At which place, from 1, an expected document and an expected passage first come."""
    expected = [one for point in row.points for one in point]
    vector = bot.retriever.embedder.embed_queries([row.question])
    hits = bot.retriever.search_vector(row.question, vector, DEPTHS[-1], language)
    document = next((at for at, hit in enumerate(hits, 1) if any(hit.chunk.doc_id == one.doc_id for one in expected)), None)
    passage = next(
        (at for at, hit in enumerate(hits, 1) if any(hit.chunk.doc_id == one.doc_id and one.quote in hit.chunk.text for one in expected)),
        None,
    )
    return document, passage


def _depths(name: str, ranks: Sequence[int | None]) -> dict[str, float]:
    shares = {f"{name}@{depth}": sum(rank is not None and rank <= depth for rank in ranks) / len(ranks) for depth in DEPTHS}
    return {key: round(share, 4) for key, share in shares.items()} | {
        f"{name}_mrr": round(sum(1 / rank for rank in ranks if rank) / len(ranks), 4)
    }


def ask_all(bot: Bot, rows: Iterable[Asked]) -> Iterable[tuple[Scored, Answer]]:
    """Ask them one after the other."""
    for row in rows:
        answer = bot.ask(row.question, language=row.language if row.language in ("id", "en") else None)
        yield score_answer(bot, row, answer), answer


def score_answer(bot: Bot, row: Asked, answer: Answer) -> Scored:
    """One answer against what was expected of it. A reply to small talk counts as a refusal: it claims nothing."""
    said = [(citation.doc_id, citation.quote) for citation in answer.citations]
    refused = answer.refused or answer.is_courtesy
    held = [any(_holds(doc_id, quote, one) for doc_id, quote in said for one in point) for point in row.points]
    gold = sum(any(_holds(doc_id, quote, one) for point in row.points for one in point) for doc_id, quote in said)
    literal = sum(bot.version.document(one.doc_id).text[one.start : one.end] == one.quote for one in answer.citations)
    return Scored(
        asked=row,
        refused=refused,
        right=all(held) and not refused if held else refused,
        points=sum(held) / len(held) if held else float(refused),
        sentences=len(said),
        gold=gold,
        literal=literal,
    )


def _holds(doc_id: str, quote: str, expected: Expected) -> bool:
    """Whether the sentence is the expected one, or one of that document that holds its span."""
    if doc_id != expected.doc_id:
        return False
    if expected.quote in quote:
        return True
    if not expected.span:
        return False
    language = doc_id[:2]
    text = f" {' '.join(words(quote))} "
    return f" {' '.join(words(expected.span))} " in text and numbers(expected.span, language) <= numbers(quote, language)


def summary(scored: Sequence[Scored]) -> dict[str, Any]:
    """{answers, refusals, by_kind, by_language}.

    `answers`: n, right and its interval, points, answered, sentences an answer, citation_precision (expected ones of the cited),
    literal. `refusals`: n to refuse, precision and recall with their intervals.
    """
    answerable = [one for one in scored if one.asked.points]
    return {
        "answers": _answers(answerable),
        "refusals": _refusals(scored),
        "by_kind": {kind: _group([one for one in scored if one.asked.kind == kind]) for kind in sorted({one.asked.kind for one in scored})},
        "by_language": {
            language: {"answers": _answers([one for one in part if one.asked.points]), "refusals": _refusals(part)}
            for language in sorted({one.asked.language for one in scored})
            for part in [[one for one in scored if one.asked.language == language]]
        },
    }


def _answers(scored: Sequence[Scored]) -> dict[str, Any]:
    answered = [one for one in scored if not one.refused]
    cited = sum(one.sentences for one in answered)
    return _share("right", sum(one.right for one in scored), len(scored)) | {
        "points": _ratio(sum(one.points for one in scored), len(scored)),
        "answered": _ratio(len(answered), len(scored)),
        "sentences": _ratio(cited, len(answered)),
        "citation_precision": _ratio(sum(one.gold for one in answered), cited),
        "literal": _ratio(sum(one.literal for one in answered), cited),
    }


def _refusals(scored: Sequence[Scored]) -> dict[str, Any]:
    due = [one for one in scored if not one.asked.points]
    right = sum(one.refused for one in due)
    precision = _share("precision", right, sum(one.refused for one in scored))
    recall = _share("recall", right, len(due))
    return {"n": len(due), "precision": precision["precision"], "precision_interval": precision["interval"]} | {
        "recall": recall["recall"],
        "recall_interval": recall["interval"],
    }


def _group(scored: Sequence[Scored]) -> dict[str, Any]:
    count = Counter(refused=sum(one.refused for one in scored), sentences=sum(one.sentences for one in scored))
    return _share("right", sum(one.right for one in scored), len(scored)) | {
        "points": _ratio(sum(one.points for one in scored), len(scored)),
        "refused": _ratio(count["refused"], len(scored)),
        "sentences": _ratio(count["sentences"], len(scored)),
    }


def _share(name: str, count: int, of: int) -> dict[str, Any]:
    return {"n": of, name: _ratio(count, of), "interval": wilson(count, of)}


def _ratio(count: float, of: int) -> float | None:
    return round(count / of, 4) if of else None


def wilson(count: int, of: int) -> tuple[float, float]:
    """The interval of 95 % of a share; (0, 1) of nothing."""
    if not of:
        return 0.0, 1.0
    share, spread = count / of, Z * Z / of
    middle = (share + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * math.sqrt(share * (1 - share) / of + spread / of / 4)
    return round(max(0.0, middle - half), 4), round(min(1.0, middle + half), 4)


def as_lines(found: dict[str, Any]) -> list[str]:
    """A summary or scores of retrieval, a line a group."""
    return [f"{name:14} {json.dumps(part)}" for name, part in found.items() if name not in ("by_kind", "by_language")] + [
        f"{name:14} {json.dumps(part)}" for group in ("by_kind", "by_language") for name, part in found.get(group, {}).items()
    ]
