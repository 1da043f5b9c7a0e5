"""Fits the constants that decide whether to answer: `python -m tests.eval.fit train.json`.

On the tenth of IDK-MRC's training paragraphs that the reader was not trained on: answerable questions against the
same ones altered in a year, number or name, the data's own unanswerable ones, and ones asked of another paragraph.
Prints the logistic regression for `bot/read.py` and what each threshold costs.
"""

import argparse
import random
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from bot import SpanReader, open_embedder, open_encoder, read_config
from bot.examples import Example, altered, read_squad
from bot.question import read_question
from bot.read import NO_WORDS, links

WEIGHT = {"answerable": 1.0, "altered": 1.0, "unanswerable": 0.5, "other": 0.3}
"""Other paragraphs are easy and many; unanswerable ones are harder than what people ask."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    _, held = read_squad(parser.parse_args().data)
    dice = random.Random(7)
    config = read_config()
    encoder = open_encoder(config)
    embedder, reader = open_embedder(config, encoder), SpanReader(encoder)
    features, kinds = [], []
    for kind, example in cases(held, dice):
        span = reader.read(example.question, [example.context])[0]
        linked = links(read_question(example.question, 10_000, "id"), embedder, example.context)
        features.append([span.margin, min(linked.values(), default=NO_WORDS)])
        kinds.append(kind)
    table, labels = np.array(features), np.array(kinds)
    weights = np.array([WEIGHT[kind] for kind in kinds])
    names = ["margin", "link"]
    for columns in ([0], [1], [0, 1]):
        fitted = LogisticRegression(C=1000, max_iter=5000).fit(table[:, columns], labels == "answerable", sample_weight=weights)
        chance = fitted.predict_proba(table[:, columns])[:, 1]
        print([names[i] for i in columns], "weights", fitted.coef_[0].round(3), "bias", fitted.intercept_.round(3))
        for threshold in (0.2, 0.3, 0.4, 0.5, 0.6):
            print("  refused below", threshold, {kind: round(float((chance[labels == kind] < threshold).mean()), 3) for kind in WEIGHT})


def cases(paragraphs: list[list[Example]], dice: random.Random) -> list[tuple[str, Example]]:
    """(kind, example) of each kind, from paragraphs that were held back."""
    contexts = [paragraph[0].context for paragraph in paragraphs if paragraph]
    found: list[tuple[str, Example]] = []
    for paragraph in paragraphs:
        for example in paragraph:
            if example.end == example.start:
                found.append(("unanswerable", example))
                continue
            found.append(("answerable", example))
            other = dice.choice(contexts)
            if other != example.context:
                found.append(("other", Example(example.question, other, 0, 0)))
            if changed := altered(example, contexts, dice):
                found.append(("altered", changed))
    return found


if __name__ == "__main__":
    main()
