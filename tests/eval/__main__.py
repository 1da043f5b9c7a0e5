"""Asks a file of questions and compares with what was expected: `python -m tests.eval FILE [FILE …] [--wrong]`.

A line has "question", "doc_id" and "quote" (the document that should rank first, words that the answer should contain),
and may have "altered", a form of the question that should be refused; with "kind" other than "plain" it is one itself.
Uses the corpus and index of the settings.
"""

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

from bot import Bot, open_bot, read_config
from bot.question import read_question


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--wrong", action="store_true", help="print what went wrong")
    options = parser.parse_args()
    bot = open_bot(read_config())
    for path in options.files:
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        print(path.name, json.dumps(score(bot, rows, options.wrong)))


def score(bot: Bot, rows: list[dict[str, Any]], show: bool = False) -> dict[str, float]:
    """Shares: document ranked first in the asker's language, answered at all, quote in the answer, the rest refused."""
    found: Counter[str] = Counter()
    plain = [row for row in rows if row.get("kind", "plain") == "plain"]
    refusals = [row["altered"] for row in rows if "altered" in row] + [row["question"] for row in rows if row not in plain]
    for row in plain:
        answer = bot.ask(row["question"])
        asked = read_question(row["question"], 10_000)
        nearest = bot.readings(asked, bot.config.passages)[0][0].nearest
        found["document_first"] += bool(nearest) and nearest[0].chunk.doc_id == row["doc_id"]
        found["answered"] += not answer.refused
        found["sentences"] += len(answer.sentences)
        right = any(row["quote"] in sentence.text for sentence in answer.sentences)
        found["quote_in_answer"] += right
        if show and not right:
            print("-", row["question"], "|", row["quote"], "|", answer.refusal_reason or [sentence.text for sentence in answer.sentences])
    for question in refusals:
        refused = bot.ask(question).refused
        found["refused"] += refused
        if show and not refused:
            print("! answered:", question)
    of = {"refused": max(1, len(refusals))}
    shares = {name: round(count / of.get(name, len(plain)), 3) for name, count in found.items() if name != "sentences"}
    return {
        "n": len(plain),
        "to_refuse": len(refusals),
        **shares,
        "sentences_an_answer": round(found["sentences"] / max(1, found["answered"]), 2),
    }


if __name__ == "__main__":
    main()
