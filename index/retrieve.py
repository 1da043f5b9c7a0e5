"""Finds the chunks nearest to a question: dense and lexical ranks, fused.

Reciprocal rank fusion: a chunk at rank r of a list gains weight / (RANK_OFFSET + r). Ranks need no common scale,
which cosines and BM25 do not have. Hits are at most k, scores descend, no chunk comes twice, and equal scores keep
the order of the corpus, so a search is reproducible.
"""

import hashlib
import threading

import numpy as np
from cachetools import TTLCache, cached
from numpy.typing import NDArray

from index.embed import Embedder
from index.encoder import Vectors
from index.hit import Hit
from index.store import IndexVersion

DENSE_WEIGHT, LEXICAL_WEIGHT, RANK_OFFSET = 2.0, 1.0, 10.0
"""Taken over from an earlier measurement, not repeated here: R@10 .976 dense alone, .982 fused (tests/eval/LOG.md)."""

DEPTH = 50
"""A rank below this would gain less than a fifth of what the first one does, and every ranked chunk costs a sort."""

AFTER_WEIGHT = 0.5
"""Of the answer that a question follows on, beside the question, in what is searched for (tests/eval/LOG.md)."""

TEXTS_HELD, HELD_FOR = 256, 3600.0
"""Embeddings of the last questions, and of answers that some followed on, that are held, without their texts: less than half a megabyte;
and for how many seconds, which is what readers are told (`ui/texts.py`)."""


class Retriever:
    """Searches one index version with the embedder that built it."""

    def __init__(self, version: IndexVersion, embedder: Embedder) -> None:
        self.version, self.embedder = version, embedder
        held: TTLCache[bytes, Vectors] = TTLCache(TEXTS_HELD, HELD_FOR)
        self.vector = cached(held, _digest, threading.Lock())(lambda text: embedder.embed_queries([text]))
        """(1, dimension) embedding of a question; those of a conversation come again with its next turn."""

    def search(self, question: str, k: int = 8, language: str | None = None) -> list[Hit]:
        """The k best hits for `question`, in one language or in all."""
        return self.search_vector(question, self.vector(question), k, language)

    def search_vector(self, question: str, vector: Vectors, k: int, language: str | None = None, after: str = "") -> list[Hit]:
        """Like `search`, for a question whose (1, dimension) embedding is at hand; what is near to the text `after` as well gains."""
        version = self.version
        towards = vector + AFTER_WEIGHT * self.vector(after) if after else vector
        near, cosines = version.nearest(towards / np.linalg.norm(towards), DEPTH, language)
        lexical = version.lexical.scores(question)
        worded = best_rows(lexical, version.mask(language) & (lexical > 0), DEPTH)
        gains: dict[int, float] = {}
        for weight, rows in ((DENSE_WEIGHT, near), (LEXICAL_WEIGHT, worded)):
            for rank, row in enumerate(rows.tolist(), start=1):
                gains[row] = gains.get(row, 0.0) + weight / (RANK_OFFSET + rank)
        order = sorted(gains, key=lambda row: (-gains[row], row))[:k]
        dense = {} if after else dict(zip(near.tolist(), cosines.tolist(), strict=True))
        dense |= {row: version.cosine(row, vector) for row in order if row not in dense}
        return [Hit(version.chunks[row], gains[row], dense[row], float(lexical[row])) for row in order]

    def nearness(self, question: str, subject: str, k: int = 8) -> tuple[float, float]:
        """Cosine of `question` with the chunk nearest to it, and with the nearest of the k chunks that are nearest to `subject`."""
        asked = self.vector(question)
        rows, _ = self.version.nearest(self.vector(subject), k)
        _, cosines = self.version.nearest(asked, 1)
        return float(cosines.max(initial=0.0)), max((self.version.cosine(row, asked) for row in rows.tolist()), default=0.0)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def best_rows(scores: NDArray[np.float32], allowed: NDArray[np.bool_], most: int) -> NDArray[np.int64]:
    """The rows of the highest `scores` among those `allowed`, highest first, equal ones in their order."""
    rows = np.flatnonzero(allowed)
    if len(rows) > most:  # sorting all of a large index would cost more than the search
        least = np.partition(scores[rows], len(rows) - most)[len(rows) - most]
        above, equal = rows[scores[rows] > least], rows[scores[rows] == least]
        rows = np.sort(np.concatenate([above, equal[: most - len(above)]]))
    return rows[np.argsort(-scores[rows], kind="stable")]
