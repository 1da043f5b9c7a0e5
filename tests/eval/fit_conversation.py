"""Fits what `bot/converse.py` weighs whether a turn leans on the conversation with: `python -m tests.eval.fit_conversation FILE …
[--questions FILE …]`, on conversations and questions that nothing is reported on.

A turn is asked twice, once with slips of the fingers. Beside the topic changes of the conversations themselves, each turn's standalone
form, and each of the questions, is asked after some turn of a conversation on something else. In five parts, by conversation.
"""

import argparse
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from bot import Bot, Turn, open_bot, read_config
from bot.converse import EVIDENCE, follow
from bot.normalise import plain
from tests.eval.conversations import STANDING, cited, slip

FOLDS, SEED = 5, 1
WEIGHT = {"leans": 1.0, "topic change": 2.0, "made": 0.3}
"""Of a turn by its kind: topic changes are rarer, those made of questions easier."""


@dataclass(frozen=True)
class Weighed:
    """A turn: of which conversation, of which kind, what told, and whether the weights as they stand let it lean."""

    group: int
    kind: str
    evidence: tuple[float, ...]
    leant: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--questions", nargs="*", default=[], type=Path)
    options = parser.parse_args()
    bot, conversations, questions = open_bot(read_config()), rows(options.files), rows(options.questions)
    found = [one for messy in (False, True) for one in weighed(bot, conversations, questions, messy)]
    table, leans = np.array([one.evidence for one in found], float), np.array([one.kind == "leans" for one in found])
    weight, group = np.array([WEIGHT[one.kind] for one in found]), np.array([one.group for one in found])
    print("as it stands", shares(found, np.array([one.leant for one in found])))
    print("in parts    ", shares(found, in_parts(table, leans, weight, group)))
    for i, name in enumerate(EVIDENCE):
        print(f"  without {name:15}", shares(found, in_parts(np.delete(table, i, axis=1), leans, weight, group)))
    fitted = fit(table, leans, weight)
    print("weights", dict(zip(EVIDENCE, fitted.coef_[0].round(2).tolist(), strict=True)), "bias", fitted.intercept_.round(2))


def rows(files: list[Path]) -> list[dict[str, Any]]:
    return [json.loads(line) for path in files for line in path.read_text("utf-8").splitlines() if line.strip()]


def weighed(bot: Bot, conversations: list[dict[str, Any]], questions: list[dict[str, Any]], messy: bool) -> list[Weighed]:
    """The turns of the conversations that the weights decide, and those made of standalone questions."""
    found, histories = [], []
    for group, row in enumerate(conversations):
        history: list[Turn] = []
        for turn in row["turns"]:
            if turn["kind"] != "first":
                found += ask(bot, history, turn["question"], group, "topic change" if turn["kind"] in STANDING else "leans", messy)
            history = [*history, Turn("user", turn["question"]), Turn("assistant", cited(turn["quote"]))]
            histories.append((history, about(turn["doc_ids"])))
    alone = [(group, turn["standalone"], about(turn["doc_ids"])) for group, row in enumerate(conversations) for turn in row["turns"]]
    alone += [(i, one["question"], about(p["doc_id"] for point in one["points"] for p in point)) for i, one in enumerate(questions)]
    dice = random.Random(SEED)
    for group, question, subject in alone:
        history, before = dice.choice(histories)
        if not subject & before:
            found += ask(bot, history, question, group, "made", messy)
    return found


def about(doc_ids: Any) -> set[str]:
    """The subjects of documents, whatever their language."""
    return {doc_id.split(".", 1)[1] for doc_id in doc_ids}


def ask(bot: Bot, history: list[Turn], question: str, group: int, kind: str, messy: bool) -> list[Weighed]:
    """The turn, if it is one that has to be weighed."""
    spoken = [Turn("user", typed(bot, one.content, messy)) if one.role == "user" else one for one in history]
    said = typed(bot, question, messy)
    last = follow(said, spoken, bot.version.vocabulary, bot.retriever.nearness)
    return [Weighed(group, kind, last.evidence, last.said != said)] if last.evidence else []


def typed(bot: Bot, question: str, messy: bool) -> str:
    return plain(slip(question) if messy else question, bot.version.vocabulary, bot.version.full_forms)


def shares(found: list[Weighed], leant: np.ndarray[Any, Any]) -> str:
    """Of each kind, the share that is decided rightly."""
    kinds = np.array([one.kind for one in found])
    return "; ".join(
        f"{kind} {(leant if kind == 'leans' else ~leant)[kinds == kind].mean():.3f} of {(kinds == kind).sum()}" for kind in WEIGHT
    )


def in_parts(table: Any, leans: Any, weight: Any, group: Any) -> np.ndarray[Any, Any]:
    """Of each turn whether it leans, by the weights of the other parts."""
    found = np.zeros(len(leans), bool)
    for k in range(FOLDS):
        part = group % FOLDS == k
        found[part] = fit(table[~part], leans[~part], weight[~part]).decision_function(table[part]) > 0
    return found


def fit(table: Any, leans: Any, weight: Any) -> LogisticRegression:
    """Of evenly scaled evidence, so that the little ridge bears on all alike; the weights are those of the evidence as it is."""
    mean, scale = table.mean(axis=0), table.std(axis=0) + 1e-9
    fitted = LogisticRegression(max_iter=2000).fit((table - mean) / scale, leans, sample_weight=weight)
    fitted.intercept_ = fitted.intercept_ - (fitted.coef_[0] * mean / scale).sum()
    fitted.coef_ = fitted.coef_ / scale
    return fitted


if __name__ == "__main__":
    main()
