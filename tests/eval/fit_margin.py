"""Fits `bot.reader.ANSWER_MARGIN` on the part of a training file that is held back: `python -m tests.eval.fit_margin train.json`.

Prints F1 over all questions, over those with an answer and over those without, at each of a row of margins.
"""

import argparse
from pathlib import Path

import numpy as np

from bot import open_models, read_config
from bot.evaluate import exact_and_f1
from bot.examples import Example, read_squad
from bot.reader import Reader, whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    _, held = read_squad(parser.parse_args().file)
    examples = [one for paragraph in held for one in paragraph]
    _, reader = open_models(read_config())
    found = np.array([scored(reader, one) for one in examples])
    answered = np.array([one.end > one.start for one in examples])
    print(f"{len(examples)} questions, {answered.sum()} with an answer; the best spans, were all answered: {found[answered, 1].mean():.3f}")
    for margin in np.arange(-3, 3.01, 0.5):
        f1 = np.where(found[:, 0] > margin, found[:, 1], ~answered)
        print(f"margin {margin:4.1f}: F1 {f1.mean():.3f}, with an answer {f1[answered].mean():.3f}, without {f1[~answered].mean():.3f}")


def scored(reader: Reader, example: Example) -> tuple[float, float]:
    """The margin of the best span, and its F1."""
    span = reader.read(example.question, [whole(example.context)])[0][0]
    wanted = example.context[example.start : example.end]
    return span.margin, exact_and_f1(example.context[max(span.start, 0) : span.end], [wanted] if wanted else [])[1]


if __name__ == "__main__":
    main()
