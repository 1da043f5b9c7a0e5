"""An index that outgrows the memory: texts and vectors are read a row at a time, and a large one is searched quantised."""

import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import index.dense
import index.texts
from corpus import load_corpus
from corpus.errors import IndexDamaged
from index import HashEmbedder, build_index, open_index
from index.dense import FaissDense, pack_dense, recall
from index.disk import write_file
from index.encoder import Vectors
from index.retrieve import best_rows
from index.store import VERSIONS
from index.vectors import StoredVectors, pack_vectors
from tests.conftest import Writer, toy_bot

EDGE = 500
"""Rows that are searched exactly, in these tests."""


@pytest.fixture(autouse=True)
def small_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index.dense, "EXACT_UP_TO", EDGE)


def unit_rows(count: int, seed: int) -> Vectors:
    chance = np.random.default_rng(seed)
    centres = np.random.default_rng(0).standard_normal((40, 32), np.float32)
    rows = centres[chance.integers(40, size=count)] + chance.standard_normal((count, 32), np.float32)
    found: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return found


def even(language: str) -> NDArray[np.bool_]:
    return np.array([row % 2 == (language != "even") for row in range(2000)], np.bool_)


def opened(folder: Path, vectors: Vectors) -> FaissDense:
    write_file(folder / "v.npy", pack_vectors(vectors))
    write_file(folder / "v.faiss", pack_dense(vectors, unit_rows(100, 2)))
    return FaissDense(folder / "v.faiss", StoredVectors(folder / "v.npy"), lambda language: even(language)[: len(vectors)])


@pytest.mark.parametrize("count", [1, EDGE, EDGE + 1, 2000])
def test_a_search_gives_the_nearest_rows_with_their_exact_cosines(tmp_path: Path, count: int) -> None:
    vectors, queries = unit_rows(count, 1), unit_rows(50, 3)
    dense = opened(tmp_path, vectors)
    assert (dense.kind == "exact") == (count <= EDGE)
    wanted = min(10, count)
    found = [dense.search(query[None], 10) for query in queries]
    exact = np.argsort(-(queries @ vectors.T), axis=1)[:, :wanted]
    for query, (rows, cosines) in zip(queries, found, strict=True):
        assert len(rows) == wanted
        assert np.allclose(cosines, vectors[rows] @ query, atol=1e-6)
        assert (np.diff(cosines) <= 0).all()
    assert recall(np.array([rows for rows, _ in found]), exact) >= 0.97


@pytest.mark.parametrize("count", [EDGE, 2000])
def test_a_large_index_is_mapped_and_not_read_into_memory(tmp_path: Path, count: int) -> None:
    dense = opened(tmp_path, unit_rows(count, 1))
    assert len(dense.search(unit_rows(1, 3), 10)[0]) == 10
    mapped = [line for line in Path("/proc/self/maps").read_text().splitlines() if line.endswith(str(tmp_path / "v.faiss"))]
    assert bool(mapped) == (count > EDGE)


@pytest.mark.parametrize("count", [1, EDGE, 2000])
def test_each_row_is_checked_to_be_its_vector(tmp_path: Path, count: int) -> None:
    vectors = unit_rows(count, 1)
    dense = opened(tmp_path, vectors)
    assert list(dense.wrong_rows()) == []
    write_file(tmp_path / "turned.npy", pack_vectors(vectors[::-1]))
    other = FaissDense(tmp_path / "v.faiss", StoredVectors(tmp_path / "turned.npy"), even)
    least = {1: 0, EDGE: EDGE, 2000: 0.9 * index.dense.CHECKED}  # of a sample, some find themselves among their neighbours
    assert len(list(other.wrong_rows())) >= least[count]


@pytest.mark.parametrize("count", [EDGE, 2000])
def test_a_language_alone_is_searched_among_its_own_rows(tmp_path: Path, count: int) -> None:
    vectors, queries = unit_rows(count, 1), unit_rows(30, 3)
    dense = opened(tmp_path, vectors)
    rows = np.array([dense.search(query[None], 10, "even")[0] for query in queries])
    assert (rows % 2 == 0).all()
    assert recall(rows, 2 * np.argsort(-(queries @ vectors[::2].T), axis=1)[:, :10]) >= 0.97


def test_the_same_vectors_give_the_same_file() -> None:
    vectors, queries = unit_rows(2000, 1), unit_rows(100, 2)
    assert b"".join(pack_dense(vectors, queries)) == b"".join(pack_dense(vectors, queries))


def test_the_best_rows_are_those_of_a_whole_sort() -> None:
    chance = np.random.default_rng(4)
    for size in (0, 1, 5, 60, 300):
        scores, allowed = chance.integers(0, 9, size).astype(np.float32), chance.random(size) < 0.7
        expected = [row for row in np.argsort(-scores, kind="stable") if allowed[row]][:50]
        assert best_rows(scores, allowed, 50).tolist() == expected


def test_an_answer_reads_rows_and_never_a_whole_table(write: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        write(f"en/a{number}.md", f"Number {number} is round. The moon number {number} has no air.")
    bot = toy_bot(write.folder, tmp_path / "index")
    bot.ask("What has no air?", language="en")

    def scanned(*whatever: object) -> None:
        raise AssertionError("a whole table was read")

    monkeypatch.setattr(index.texts, "_paged", scanned)
    assert "number 7 has no air" in bot.ask("What of moon number 7 has no air?", language="en").answer


def test_many_threads_read_one_version(write: Writer, tmp_path: Path) -> None:
    for number in range(40):
        write(f"en/a{number}.md", f"Text {number} is the text of {number}. It ends.")
    build_index(load_corpus(write.folder).documents, tmp_path / "index", HashEmbedder())
    version, errors = open_index(tmp_path / "index"), list[str]()

    def read(start: int) -> None:
        for step in range(400):
            number = (start + 7 * step) % 40
            document = version.document(f"en.a{number}")
            chunk = version.chunks[list(version.documents).index(document.doc_id)] if step % 50 == 0 else None
            if f"text of {number}." not in document.text or (chunk and chunk.doc_id != document.doc_id):
                errors.append(document.doc_id)

    threads = [threading.Thread(target=read, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.parametrize("name", ["texts.sqlite", "sentences.npy"])
def test_a_file_cut_short_while_it_is_read_is_named(write: Writer, tmp_path: Path, name: str) -> None:
    write("en/moon.md", "The moon has no air. It is round.")
    build_index(load_corpus(write.folder).documents, tmp_path / "index", HashEmbedder())
    version = open_index(tmp_path / "index")
    path = tmp_path / "index" / VERSIONS / version.manifest.version / name
    with path.open("r+b") as file:
        file.truncate(0)
    with pytest.raises(IndexDamaged, match=name):
        version.sentence_vectors[0] if name == "sentences.npy" else version.full_forms
