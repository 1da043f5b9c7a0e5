"""BM25 over words, by bm25s. No stemmer: an earlier measurement found it changed nothing (tests/eval/LOG.md)."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """Lower-case words and numbers of `text`."""
    return _WORD.findall(text.lower())


class LexicalIndex:
    """BM25 scores of all texts for a question."""

    def __init__(self, bm25: Any, size: int) -> None:
        self._bm25, self.size = bm25, size

    @classmethod
    def build(cls, texts: Sequence[str]) -> "LexicalIndex":
        """Index `texts`; row i of the scores is text i."""
        import bm25s

        bm25 = bm25s.BM25()
        bm25.index([words(text) or [""] for text in texts] or [[""]], show_progress=False)
        return cls(bm25, len(texts))

    @classmethod
    def load(cls, folder: Path, size: int) -> "LexicalIndex":
        """Read the files of `files` from `folder`. Raises ValueError where they are not of `size` texts."""
        import bm25s

        bm25 = bm25s.BM25.load(folder)
        if bm25.scores["num_docs"] != max(size, 1):  # `build` gives it one empty text where there is none
            raise ValueError(f"{folder.name} has the words of {bm25.scores['num_docs']} texts, not of {size}")
        return cls(bm25, size)

    def rows(self, word: str) -> NDArray[np.bool_]:
        """(size,) whether a text holds `word`."""
        found = np.zeros(self.size, np.bool_)
        if self.size and (place := self._bm25.vocab_dict.get(word)) is not None:
            start, end = self._bm25.scores["indptr"][place : place + 2]
            found[self._bm25.scores["indices"][start:end]] = True
        return found

    def files(self, place: Path) -> Iterator[tuple[str, bytes]]:
        """(name, content) of the files that `load` reads; drafted in the folder `place`, OSError where that refuses."""
        with tempfile.TemporaryDirectory(prefix="draft-", dir=place) as folder:
            self._bm25.save(folder, show_progress=False)
            for path in sorted(Path(folder).iterdir()):
                yield path.name, path.read_bytes()

    def scores(self, question: str) -> NDArray[np.float32]:
        """(size,) scores, 0 where no word matches."""
        known = [word for word in words(question) if word in self._bm25.vocab_dict]
        if not known or not self.size:
            return np.zeros(self.size, np.float32)
        return np.asarray(self._bm25.get_scores(known), np.float32)
