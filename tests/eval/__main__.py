"""Asks a file of questions and compares with what was expected: `python -m tests.eval FILE [FILE …] [--wrong]`.

A line has "question", "doc_id" and "quote" (the document that should rank first, words that the answer should contain),
and may have "altered", a form of the question that should be refused; with "kind" other than "plain" it is one itself.

Where all documents are of the other language than the question, only that one is searched: the shares whose best sentence, and
whose span in it (F1 of at least a half), are right.

A file whose lines have "points" is scored as `tanya eval questions FILE` does, which also says what went wrong.

Uses the corpus and index of the settings.
"""

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

from bot import Bot, open_bot, read_config
from bot.evaluate import exact_and_f1
from bot.measure import as_lines, ask_all, read_rows, summary
from bot.question import read_question
from bot.read import read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--wrong", action="store_true", help="print what went wrong")
    options = parser.parse_args()
    bot = open_bot(read_config())
    for path in options.files:
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        if "points" in rows[0]:
            print("\n".join(f"{path.name} {line}" for line in as_lines(summary([one for one, _ in ask_all(bot, read_rows(path))]))))
        elif all(across(row) for row in rows):
            print(path.name, json.dumps(score_across(bot, rows, options.wrong)))
        else:
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
        found["document_first"] += bool(nearest) and nearest[0].chunk.doc_id == row.get("doc_id")
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
    if refusals:
        shares["told_apart"] = round((shares.get("answered", 0.0) + shares.get("refused", 0.0)) / 2, 3)
    return {
        "n": len(plain),
        "to_refuse": len(refusals),
        **shares,
        "sentences_an_answer": round(found["sentences"] / max(1, found["answered"]), 2),
    }


def across(row: dict[str, Any]) -> bool:
    return "doc_id" in row and not row["doc_id"].startswith(row.get("language", row["doc_id"]))


def score_across(bot: Bot, rows: list[dict[str, Any]], show: bool = False) -> dict[str, float]:
    """{n, sentence, span}: shares of questions whose best sentence of the other language, and span in it, are right."""
    found: Counter[str] = Counter()
    for row in rows:
        asked = read_question(row["question"], 10_000, row["language"])
        vector = bot.retriever.embedder.embed_queries([asked.text])
        hits = bot.retriever.search_vector(asked.text, vector, bot.config.passages, row["doc_id"][:2])
        best = read(asked, vector, hits, bot.version, bot.retriever.embedder, bot.reader, 1).chosen[0]
        sentence = bot.version.sentences[best.row]
        text = bot.version.documents[sentence.doc_id].text
        start, end = best.place or (sentence.start, sentence.end)
        found["sentence"] += row["quote"] in text[sentence.start : sentence.end]
        right = row["quote"] in text[sentence.start : sentence.end] and exact_and_f1(text[start:end], [row["quote"]])[1] >= 0.5
        found["span"] += right
        if show and not right:
            print("-", row["question"], "|", row["quote"], "|", text[start:end], "|", text[sentence.start : sentence.end])
    return {"n": len(rows), **{name: round(count / len(rows), 3) for name, count in found.items()}}


if __name__ == "__main__":
    main()
