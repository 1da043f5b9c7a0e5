"""Asks a file of questions and compares with what was expected: `python -m tests.eval FILE [FILE …] [--wrong]`.

A line is {"question", "language", "doc_id", "quote"}: the document that should rank first and words that the answer
should contain; or {"question", "altered"}, whose altered form should be refused. Uses the corpus and index of the settings.
"""

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

from bot import Bot, open_bot, read_config


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
    """Shares: document first, quote in the answer, answered at all, sentences an answer, altered refused."""
    found: Counter[str] = Counter()
    for row in rows:
        hits = bot.retriever.search(row["question"], 1, row["doc_id"].split(".")[0])
        answer = bot.ask(row["question"])
        found["document_first"] += hits[0].chunk.doc_id == row["doc_id"]
        found["answered"] += not answer.refused
        found["sentences"] += len(answer.sentences)
        right = any(row["quote"] in sentence.text for sentence in answer.sentences)
        found["quote_in_answer"] += right
        if show and not right:
            print("-", row["question"], "|", row["quote"], "|", answer.refusal_reason or [sentence.text for sentence in answer.sentences])
        if "altered" in row:
            refused = bot.ask(row["altered"]).refused
            found["altered_refused"] += refused
            if show and not refused:
                print("! answered:", row["altered"])
    shares = {name: round(count / len(rows), 3) for name, count in found.items() if name != "sentences"}
    return {"n": len(rows), **shares, "sentences_an_answer": round(found["sentences"] / max(1, found["answered"]), 2)}


if __name__ == "__main__":
    main()
