"""The reader: for a question and a passage, the exact words that answer, and how much likelier they are than no answer.

It is the embedding model's own encoder with changes added to its layers (`bot/train.py` made them, they ship in four bits each as
`bot/reader.safetensors`), and two weights per token for the first and the last word. The vocabulary is shared.

Limits: of a long question it reads the end, where pasted text has its question; of a passage the first 400 to 500 tokens.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bot.question import is_content
from bot.weights import Matrix, unpacked_all
from corpus.errors import ModelError
from index.encoder import LONGEST, Encoder, marked, prompt_ids, without_space
from index.lexical import words

WEIGHTS = Path(__file__).parent / "reader.safetensors"
QUESTION = 96
"""Tokens of a question that are read; what is cut off is its beginning, where pasted text stands before a question."""

LONGEST_SPAN = 40
"""Tokens of a span; of the answers in its training data 98.6 % are no longer."""


@dataclass(frozen=True, slots=True)
class Span:
    """`passage[start:end]` answers best; `margin` is its score less that of "no answer", in logits."""

    start: int
    end: int
    margin: float


ANSWER_MARGIN = -2.0
"""A span above this answers, where nothing but the reader is asked (`tanya eval squad`). On the part of IDK-MRC's training
split that is held out, F1 is .770 at -3, .776 at -2, .770 at 0 (`python -m tests.eval.fit_margin`)."""


def answers(span: Span) -> bool:
    """Whether the reader prefers the span to "no answer"."""
    return span.margin > ANSWER_MARGIN


Passage = tuple[str, Sequence[tuple[int, int]]]
"""A text, and the parts of it, its sentences say, of which each may hold an answer."""


def whole(text: str) -> Passage:
    """The text as one part."""
    return text, [(0, len(text))]


class Reader(Protocol):
    """What answering needs of a reader."""

    def read(self, question: str, passages: Sequence[Passage]) -> list[list[Span]]:
        """Of each passage, of each of its parts, the best span."""


class SpanReader:
    """The trained reader on an encoder that is already loaded."""

    def __init__(self, encoder: Encoder, weights: Path = WEIGHTS) -> None:
        """Add the trained changes to another encoder with the same vocabulary. Raises ModelError where the weights do not fit."""
        from safetensors import SafetensorError

        try:
            changes, self._weight, self._bias = read_weights(weights)
            if self._weight.shape != (2, encoder.hidden):
                raise ValueError(self._weight.shape)
            self._encoder = encoder.changed(changes)
        except (OSError, SafetensorError, KeyError, RuntimeError, ValueError) as error:
            raise ModelError(f"The reader's weights {weights} are missing or not those of this encoder: reinstall the package.") from error

    def read(self, question: str, passages: Sequence[Passage]) -> list[list[Span]]:
        """See Reader."""
        query, passage = (prompt_ids(self._encoder, kind) for kind in ("query", "document"))
        asked = [*query, *self._encoder.tokens(question).ids[-QUESTION:]]
        texts = [self._encoder.tokens(text) for text, _ in passages]
        before = len(asked) + 3 + len(passage)
        room = LONGEST - before - 1
        states = self._encoder.encode([marked(asked, [*passage, *text.ids[:room]]) for text in texts])
        found = []
        for (_, parts), tokens, one in zip(passages, texts, states, strict=True):
            logits = one @ self._weight.T + self._bias
            read = logits[before:-1]
            places = np.array(tokens.spans[: len(read)], np.int64).reshape(-1, 2)
            inside = [(start < places[:, 1]) & (places[:, 1] <= end) for start, end in parts]
            found.append([best_span(logits[0], read[rows], places[rows]) for rows in inside])
        return found


def read_weights(path: Path) -> tuple[dict[str, Matrix], Matrix, Matrix]:
    """What is added to the encoder's weights, by name; and the head, (2, hidden) and (2,).

    Raises OSError, SafetensorError, KeyError and ValueError for what is no such file.
    """
    from safetensors.numpy import load_file

    entries = load_file(path)
    weight, bias = (entries.pop(name).astype(np.float32) for name in ("spans.weight", "spans.bias"))
    return unpacked_all(entries), weight, bias


class WordReader:
    """A toy: the sentence that shares most words with the question, four logits for each, less four for each that it lacks."""

    def read(self, question: str, passages: Sequence[Passage]) -> list[list[Span]]:
        """See Reader."""
        asked = {word for word in words(question) if is_content(word)}
        return [[self._span(asked, text, start, end) for start, end in parts] for text, parts in passages]

    def _span(self, asked: set[str], text: str, start: int, end: int) -> Span:
        places = [(start + found.start(), start + found.end()) for found in re.finditer(r"[^.!?\n]+[.!?]?", text[start:end])]
        shared = [len(asked & set(words(text[first:last]))) for first, last in places]
        if not places:
            return Span(start, start, float("-inf"))
        best = max(range(len(places)), key=lambda i: shared[i])
        first, last = without_space(text, *places[best])
        return Span(first, last, 4.0 * (2 * shared[best] - len(asked)))


def best_span(nothing: NDArray[np.float32], logits: NDArray[np.float32], places: NDArray[np.int64]) -> Span:
    """The best first and last token; `nothing` is (2,), the logits of "no answer"; `logits` is (tokens, 2), and `places`
    (tokens, 2) the characters where they begin and end."""
    tokens = np.flatnonzero(places[:, 1] > places[:, 0])
    if not len(tokens):
        return Span(0, 0, float("-inf"))
    scores = logits[tokens, 0][:, None] + logits[tokens, 1][None, :]
    length = tokens[None, :] - tokens[:, None]
    scores = np.where((length >= 0) & (length < LONGEST_SPAN), scores, -np.inf)
    first, last = np.unravel_index(int(scores.argmax()), scores.shape)
    return Span(int(places[tokens[first], 0]), int(places[tokens[last], 1]), float(scores.max() - nothing.sum()))
