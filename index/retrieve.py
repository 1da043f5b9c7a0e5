"""Finds the chunks nearest to a question: dense and lexical ranks, fused.

Reciprocal rank fusion: a chunk at rank r of a list gains weight / (RANK_OFFSET + r). Ranks need no common scale,
which cosines and BM25 do not have. Hits are at most k, scores descend, no chunk comes twice, and equal scores keep
the order of the corpus, so a search is reproducible.
"""

import numpy as np
from numpy.typing import NDArray

from index.embed import Embedder
from index.encoder import Vectors
from index.hit import Hit
from index.store import IndexVersion

DENSE_WEIGHT, LEXICAL_WEIGHT, RANK_OFFSET = 2.0, 1.0, 10.0
"""Taken over from an earlier measurement, not repeated here: R@10 .976 dense alone, .982 fused (tests/eval/LOG.md)."""

DEPTH = 50
"""A rank below this would gain less than a fifth of what the first one does, and every ranked chunk costs a sort."""


class Retriever:
    """Searches one index version with the embedder that built it."""

    def __init__(self, version: IndexVersion, embedder: Embedder) -> None:
        self.version, self.embedder = version, embedder

    def search(self, question: str, k: int = 8, language: str | None = None) -> list[Hit]:
        """The k best hits for `question`, in one language or in all."""
        return self.search_vector(question, self.embedder.embed_queries([question]), k, language)

    def search_vector(self, question: str, vector: Vectors, k: int, language: str | None = None) -> list[Hit]:
        """Like `search`, for a question whose (1, dimension) embedding is at hand."""
        chunks = self.version.chunks
        dense = self.version.similarities(vector)
        lexical = self.version.lexical.scores(question)
        allowed = np.array([language is None or self.version.language_of(chunk) == language for chunk in chunks], np.bool_)
        fused = DENSE_WEIGHT * _reciprocal_ranks(dense, allowed) + LEXICAL_WEIGHT * _reciprocal_ranks(lexical, allowed & (lexical > 0))
        order = [int(i) for i in np.argsort(-fused, kind="stable")[:k] if fused[i] > 0]
        return [Hit(chunks[i], float(fused[i]), float(dense[i]), float(lexical[i])) for i in order]


def _reciprocal_ranks(scores: NDArray[np.float32], allowed: NDArray[np.bool_]) -> NDArray[np.float64]:
    gains = np.zeros(len(scores))
    order = np.argsort(-np.where(allowed, scores, -np.inf), kind="stable")[: min(DEPTH, int(allowed.sum()))]
    gains[order] = 1.0 / (RANK_OFFSET + 1 + np.arange(len(order)))
    return gains
