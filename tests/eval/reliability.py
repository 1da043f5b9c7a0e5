"""How far the probability of being right can be trusted: `python -m tests.eval.reliability FILE [FILE …]`, on files with "points".

Of each range of the probability that the best sentence is given, before any veto and in the asker's language: questions, mean
probability, and the share whose best sentence is an expected one; questions to refuse have none. Then, for each least probability,
the two errors: of what is said, what should not have been (wrong, or no answer at all); of what is refused, what was right.
"""

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np

from bot import Bot, open_bot, read_config
from bot.measure import Asked, read_rows
from bot.question import read_question

EDGES = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    bot = open_bot(read_config())
    asked = [row for path in parser.parse_args().files for row in read_rows(path)]
    found = np.array([judged(bot, row) for row in asked])
    probability, right = found[:, 0], found[:, 1].astype(bool)
    gap = 0.0
    print("probability   n  mean  right")
    for low, high in pairwise(EDGES):
        here = (probability >= low) & ((probability < high) | (high == 1))
        if here.any():
            print(f"{low:.1f} to {high:.1f}  {here.sum():4}  {probability[here].mean():.2f}  {right[here].mean():.2f}")
            gap += here.mean() * abs(probability[here].mean() - right[here].mean())
    print(f"expected calibration error {gap:.3f}; Brier score {((probability - right) ** 2).mean():.3f}")
    print("from  said  of it wrong  refused, of it right")
    for least in EDGES[1:-1]:
        said = probability >= least
        errors = [f"{errors.mean():.2f}" if len(errors) else "   -" for errors in (~right[said], right[~said])]
        print(f" {least:.1f}  {said.mean():.2f}         {errors[0]}                 {errors[1]}")


def judged(bot: Bot, row: Asked) -> tuple[float, bool]:
    """The probability given to the best sentence, and whether it is an expected one."""
    language = row.language if row.language in ("id", "en") else None
    question = read_question(row.question, 10_000, language)
    reading = bot.readings(question, bot.config.passages)[0][0]
    if not reading.chosen:
        return 0.0, False
    sentence = bot.version.sentences[reading.chosen[0].row]
    text = bot.version.documents[sentence.doc_id].text[sentence.start : sentence.end]
    return reading.probability, any(one.doc_id == sentence.doc_id and one.quote in text for point in row.points for one in point)


if __name__ == "__main__":
    main()
