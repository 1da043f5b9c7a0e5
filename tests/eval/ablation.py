"""What each part is worth: `python -m tests.eval.ablation FILE [FILE …]` asks files with "points" again and again, one part off each time.

Nothing is fitted anew without the part, so what it is worth is counted a little too high.
"""

import argparse
import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bot import Bot, open_bot, read_config
from bot.measure import ask_all, read_rows, summary
from bot.read import FEATURES, WEIGHTS
from bot.reader import Passage, Span


class Blind:
    """A reader that sees the same in every sentence: all of it, at a middling margin."""

    def read(self, question: str, passages: Sequence[Passage]) -> list[list[Span]]:
        return [[Span(start, end, 0.0) for start, end in parts] for _, parts in passages]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    rows = [row for path in parser.parse_args().files for row in read_rows(path)]
    bot = open_bot(read_config())
    print(f"{'without':36} right     answered  recall    precision of refusals")
    for name, changed, off in parts(bot):
        with contextlib.ExitStack() as stack:
            for one in off:
                stack.enter_context(one)
            found = summary([one for one, _ in ask_all(changed, rows)])
        answers, refusals = found["answers"], found["refusals"]
        shares = answers["right"], answers["answered"], refusals["recall"], refusals["precision"]
        print(f"{name:36}", "     ".join(f"{share:.3f}" for share in shares), flush=True)


def parts(bot: Bot) -> Iterator[tuple[str, Bot, list[Any]]]:
    """Name, the bot to ask, and what turns the part off."""
    yield "nothing", bot, []
    yield "the reader", dataclasses.replace(bot, reader=Blind()), []
    for i, feature in enumerate(FEATURES[1:], start=1):
        weights = tuple(0.0 if place == i else weight for place, weight in enumerate(WEIGHTS))
        yield f"{feature} in the sentence's score", bot, [patch("bot.read.WEIGHTS", weights)]
    yield "words in the search (BM25)", bot, [patch("index.retrieve.LEXICAL_WEIGHT", 0.0)]
    yield "meaning in the search (FAISS)", bot, [patch("index.retrieve.DENSE_WEIGHT", 0.0)]
    yield "the lead in the decision", bot, [patch("bot.read.LEAD_WEIGHT", 0.0)]
    yield "names and years that forbid", bot, [patch("bot.read.absent", lambda *_: None), patch("bot.read._conflict", lambda *_: None)]
    yield "unconfirmed premises that forbid", bot, [patch("bot.bot.unconfirmed", lambda *_: None)]
    yield "parts of a question, comparisons", bot, [patch("bot.bot.take_apart", lambda *_: None)]
    yield "definitions first", bot, [patch("bot.bot.defined_first", lambda asked, reading, version: reading)]
    yield "the other language", bot, [patch("bot.bot.LANGUAGES", ())]


if __name__ == "__main__":
    main()
