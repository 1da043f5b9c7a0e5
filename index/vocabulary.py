"""The words of an index version: how rare each is and which stand together in a passage."""

import math
import re
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from index.lexical import LexicalIndex, words

NAMED = 0.9
"""Share of capitals from which a word is a name: titles and headings write some other words with one, too."""

_OCCURRENCE = re.compile(r"(?<=[\w,;)”’] )\w+")
"""A word within a sentence."""

Rows = NDArray[np.bool_]
Counted = tuple[int, int]


class Vocabulary:
    """Words of the chunks, language by language."""

    def __init__(self, lexical: LexicalIndex, written: Mapping[str, Counted], chunks_of: Callable[[str | None], Rows]) -> None:
        """`written` is what `count_capitals` gave, `chunks_of` (chunks,) whether each is of a language, or of any for None."""
        self._lexical, self._written, self.chunks_of = lexical, written, chunks_of

    def count(self, word: str, language: str | None = None) -> int:
        """Chunks that hold `word`, in one language or in all."""
        return int(self._rows([word], language).sum())

    def is_name(self, word: str) -> bool:
        """Whether the corpus writes `word` with a capital wherever it does not open a sentence."""
        capital, small = self._written.get(word.lower(), (0, 0))
        return capital > 0 and capital >= NAMED * (capital + small)

    def rarity(self, word: str, language: str) -> float:
        """BM25's inverse document frequency of `word` among the chunks of `language`; 0 for an unknown one."""
        found, size = self.count(word, language), int(self.chunks_of(language).sum())
        return math.log(1 + (size - found + 0.5) / (found + 0.5)) if found else 0.0

    def together(self, phrase: Iterable[str], language: str) -> int:
        """Chunks of `language` that hold all words of `phrase`."""
        return int(self._rows(phrase, language).sum())

    def _rows(self, phrase: Iterable[str], language: str | None) -> Rows:
        rows = self.chunks_of(language).copy()
        for word in words(" ".join(phrase)):
            rows &= self._lexical.rows(word)
        return rows


def count_capitals(texts: Iterable[str]) -> dict[str, Counted]:
    """Lower-case word -> how often it is written with a capital within a sentence, and how often small."""
    found: dict[str, Counted] = {}
    for text in texts:
        for word in _OCCURRENCE.findall(text):
            capital, small = found.get(word.lower(), (0, 0))
            found[word.lower()] = (capital + word[0].isupper(), small + word[0].islower())
    return found
