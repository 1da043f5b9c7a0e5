"""Fits what `bot/read.py` weighs with: `python -m tests.eval.fit FILE [FILE …]`, on questions that nothing is reported on.

Files as `tests.eval` takes them. Two fits, each also printed for five parts of the questions, none of which it was fitted on:
the weights of a sentence's features, so that a right sentence comes first among all of the passages read; and those of the
best sentence's margin, cosine and lead, so that what is answered is right.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from bot import Bot, open_bot, read_config
from bot.question import Question, read_question
from bot.read import FEATURES, Candidate, absent, candidates, with_spans
from index import text_to_embed

FOLDS = 5
Row = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A question, its candidates, and which of them are right; none are where it should be refused."""

    question: Question
    answerable: bool
    found: list[Candidate]
    right: NDArray[np.bool_]

    @property
    def features(self) -> NDArray[np.float64]:
        return np.array([one.features for one in self.found])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    lines = [line for path in parser.parse_args().files for line in path.read_text("utf-8").splitlines()]
    rows = [json.loads(line) for line in lines if line.strip()]
    bot = open_bot(read_config())
    asked = [one for row in rows for one in ask(bot, row)]
    weights = fit_sentences(asked)
    fit_decision(bot, asked, weights)


def ask(bot: Bot, row: Row) -> list[Asked]:
    """The question and, where it has one, its altered form."""
    forms = [(row["question"], bool(row.get("points", row.get("kind", "plain") == "plain")))]
    forms += [(row["altered"], False)] if "altered" in row else []
    found = []
    for text, answerable in forms:
        question = read_question(text, 10_000, row.get("lang") or row.get("language"))
        vector = bot.retriever.embedder.embed_queries([question.text])
        hits = bot.retriever.search_vector(question.text, vector, bot.config.passages, question.language)
        unread = candidates(question, vector, hits, bot.version)
        sentences = with_spans(question, unread, list(dict.fromkeys(one.chunk.chunk_id for one in unread)), bot.version, bot.reader)
        right = np.array([answerable and is_right(bot, row, one) for one in sentences], dtype=np.bool_)
        found.append(Asked(question, answerable, sentences, right))
    return found


def is_right(bot: Bot, row: Row, candidate: Candidate) -> bool:
    sentence = bot.version.sentences[candidate.row]
    text = bot.version.documents[sentence.doc_id].text[sentence.start : sentence.end]
    if "points" in row:
        return any((one["doc_id"], one["quote"]) == (sentence.doc_id, text) for point in row["points"] for one in point)
    return row["quote"] in text


def fit_sentences(asked: list[Asked]) -> NDArray[np.float64]:
    known = [one for one in asked if one.answerable and one.right.any()]
    total = sum(one.answerable for one in asked)
    print(f"{total} answerable questions; of {len(known)} a right sentence is among the passages")
    print(
        "  first as it stands",
        round(float(np.mean([one.right[0] for one in known])), 3),
        "; fitted on the rest",
        np.mean([first(*part) for part in held_out(known)]),
    )
    weights = softmax_fit(known)
    print("  weights", dict(zip(FEATURES, weights.round(2).tolist(), strict=True)), "; first, fitted on all", first(known, weights))
    for i, name in enumerate(FEATURES):
        print(f"  without {name}: {np.mean([first(*part) for part in held_out(known, drop=i)]):.3f}")
    return weights


def held_out(known: list[Asked], drop: int | None = None) -> list[tuple[list[Asked], NDArray[np.float64]]]:
    """(part, weights fitted on the other parts) of each part."""
    return [(known[k::FOLDS], softmax_fit([one for i, one in enumerate(known) if i % FOLDS != k], drop)) for k in range(FOLDS)]


def first(known: list[Asked], weights: NDArray[np.float64]) -> float:
    return round(float(np.mean([one.right[np.argmax(one.features @ weights)] for one in known])), 3)


def softmax_fit(known: list[Asked], drop: int | None = None) -> NDArray[np.float64]:
    """Weights under which the right sentences get most of a softmax over all; a little of a ridge keeps them finite."""
    tables = [one.features for one in known]
    scale = np.concatenate(tables).std(axis=0) + 1e-9

    def loss(w: NDArray[np.float64]) -> float:
        w = w if drop is None else np.where(np.arange(len(w)) == drop, 0, w)
        total = 0.01 * float(w @ w) * len(known)
        for table, one in zip(tables, known, strict=True):
            scores = (table / scale) @ w
            total -= np.logaddexp.reduce(scores[one.right]) - np.logaddexp.reduce(scores)
        return total / len(known)

    start = np.ones(len(scale))
    if drop is not None:
        start[drop] = 0
    return np.asarray(minimize(loss, start, method="L-BFGS-B").x / scale)


def fit_decision(bot: Bot, asked: list[Asked], weights: NDArray[np.float64]) -> None:
    table, labels = [], []
    for one in asked:
        if not one.found:
            continue
        best = int(np.argmax(one.features @ weights))
        chunk = one.found[best].chunk
        passage = text_to_embed(chunk, bot.version.documents[chunk.doc_id].title)
        if one.found[best].conflict or absent(one.question, passage, bot.retriever.embedder):
            continue
        scores = np.sort(one.features @ weights)
        table.append([one.found[best].margin, one.found[best].cosine, scores[-1] - scores[-2:][0]])
        labels.append(bool(one.right[best]))
    known, answerable = np.array(table), np.array(labels)
    for columns in ([0], [1], [0, 1], [0, 1, 2]):
        chances = np.zeros(len(known))
        for k in range(FOLDS):
            rest = np.arange(len(known)) % FOLDS != k
            fitted = logistic(known[rest][:, columns], answerable[rest])
            chances[~rest] = fitted.predict_proba(known[~rest][:, columns])[:, 1]
        fitted = logistic(known[:, columns], answerable)
        print([("margin", "cosine", "lead")[i] for i in columns], "weights", fitted.coef_[0].round(3), "bias", fitted.intercept_.round(3))
        for threshold in (0.3, 0.4, 0.5, 0.6, 0.7):
            refused = chances < threshold
            shares = refused[answerable].mean(), refused[~answerable].mean()
            print(f"  below {threshold} refused: of the rightly answered {shares[0]:.3f}, of the rest {shares[1]:.3f}")


def logistic(table: NDArray[np.float64], labels: NDArray[np.bool_]) -> LogisticRegression:
    return LogisticRegression(C=1000, max_iter=5000).fit(table, labels)


if __name__ == "__main__":
    main()
