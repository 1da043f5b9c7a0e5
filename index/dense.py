"""The passages nearest to a question by cosine: exact while that is fast, beyond it a quantised index that is mapped.

Up to EXACT_UP_TO rows every vector is compared (faiss IndexFlatIP, held in memory). Beyond, an inverted file (IVF) of
vectors in 8 bits is searched (a quarter of the memory, mapped, so that only the pages in use take any) and what it finds
is scored again by the vectors as they were built. A graph (HNSW) would answer as fast, but keeps the vectors in 32 bits
and a list of neighbours for each, and takes longer to build.

The number of lists probed is chosen when the index is built: the fewest at which held-out queries, none of them in the
index, find LEAST_RECALL of what exact search finds.
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.disk import BLOCK
from index.encoder import Vectors
from index.vectors import StoredVectors

EXACT_UP_TO = 50_000
"""Rows. 384 float32 numbers each, 77 MB in all. Exact search of so many took 5.2 ms at the median where a core was free, and 8 ms of the
processor's time where others used the memory too (tests/bench/growth.py, one thread); quantised 1.9 ms, at .99 of the neighbours. Beside
what reading takes the difference is small, and exact search misses nothing."""

LISTS_PER_ROOT = 4
"""Lists for each square root of the rows. Of 100,000 (tests/bench/growth.py, one thread) .98 of the neighbours are found in 0.33 ms
with 48 of 4 times the root, in 0.48 ms with 48 of twice the root; building takes 8 s instead of 2."""

SAMPLE_PER_LIST, ROUNDS = 40, 10
"""Of k-means: faiss asks for 39 vectors a centre at least, and more rounds move the centres hardly any more."""

LEAST_RECALL, TUNED_AT, TUNED_ON = 0.98, 20, 200
"""Recall among the first TUNED_AT, on TUNED_ON held-out queries: above the .97 of the first ten that is promised by what 200 of them may
err, and at 20, since the ten nearest of one of two languages are about the twenty nearest of all."""

STEP = 1.25
"""How many times more lists each try probes: a doubling would often probe nearly twice what is needed."""

REFINED = 4
"""Candidates in 8 bits for each hit: neighbours closer together than the 8 bits' rounding are put right by their own vectors."""

CHECKED, ITSELF = 200, 0.9999
"""Rows of a quantised index that are looked for when it is verified: each has to find itself, at this cosine at least. Of an index a
twentieth of whose rows are wrong, 200 show it all but surely (1 - .95^200)."""

Found = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Rows and their cosines, the highest first, equal ones in the order of the rows."""

Mask = Callable[[str], NDArray[np.bool_]]
"""Language -> (rows,) whether a row is of it."""


class Dense(Protocol):
    """Finds the rows of one version that are nearest to a query."""

    def search(self, query: Vectors, k: int, language: str | None = None) -> Found:
        """The k rows nearest to one (1, dimension) unit query, in one language or in all; fewer where there are not so many."""


class FaissDense:
    """The index of a version's folder."""

    def __init__(self, path: Path, vectors: StoredVectors, mask: Mask) -> None:
        """RuntimeError and what else faiss raises where `path` is no index; ValueError where it is not one of `vectors`."""
        import faiss

        mapped = faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY if len(vectors) > EXACT_UP_TO else 0
        self._index = faiss.read_index(str(path), mapped)
        self._vectors, self._mask = vectors, mask
        self._quantised = hasattr(self._index, "nprobe")
        self._selectors: dict[str, tuple[Any, NDArray[np.uint8], int]] = {}
        if (self._index.ntotal, self._index.d) != vectors.shape:
            raise ValueError(f"{path.name} has {self._index.ntotal} rows of {self._index.d}, not {vectors.shape}")

    def search(self, query: Vectors, k: int, language: str | None = None) -> Found:
        """As `Dense` says. Raises IndexDamaged where the vectors cannot be read any more."""
        selector, count = self._selector(language)
        if not count:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        rows, scores = self._search(query, min(count, REFINED * k if self._quantised else k), selector)
        if self._quantised:
            scores = self._vectors.take(rows) @ query[0]
        order = np.lexsort((rows, -scores))[:k]
        return rows[order], scores[order]

    @property
    def kind(self) -> str:
        """What is searched, for reports."""
        if self._quantised:
            return f"IVF of {self._index.nlist} lists, {self._index.nprobe} probed, 8 bits, refined by the exact vectors"
        return "exact"

    def wrong_rows(self) -> Iterator[int]:
        """The rows that are not the vectors they should be: of all where it is exact, else of CHECKED of them."""
        if self._quantised:
            chosen = np.random.default_rng(1).choice(len(self._vectors), min(CHECKED, len(self._vectors)), replace=False)
            for row in np.sort(chosen).tolist():
                _, cosines = self.search(self._vectors[row][None], TUNED_AT)
                if not len(cosines) or cosines[0] < ITSELF:
                    yield row
            return
        first = 0
        for rows in self._vectors.blocks():
            differ = (self._index.reconstruct_n(first, len(rows)) != rows).any(axis=1)
            yield from (first + int(row) for row in np.flatnonzero(differ))
            first += len(rows)

    def _search(self, query: Vectors, k: int, selector: Any) -> Found:
        import faiss

        if self._quantised:
            options = faiss.SearchParametersIVF(sel=selector, nprobe=self._index.nprobe)
        else:
            options = faiss.SearchParameters(sel=selector)
        scores, rows = self._index.search(np.ascontiguousarray(query, np.float32), k, params=options)
        there = rows[0] >= 0
        return rows[0][there], scores[0][there]

    def _selector(self, language: str | None) -> tuple[Any, int]:
        """faiss' filter for a language, and how many rows pass it; the bits that it reads have to live as long as it does."""
        import faiss

        if language is None:
            return None, len(self._vectors)
        if language not in self._selectors:
            mask = self._mask(language)
            bits = np.packbits(mask, bitorder="little")
            selector = faiss.IDSelectorBitmap(bits) if len(bits) else None
            self._selectors[language] = selector, bits, int(mask.sum())
        selector, _, count = self._selectors[language]
        return selector, count


def pack_dense(vectors: Vectors, queries: Vectors) -> Iterator[bytes]:
    """The content of the file that FaissDense opens; `queries` are held out, and used only where the index is no exact one."""
    import faiss

    index = faiss.IndexFlatIP(vectors.shape[1])
    if len(vectors) > EXACT_UP_TO:
        index = _inverted(vectors)
        index.nprobe = _tuned(index, vectors, _sample(queries, TUNED_ON))
    else:
        index.add(vectors)
    content = faiss.serialize_index(index)
    for start in range(0, len(content), BLOCK):
        yield content[start : start + BLOCK].tobytes()


def _inverted(vectors: Vectors) -> Any:
    import faiss

    lists, width = int(LISTS_PER_ROOT * math.sqrt(len(vectors))), vectors.shape[1]
    index = faiss.IndexIVFScalarQuantizer(faiss.IndexFlatIP(width), width, lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    index.cp.niter, index.cp.spherical, index.cp.seed = ROUNDS, True, 1
    index.train(_sample(vectors, SAMPLE_PER_LIST * lists))
    index.add(vectors)
    return index


def _tuned(index: Any, vectors: Vectors, queries: Vectors) -> int:
    """The fewest lists to probe, by steps, at which LEAST_RECALL of the exact neighbours are among the candidates."""
    import faiss

    probes, wanted = 1, min(TUNED_AT, len(vectors))
    if not len(queries):
        return int(index.nlist)
    _, exact = faiss.knn(queries, vectors, wanted, metric=faiss.METRIC_INNER_PRODUCT)
    while probes < index.nlist:
        _, found = index.search(queries, REFINED * wanted, params=faiss.SearchParametersIVF(nprobe=probes))
        if recall(found, exact) >= LEAST_RECALL:
            break
        probes = math.ceil(probes * STEP)
    return int(min(probes, index.nlist))


def recall(found: NDArray[np.int64], exact: NDArray[np.int64]) -> float:
    """The share of each row of `exact` that is in that row of `found`, on average."""
    return float(np.mean([np.isin(wanted, given).mean() for given, wanted in zip(found, exact, strict=True)]))


def _sample(vectors: Vectors, most: int) -> Vectors:
    """At most that many rows, the same ones each time."""
    if len(vectors) <= most:
        return np.ascontiguousarray(vectors)
    rows = np.random.default_rng(1).choice(len(vectors), most, replace=False)
    return np.ascontiguousarray(vectors[np.sort(rows)])
