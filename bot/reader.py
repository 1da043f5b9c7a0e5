"""The reader: for a question and a passage, the exact words that answer, and how much likelier they are than no answer.

It is the embedding model's own encoder with low-rank changes added to its layers (`bot/train.py` made them, the
weights ship as `bot/reader.safetensors`), and two weights per token for the first and the last word. The vocabulary's
embeddings, four fifths of the model, are shared and stand in memory once.

Limits: trained on Indonesian questions over encyclopaedia paragraphs; English and mixed questions work because the
encoder was multilingual before. Of a long question it reads the end, where pasted text has its question.
"""

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bot.question import is_content
from corpus.errors import ModelError
from index.embed import SharedEncoder
from index.lexical import words

WEIGHTS = Path(__file__).parent / "reader.safetensors"
TOKENS = 512
"""The encoder's longest input; what is longer is cut off the passage's end."""

QUESTION = 96
"""Tokens of a question that are read; what is cut off is its beginning, where pasted text stands before a question."""

LONGEST = 40
"""Tokens of a span; of the answers in its training data 98.6 % are no longer."""


@dataclass(frozen=True, slots=True)
class Span:
    """`passage[start:end]` answers best; `margin` is its score less that of "no answer", in logits."""

    start: int
    end: int
    margin: float


ANSWER_MARGIN = 0.0
"""A span above this answers, where nothing but the reader is asked (`tanya eval squad`)."""


def answers(span: Span) -> bool:
    """Whether the reader prefers the span to "no answer"."""
    return span.margin > ANSWER_MARGIN


class Reader(Protocol):
    """What answering needs of a reader."""

    def read(self, question: str, passages: Sequence[str]) -> list[Span]:
        """The best span of each passage."""


class SpanReader:
    """The trained reader on an encoder that is already loaded."""

    def __init__(self, shared: SharedEncoder, weights: Path = WEIGHTS) -> None:
        """Add the trained changes to a copy of the encoder's layers. Raises ModelError where the weights do not fit."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            trained = load_file(weights)
            self._merge(shared, trained)
        except (OSError, SafetensorError, KeyError, RuntimeError) as error:
            raise ModelError(f"The reader's weights {weights} are missing or not those of this encoder: reinstall the package.") from error

    def _merge(self, shared: SharedEncoder, trained: dict[str, Any]) -> None:
        import torch

        self._shared = shared
        self._model = copy.copy(shared.model)
        self._model._modules = dict(shared.model._modules)
        self._model.encoder = copy.deepcopy(shared.model.encoder)
        layers = dict(self._model.encoder.named_modules())
        with torch.inference_mode():
            for name, up in trained.items():
                if name.endswith(".up"):
                    layer = layers[name.removeprefix("encoder.encoder.").removesuffix(".up")]
                    layer.weight += up.float() @ trained[name.removesuffix(".up") + ".down"].float()
        self._weight, self._bias = trained["spans.weight"].float(), trained["spans.bias"].float()

    def read(self, question: str, passages: Sequence[str]) -> list[Span]:
        """See Reader."""
        lead = "passage: "
        contexts = [lead + passage for passage in passages]
        how = {"truncation": "only_second", "max_length": TOKENS, "padding": True, "return_offsets_mapping": True, "return_tensors": "pt"}
        with self._shared.computing():
            batch = self._shared.tokenizer([self._shortened(question)] * len(passages), contexts, **how)
            hidden = self._model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
        logits = (hidden.float() @ self._weight.T + self._bias).numpy()
        spans = []
        for row, passage in enumerate(passages):
            places = batch["offset_mapping"][row].numpy() - len(lead)
            second = np.array([sequence == 1 for sequence in batch.sequence_ids(row)])
            spans.append(_without_space(passage, best_span(logits[row], places, second & (places[:, 1] > 0))))
        return spans

    def _shortened(self, question: str) -> str:
        places = self._shared.tokenizer(question, return_offsets_mapping=True, add_special_tokens=False)["offset_mapping"]
        return "query: " + (question[places[-QUESTION][0] :] if len(places) > QUESTION else question)


class WordReader:
    """A toy: the sentence that shares most words with the question, a logit for each, less one for each that it lacks."""

    def read(self, question: str, passages: Sequence[str]) -> list[Span]:
        """See Reader."""
        asked = {word for word in words(question) if is_content(word)}
        spans = []
        for passage in passages:
            places = [found.span() for found in re.finditer(r"[^.!?\n]+[.!?]?", passage)]
            shared = [len(asked & set(words(passage[start:end]))) for start, end in places]
            if not places:
                spans.append(Span(0, 0, float("-inf")))
                continue
            best = max(range(len(places)), key=lambda i: shared[i])
            spans.append(_without_space(passage, Span(*places[best], margin=4.0 * (2 * shared[best] - len(asked)))))
        return spans


def _without_space(passage: str, span: Span) -> Span:
    text = passage[span.start : span.end]
    return Span(span.start + len(text) - len(text.lstrip()), span.end, span.margin)


def best_span(logits: NDArray[np.float32], places: NDArray[np.int64], allowed: NDArray[np.bool_]) -> Span:
    """The best first and last token among the `allowed`; `logits` is (tokens, 2), its row 0 "no answer"."""
    nothing = float(logits[0].sum())
    tokens = np.flatnonzero(allowed & (places[:, 1] > places[:, 0]))
    if not len(tokens):
        return Span(0, 0, float("-inf"))
    scores = logits[tokens, 0][:, None] + logits[tokens, 1][None, :]
    length = tokens[None, :] - tokens[:, None]
    scores = np.where((length >= 0) & (length < LONGEST), scores, -np.inf)
    first, last = np.unravel_index(int(scores.argmax()), scores.shape)
    return Span(int(places[tokens[first], 0]), int(places[tokens[last], 1]), float(scores.max()) - nothing)
