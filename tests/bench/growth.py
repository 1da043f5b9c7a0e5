"""How search grows with the index: `python -m tests.bench.growth --vectors 100000` (or 1000000, about 5 GB of disk and of memory).

The vectors are those of the articles' passages, each with noise added many times. The noise has the shape
of the differences between real neighbours, and its length is scaled until the distances between neighbours are those of
the real vectors (their histograms are compared; the share in which they overlap is reported). Queries are real vectors
of documents from which none of the indexed ones was made; half of those tune the index, the other half measure it.

Search is measured in a process of its own, which opens the files as a server does, one query at a time on one thread.
`--vectors-of DIR` takes the real vectors of a built index instead of embedding the articles.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus import load_corpus
from index import E5Embedder, OpenVinoEncoder, build_index, open_index
from index.dense import FaissDense, pack_dense, recall
from index.disk import write_file
from index.encoder import Vectors
from index.vectors import ROWS, StoredVectors
from tests.conftest import DOCUMENTS

SEED = 1
HELD_OUT = 0.3
"""Share of the documents that give the queries."""

STEPS, TAKEN, BINS = 7, 400, 20
"""Of the search for the length of the noise; vectors whose neighbours are looked for in each; bars of the histograms."""

QUERIES, K, ROUNDS = 300, 10, 3
GOALS = {"p50, ms": 10.0, "recall@10": 0.97, "resident, GB": 1.2}


def main() -> None:
    """Print one JSON object; exit code 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--vectors-of", type=Path, metavar="INDEX")
    parser.add_argument("--search", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.search:
        print(json.dumps(searched(given.search)))
        return
    with tempfile.TemporaryDirectory(prefix="tanya-growth-") as place:
        found = grown(Path(place), given.vectors, given.vectors_of)
    missed = [name for name, goal in GOALS.items() if (found[name] < goal if "recall" in name else found[name] > goal)]
    print(json.dumps(found | {"goals": GOALS, "missed": missed}, indent=2))
    sys.exit(bool(missed))


def grown(folder: Path, count: int, index: Path | None) -> dict[str, Any]:
    """Make the vectors, build the index, and measure it in another process."""
    seeds, queries = real_vectors(folder, index)
    noise = Noise.of(seeds)
    scale, overlap = fitted(seeds, noise, count)
    write_file(folder / "chunks.npy", _npy(noise.vectors(seeds, count, scale), count, seeds.shape[1]))
    vectors = np.load(folder / "chunks.npy")
    tuning, asked = queries[::2][:QUERIES], queries[1::2][:QUERIES]
    np.save(folder / "queries.npy", asked)
    np.save(folder / "exact.npy", neighbours(asked, vectors, K)[1])
    began = time.perf_counter()
    write_file(folder / "chunks.faiss", pack_dense(vectors, tuning))
    seconds = time.perf_counter() - began
    del vectors
    run = subprocess.run(
        [sys.executable, "-m", "tests.bench.growth", "--search", str(folder)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return {
        "vectors": count,
        "seed": SEED,
        "made from": len(seeds),
        "scale of the noise": round(scale, 3),
        "overlap of the histograms": round(overlap, 3),
        "build, s": round(seconds, 1),
        **json.loads(run.stdout),
    }


def searched(folder: Path) -> dict[str, Any]:
    """Times, recall and memory of the index in `folder`, opened anew."""
    vectors = StoredVectors(folder / "chunks.npy")
    dense = FaissDense(folder / "chunks.faiss", vectors, lambda language: np.ones(len(vectors), np.bool_))
    queries, exact = np.load(folder / "queries.npy"), np.load(folder / "exact.npy")
    times: list[float] = []
    rows: list[NDArray[np.int64]] = []
    for _ in range(ROUNDS):  # the first round also brings the pages in, and counts
        rows = []
        for query in queries:
            began = time.perf_counter()
            rows.append(dense.search(query[None], K)[0])
            times.append(1000 * (time.perf_counter() - began))
    status = Path("/proc/self/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]
    return {
        "kind": dense.kind,
        "index, MB": round((folder / "chunks.faiss").stat().st_size / 1e6),
        "p50, ms": round(float(np.percentile(times, 50)), 2),
        "p95, ms": round(float(np.percentile(times, 95)), 2),
        "recall@10": round(recall(np.array(rows), exact), 4),
        "resident, GB": round(int(resident) / 1e6, 3),
    }


def real_vectors(folder: Path, index: Path | None) -> tuple[Vectors, Vectors]:
    """Vectors to add noise to, and queries from other documents."""
    if index is None:
        index = folder / "index"
        build_index(load_corpus(DOCUMENTS).documents, index, E5Embedder(OpenVinoEncoder()))
    version = open_index(index)
    chance = np.random.default_rng(SEED)
    slugs = sorted({doc_id.split(".", 1)[-1] for doc_id in version.documents})  # an article and its translation go together
    held = set(chance.choice(slugs, max(1, int(HELD_OUT * len(slugs))), replace=False).tolist())
    away = np.array([chunk.doc_id.split(".", 1)[-1] in held for chunk in version.chunks], np.bool_)
    rows = np.asarray(version.chunk_vectors)
    return np.unique(rows[~away], axis=0), chance.permutation(rows[away])


@dataclass(frozen=True)
class Noise:
    """(dimension, dimension) whose product with white noise is shaped like the step from a real vector to its neighbour."""

    shape: NDArray[np.float32]
    lengths: NDArray[np.float32]
    """Of those steps."""

    @classmethod
    def of(cls, seeds: Vectors) -> "Noise":
        _, rows = neighbours(seeds, seeds, 2)
        steps = seeds[rows[:, 1]] - seeds
        lengths = np.linalg.norm(steps, axis=1).astype(np.float32)
        ways = steps[lengths > 0] / lengths[lengths > 0][:, None]
        values, axes = np.linalg.eigh(np.cov(ways.T))
        return cls((axes * np.sqrt(np.maximum(values, 0))).T.astype(np.float32), lengths)

    def vectors(self, seeds: Vectors, count: int, scale: float) -> Iterator[Vectors]:
        """`count` unit rows, some thousand at a time, the same for the same arguments."""
        for start in range(0, count, ROWS):
            chance = np.random.default_rng((SEED, start))
            rows = np.arange(start, min(start + ROWS, count)) % len(seeds)
            steps = chance.standard_normal((len(rows), len(self.shape)), np.float32) @ self.shape
            lengths = scale * chance.choice(self.lengths, len(rows))
            moved = seeds[rows] + steps / np.linalg.norm(steps, axis=1, keepdims=True) * lengths[:, None]
            yield (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)


def fitted(seeds: Vectors, noise: Noise, count: int) -> tuple[float, float]:
    """The scale at which the made vectors are as far from their neighbours as the real ones, and how far the histograms overlap."""
    real = noise.lengths[noise.lengths > 0]
    low, high = 0.0, 4.0
    for _ in range(STEPS):
        scale = (low + high) / 2
        made = _distances(seeds, noise, count, scale)
        low, high = (scale, high) if np.median(made) < np.median(real) else (low, scale)
    edges = np.linspace(0, max(real.max(), made.max()), BINS + 1)
    bars = [np.histogram(one, edges)[0] / len(one) for one in (real, made)]
    return scale, float(np.minimum(*bars).sum())


def _distances(seeds: Vectors, noise: Noise, count: int, scale: float) -> NDArray[np.float32]:
    """From TAKEN of the made vectors to the nearest other one."""
    taken = next(noise.vectors(seeds, count, scale))[:TAKEN]  # each is made from another seed
    best = np.full((len(taken), 2), -1, np.float32)
    for block in noise.vectors(seeds, count, scale):
        cosines, _ = neighbours(taken, block, 2)
        best = np.sort(np.concatenate([best, cosines], axis=1), axis=1)[:, -2:]
    return np.sqrt(np.maximum(2 - 2 * best[:, 0], 0))  # the nearest is the vector itself


def neighbours(queries: Vectors, vectors: Vectors, k: int) -> tuple[Vectors, NDArray[np.int64]]:
    """Cosines and rows of the k nearest, exactly."""
    import faiss

    found: tuple[Vectors, NDArray[np.int64]] = faiss.knn(queries, vectors, k, metric=faiss.METRIC_INNER_PRODUCT)
    return found


def _npy(blocks: Iterator[Vectors], count: int, dimension: int) -> Iterator[bytes]:
    import io

    header = io.BytesIO()
    np.lib.format.write_array_header_2_0(header, {"descr": "<f4", "fortran_order": False, "shape": (count, dimension)})
    yield header.getvalue()
    for block in blocks:
        yield block.tobytes()


if __name__ == "__main__":
    main()
