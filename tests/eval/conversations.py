"""Holds conversations and compares with what was expected: `python -m tests.eval.conversations FILE … [--search] [--messy] [--wrong]`.

A line has "id" and "turns": "question", "kind", "doc_ids" (any of them may answer), "quote" (words of the answer, or null) and
"standalone". Shares of the turns that lean on the conversation, of those that change the topic, and of the first ones:

- document: an expected document is cited first (searching: found first, in the asker's language);
- answer: the quote is in the answer; passages: in the passages that were found;
- unchanged: nothing was added to what was typed.

`--search` looks for passages only, and takes the expected quote for the bot's answer. `--messy` asks with slips of the fingers. `--gold`
asks the "standalone" forms: what could be reached.
"""

import argparse
import json
import random
import re
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from bot import Bot, Turn, open_bot, read_config
from corpus.language import LANGUAGES

STANDING = ("first", "topic_change")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    for option in ("search", "messy", "wrong", "gold"):
        parser.add_argument(f"--{option}", action="store_true")
    options = parser.parse_args()
    bot = open_bot(read_config())
    for path in options.files:
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        for kind, shares in score(bot, rows, options.search, options.messy, options.wrong, options.gold).items():
            print(path.name, f"{kind:14}", json.dumps(shares))


def score(bot: Bot, rows: list[dict[str, Any]], search: bool, messy: bool, show: bool, gold: bool) -> dict[str, dict[str, float]]:
    """Of each kind, and of all turns that lean on what was said before: {n, document, answer, passages, unchanged, cpu_milliseconds}."""
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    for row in rows:
        history: list[Turn] = []
        for turn in row["turns"]:
            question = slip(turn["question"]) if messy else turn["question"]
            got, said, whole = (searched if search else asked)(bot, turn["standalone"] if gold else question, [] if gold else history, turn)
            got["unchanged"] = float(whole == bot.understood(question).text)
            history += [Turn("user", question), Turn("assistant", said)]
            for kind in (turn["kind"], "STANDING" if turn["kind"] in STANDING else "LEANING"):
                found[kind].append(got)
            missed = not got["document"] or got.get("passages") == 0 or (turn["kind"] in STANDING and not got["unchanged"])
            if show and missed:
                flags = "".join(name[0].upper() if value else "-" for name, value in got.items() if name != "cpu_milliseconds")
                print(row["id"], turn["kind"][:9], flags, "|", question, "|", whole, "|", turn["standalone"])
    return {kind: _mean(several) for kind, several in sorted(found.items())}


def searched(bot: Bot, question: str, history: list[Turn], turn: dict[str, Any]) -> tuple[dict[str, float], str, str]:
    started = time.process_time()
    whole = bot.understood(question, history)
    spent = time.process_time() - started
    vector = bot.retriever.vector(whole.text)
    hits = bot.retriever.search_vector(whole.text, vector, bot.config.passages, whole.language, whole.after)
    got = {"document": float(bool(hits) and hits[0].chunk.doc_id in turn["doc_ids"]), "cpu_milliseconds": spent * 1000}
    if turn["quote"]:
        got["passages"] = float(any(turn["quote"] in hit.chunk.text for hit in hits))
    return got, cited(turn["quote"]), whole.text


def asked(bot: Bot, question: str, history: list[Turn], turn: dict[str, Any]) -> tuple[dict[str, float], str, str]:
    answer = bot.ask(question, history)
    whole = bot.understood(question, history)
    vector = bot.retriever.vector(whole.text)
    hits = [hit for one in LANGUAGES for hit in bot.retriever.search_vector(whole.text, vector, bot.config.passages, one, whole.after)]
    cited = [citation.doc_id for citation in answer.citations] or [passage.doc_id for passage in answer.nearest]
    got = {"document": float(bool(cited) and cited[0] in turn["doc_ids"]), "answered": float(not answer.refused)}
    if turn["quote"]:
        got["answer"] = float(any(turn["quote"] in citation.quote for citation in answer.citations))
        got["passages"] = float(any(turn["quote"] in hit.chunk.text for hit in hits))
    return got, answer.answer, answer.standalone_question


def cited(quote: str | None) -> str:
    """What the bot would say."""
    return f"{quote} [1]" if quote else ""


def slip(question: str) -> str:
    """The question as typed in a hurry: small letters, no marks, two letters of its longest word swapped, a common word cut short."""
    words = re.sub(r"[?!.,]", "", question).lower().split()
    longest = max(range(len(words)), key=lambda i: (len(words[i]) if words[i].isalpha() else 0, i))
    chance = random.Random(question)
    if len(words[longest]) > 5:
        word, place = words[longest], chance.randrange(1, len(words[longest]) - 2)
        words[longest] = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    short = {"yang": "yg", "berapa": "brp", "kapan": "kpn", "dengan": "dgn", "kenapa": "knp", "bagaimana": "gmn", "tidak": "gak"}
    return " ".join(short.get(word, word) for word in words)


def _mean(several: list[dict[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for one in several for name in one)
    shares = {name: [one[name] for one in several if name in one] for name in names}
    return {"n": len(several), **{name: round(sum(values) / len(values), 3) for name, values in shares.items()}}


if __name__ == "__main__":
    main()
