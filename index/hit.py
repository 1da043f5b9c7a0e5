"""What a search returns."""

from dataclasses import dataclass

from corpus.document import Chunk


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk and why it was found: `score` orders hits; `dense` is a cosine, `lexical` a BM25 score (0 if no word matches)."""

    chunk: Chunk
    score: float
    dense: float
    lexical: float
