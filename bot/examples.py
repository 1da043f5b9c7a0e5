"""What the reader learns from: questions with the words that answer them, and questions that look as though they had some.

Two shapes of files: SQuAD's, which IDK-MRC has as well, and that of our own passages (`tests/eval/reading.jsonl`, Indonesian and
English, asked in both). A part of each is held back, by paragraph, for every later choice.
Beside the questions that the data itself leaves unanswered, answered ones are altered (another year, number or name; a word
turned into its opposite), asked of another paragraph that has their words, or of their own without the sentence that answers.
"""

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from index.lexical import words

HELD_OUT = 10
"""One paragraph (of our own: one dossier of neighbouring passages) in so many is never trained on."""

ALTERED, ELSEWHERE, WITHOUT, TYPED = 0.25, 0.2, 0.2, 0.2
"""Shares of an epoch's answered questions that also come altered, that also come asked of another paragraph, that also come
asked of their own without the sentence that answers, and of all that come as people type: lower case, no mark at the end."""

LOOKED_AT, NEAREST = 40, 3
"""Another paragraph is one of the so many nearest of so many drawn."""

_YEAR, _NUMBER = re.compile(r"\b(?:1[5-9]|20)\d\d\b"), re.compile(r"\b\d+\b")
_NAME = re.compile(r"(?<=\s)[A-Z][a-zA-Z]{2,}(?:\s[A-Z][a-zA-Z]{2,})*")
_OPPOSITES = (
    "pertama terakhir, terbesar terkecil, tertinggi terendah, terbanyak tersedikit, tertua termuda, sebelum sesudah, "
    "sebelum setelah, awal akhir, lahir meninggal, dilahirkan meninggal, dibuka ditutup, didirikan dibubarkan, dimulai "
    "berakhir, mulai berhenti, masuk keluar, menang kalah, memenangkan kehilangan, utara selatan, barat timur, atas "
    "bawah, naik turun, bertambah berkurang, meningkat menurun, menerima menolak, mendukung menentang, diterima ditolak, "
    "membuka menutup, paling kurang, bisa tidak_bisa, dapat tidak_dapat, termasuk tidak_termasuk, adalah bukanlah, "
    "memiliki tidak_memiliki, menjadi berhenti_menjadi, pria wanita, ayah ibu, suami istri, raja ratu, kemerdekaan "
    "penjajahan, first last, largest smallest, highest lowest, most least, oldest youngest, before after, opened closed, "
    "founded dissolved, began ended, won lost, joined left, rose fell, increased decreased, accepted rejected, supported "
    "opposed, can cannot, did did_not, north south, east west"
)
_OPPOSITE = {
    a: b.replace("_", " ")
    for pair in _OPPOSITES.split(",")
    for one, two in [pair.split()]
    for a, b in [(one, two), (two, one)]
    if "_" not in a
}


@dataclass(frozen=True, slots=True)
class Example:
    """A question, a paragraph, and the characters that answer it; `start == end` where none do."""

    question: str
    context: str
    start: int = 0
    end: int = 0


Paragraphs = list[list[Example]]
"""Of each paragraph its questions."""


@dataclass(frozen=True, slots=True)
class Group:
    """Paragraphs of one subject or one source, and the share of their questions that comes in an epoch."""

    paragraphs: Paragraphs
    share: float = 1.0


def read_squad(path: Path) -> tuple[Paragraphs, Paragraphs]:
    """(train, held out) of a file of SQuAD's shape, or of IDK-MRC's, which is a list of paragraphs."""
    found: Paragraphs = []
    rows = json.loads(path.read_text("utf-8"))
    for paragraph in rows if isinstance(rows, list) else [one for article in rows["data"] for one in article["paragraphs"]]:
        examples = []
        for question in paragraph["qas"]:
            answer = None if question.get("is_impossible") else question["answers"][0]
            text, start = (answer["text"], answer["answer_start"]) if answer else ("", 0)
            if not paragraph["context"].startswith(text, start):  # some offsets of IDK-MRC are a few characters late
                places = [found.start() for found in re.finditer(re.escape(text), paragraph["context"])]
                start = min(places, key=lambda place: abs(place - start))
            examples.append(Example(question["question"], paragraph["context"], start, start + len(text)))
        found.append(examples)
    return [one for i, one in enumerate(found) if i % HELD_OUT], found[::HELD_OUT]


def read_own(path: Path) -> tuple[list[Paragraphs], list[Paragraphs]]:
    """(train, held out) of our own passages: those of one dossier, about the same or sister subjects, and of one language."""
    dossiers: dict[str, dict[str, Paragraphs]] = {}
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        examples = []
        for question in row["questions"]:
            start = -1
            for _ in range(question.get("nth", 1) if question["a"] else 0):
                start = row["text"].index(question["a"], start + 1)
            examples.append(Example(question["q"], row["text"], max(start, 0), start + len(question["a"]) if question["a"] else 0))
        dossiers.setdefault(row["dossier"], {}).setdefault(row["language"], []).append(examples)
    found = list(dossiers.values())
    trained, held = [one for i, one in enumerate(found) if i % HELD_OUT], found[::HELD_OUT]
    return [one for dossier in trained for one in dossier.values()], [one for dossier in held for one in dossier.values()]


def altered(example: Example, others: Sequence[str], dice: random.Random) -> Example | None:
    """The question with one thing changed, so that its paragraph no longer answers; None where nothing can be."""
    for pattern in dice.sample((_YEAR, _NUMBER, _NAME, _NAME, None), 5):
        if pattern is None:
            if turned := _opposite(example.question, dice):
                return Example(turned, example.context)
            continue
        if not (found := list(pattern.finditer(example.question))):
            continue
        target = dice.choice(found)
        for text in dice.sample(others, min(8, len(others))):
            choices = [match[0] for match in pattern.finditer(text) if match[0].lower() not in (example.context + example.question).lower()]
            if choices:
                return Example(
                    example.question[: target.start()] + dice.choice(choices) + example.question[target.end() :], example.context
                )
    return None


def _opposite(question: str, dice: random.Random) -> str | None:
    found = [match for match in re.finditer(r"\w+", question) if match[0].lower() in _OPPOSITE]
    if not found:
        return None
    target = dice.choice(found)
    return question[: target.start()] + _OPPOSITE[target[0].lower()] + question[target.end() :]


@lru_cache(maxsize=50_000)
def _words(text: str) -> frozenset[str]:
    return frozenset(words(text))


def elsewhere(example: Example, contexts: Sequence[str], dice: random.Random) -> Example | None:
    """The question, asked of a paragraph that lacks its answer and has most of its words, and after those most of its own paragraph's."""
    asked, own, answer = _words(example.question), _words(example.context), example.context[example.start : example.end].lower()
    others = [text for text in dice.sample(contexts, min(LOOKED_AT, len(contexts))) if answer not in text.lower()]
    nearest = sorted(others, key=lambda text: (-len(asked & _words(text)), -len(own & _words(text))))[:NEAREST]
    return Example(example.question, dice.choice(nearest)) if nearest else None


def without(example: Example) -> Example | None:
    """The question, asked of its paragraph less the sentence that answers; None where the rest may answer, or there is none."""
    answer, kept = example.context[example.start : example.end].lower(), []
    for sentence in re.finditer(r"\S.*?(?:[.!?](?=\s)|$)", example.context, re.DOTALL):
        if sentence.end() <= example.start or sentence.start() >= example.end:
            kept.append(sentence[0])
    rest = " ".join(kept)
    return Example(example.question, rest) if kept and answer not in rest.lower() else None


def as_typed(example: Example) -> Example:
    """The question as people type it."""
    return replace(example, question=example.question.lower().rstrip(" ?"))


def epoch(groups: Sequence[Group], dice: random.Random) -> list[Example]:
    """A share of each group's questions once, in a new order and with new alterations; its paragraphs are each other's likenesses."""
    found = []
    for group in groups:
        contexts = [paragraph[0].context for paragraph in group.paragraphs if paragraph]
        true = [example for paragraph in group.paragraphs for example in paragraph if dice.random() < group.share]
        answered = [example for example in true if example.end > example.start]
        extra = [altered(one, contexts, dice) for one in answered if dice.random() < ALTERED]
        extra += [elsewhere(one, contexts, dice) for one in answered if dice.random() < ELSEWHERE]
        extra += [without(one) for one in answered if dice.random() < WITHOUT]
        found += true + [one for one in extra if one]
    dice.shuffle(found)
    return [as_typed(one) if dice.random() < TYPED else one for one in found]


def batches(groups: Sequence[Group], size: int, dice: random.Random, together: int = 50) -> Iterator[list[Example]]:
    """Batches without end, each of questions whose paragraphs are about as long: padding would be half of the work."""
    waiting: list[Example] = []
    while True:
        while len(waiting) < size * together:
            waiting += epoch(groups, dice)
        block, waiting = sorted(waiting[: size * together], key=lambda one: len(one.context)), waiting[size * together :]
        cut = [block[i : i + size] for i in range(0, len(block), size)]
        dice.shuffle(cut)
        yield from cut
