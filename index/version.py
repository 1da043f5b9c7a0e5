"""One version of an index: its files, written once, and what an answer reads of them.

    texts.sqlite                 the documents with their tables; the chunks, row i of their vectors; the sentences, row i of theirs
    chunks.npy, sentences.npy    the vectors: float32, unit rows
    chunks.faiss                 inner-product index over the chunks' rows (index/dense.py says of what kind)
    lexical/                     BM25
    manifest.json                written last: format, model, settings, and a hash of every other file

A version is complete or absent, and is never written to again. `load_version` checks every hash, so a version that
opens is the one that was built. Beyond that `faults_of` checks that the files agree with one another. Texts and vectors
stay on the disk: an answer reads the rows that it needs.
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from corpus.document import Chunk, Document, Sentence
from corpus.errors import DocumentUnknown, IndexDamaged, IndexOutdated
from index.dense import Dense, FaissDense, Found, pack_dense
from index.disk import MEND, make_folders, sha256_of, sync_folder, write_file
from index.encoder import Vectors
from index.lexical import LexicalIndex
from index.lock import Lease
from index.texts import Documents, Records, Texts, pack_texts
from index.vector_store import FAISS, VectorStore
from index.vectors import StoredVectors, pack_vectors
from index.vocabulary import Vocabulary

FORMAT = 3
"""Raised whenever a file's shape or meaning changes; an index of another format is built anew."""

MANIFEST, TEXTS, LEXICAL, DENSE = "manifest.json", "texts.sqlite", "lexical", "chunks.faiss"
BUILD = "Run `tanya index build`."

UNIT = 1e-3
"""How far from 1 the length of a stored row may be: far above float32's rounding, far below a flipped bit that matters."""


class Manifest(BaseModel):
    """What a version is and what it consists of."""

    format: int
    version: str
    created: str
    model: str
    dimension: int
    chunk_tokens: int
    documents: int
    chunks: int
    sentences: int
    corpus_sha256: str
    source: str = ""
    """The folder of the texts, where it was told."""
    engine: str = ""
    """What computed the vectors (`engine_of`)."""
    files: dict[str, str]
    """Relative path -> SHA-256."""


@dataclass(frozen=True)
class IndexVersion:
    """An opened version: everything that an answer needs, read-only and for any thread."""

    manifest: Manifest
    texts: Texts
    chunk_vectors: StoredVectors
    sentence_vectors: StoredVectors
    lexical: LexicalIndex
    dense: Dense
    _lease: Lease | None = None

    @property
    def documents(self) -> Documents:
        """Document id -> Document."""
        return self.texts.documents

    @property
    def chunks(self) -> Records[Chunk]:
        """Row -> Chunk."""
        return self.texts.chunks

    @property
    def sentences(self) -> Records[Sentence]:
        """Row -> Sentence."""
        return self.texts.sentences

    def document(self, doc_id: str) -> Document:
        """The document of that id. Raises DocumentUnknown."""
        try:
            return self.documents[doc_id]
        except KeyError:
            raise DocumentUnknown(f"There is no document {doc_id!r} in this index.") from None

    @cached_property
    def full_forms(self) -> dict[str, frozenset[str]]:
        """Acronym -> what it stands for, as the documents say it."""
        return self.texts.acronyms()

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words of the chunks."""
        return Vocabulary(self.lexical, self.texts.capitals(), self.texts.mask)

    def language_of(self, chunk: Chunk) -> str:
        """The language of the chunk's document."""
        return self.documents[chunk.doc_id].language

    def sentences_of(self, chunk: Chunk) -> list[int]:
        """The rows of the sentences that begin in `chunk`, in reading order."""
        return self.texts.sentences_between(chunk.doc_id, chunk.start, chunk.end)

    def nearest(self, query: Vectors, k: int, language: str | None = None) -> Found:
        """The rows of the k chunks nearest to one (1, dimension) query, in one language or in all, and their cosines."""
        return self.dense.search(query, k, language)

    def cosine(self, row: int, query: Vectors) -> float:
        """Between a chunk and one (1, dimension) query."""
        return float(self.chunk_vectors[row] @ query[0])

    def mask(self, language: str | None) -> NDArray[np.bool_]:
        """(chunks,) whether a chunk is of that language; all are where it is None."""
        return self.texts.mask(language)


def load_version(folder: Path, lease: Lease | None = None, store: VectorStore = FAISS, add: bool = False) -> IndexVersion:
    """Open the version in `folder`, which `lease` keeps from being removed; `store` searches it, and takes it in first if `add`.

    Raises IndexOutdated where it has another format, IndexDamaged where a file is not the one that was built, StoreUnavailable.
    """
    manifest = manifest_of(folder)
    for name, expected in manifest.files.items():
        if sha256_of(folder / name) != expected:
            raise IndexDamaged(f"{folder / name} is not the file that was built: it is missing, torn or altered. {MEND}")
    try:
        return _load(folder, manifest, lease, store, add)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise IndexDamaged(f"{folder} cannot be read, though its hashes are right ({error}). {MEND}") from error


def _load(folder: Path, manifest: Manifest, lease: Lease | None, store: VectorStore, add: bool) -> IndexVersion:
    texts = Texts(folder / TEXTS)
    chunk_vectors, sentence_vectors = StoredVectors(folder / "chunks.npy"), StoredVectors(folder / "sentences.npy")
    said = (manifest.documents, manifest.chunks, manifest.chunks, manifest.sentences, manifest.sentences)
    found = (len(texts.documents), len(texts.chunks), len(chunk_vectors), len(texts.sentences), len(sentence_vectors))
    if said != found:
        raise ValueError(f"counts differ: {found} records and rows, not {said}")
    if add:
        store.add(folder, chunk_vectors, texts.mask)
    return IndexVersion(
        manifest=manifest,
        texts=texts,
        chunk_vectors=chunk_vectors,
        sentence_vectors=sentence_vectors,
        lexical=LexicalIndex.load(folder / LEXICAL, len(texts.chunks)),
        dense=store.open(folder, chunk_vectors, texts.mask),
        _lease=lease,
    )


def manifest_of(folder: Path) -> Manifest:
    """The manifest of the version in `folder`, its files unchecked. Raises IndexOutdated or IndexDamaged."""
    try:
        fields = json.loads((folder / MANIFEST).read_text("utf-8"))
        if isinstance(fields, dict) and fields.get("format") != FORMAT:
            raise IndexOutdated(f"The index in {folder} has format {fields.get('format')!r}, this program writes {FORMAT}. {BUILD}")
        return Manifest.model_validate(fields)
    except (OSError, ValueError, ValidationError) as error:
        raise IndexDamaged(f"{folder / MANIFEST} is missing or not readable. {MEND}") from error


def stated_documents(folder: Path) -> int:
    """How many documents the version in `folder` has, as its manifest says, whatever its format; 0 where it does not say."""
    try:
        return int(json.loads((folder / MANIFEST).read_text("utf-8"))["documents"])
    except (OSError, ValueError, TypeError, KeyError):
        return 0


def faults_of(version: IndexVersion, folder: Path) -> list[str]:
    """What is wrong with an opened version, beyond its hashes and counts: stray files, offsets, rows. Empty if it is sound."""
    manifest, faults = version.manifest, []
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    faults += [f"{name}: not in the manifest" for name in sorted(there - {*manifest.files, MANIFEST})]
    faults += [f"{chunk.chunk_id}: is not what its document says there" for chunk in version.chunks if not _is_there(chunk, version)]
    tables: tuple[tuple[str, Iterable[Chunk | Sentence]], ...] = (("chunk", version.chunks), ("sentence", version.sentences))
    for name, records in tables:
        faults += [
            f"{name} {row + 1}: begins before the one above it"
            for row, (one, other) in enumerate(itertools.pairwise(records), start=1)
            if one.doc_id == other.doc_id and other.start <= one.start
        ]
    for row, sentence in enumerate(version.sentences):
        document = version.documents.get(sentence.doc_id)
        if document is None or not 0 <= sentence.start < sentence.end <= len(document.text):
            faults.append(f"sentence {row + 1}: its offsets lie outside its document")
    for name, rows in (("chunks.npy", version.chunk_vectors), ("sentences.npy", version.sentence_vectors)):
        faults += [
            f"{name}, row {row + 1}: is no unit vector of {manifest.dimension} numbers" for row in _wrong_rows(rows, manifest.dimension)
        ]
    return faults + _faults_of_dense(version, folder / DENSE)


def _faults_of_dense(version: IndexVersion, path: Path) -> list[str]:
    """Of FAISS' file, which is there whatever searches the version."""
    try:
        rows = FaissDense(path, version.chunk_vectors, version.mask).wrong_rows()
        return [f"{path.name}, row {row + 1}: is not that row of chunks.npy" for row in rows]
    except (OSError, ValueError, RuntimeError) as error:
        return [f"{path.name}: cannot be read ({error})"]


def _wrong_rows(vectors: StoredVectors, dimension: int) -> Iterator[int]:
    first = 0
    for rows in vectors.blocks():
        lengths = np.linalg.norm(rows, axis=1)
        wrong = np.flatnonzero(~(np.abs(lengths - 1) < UNIT)) if rows.shape[1] == dimension else range(len(rows))
        yield from (first + int(row) for row in wrong)
        first += len(rows)


def _is_there(chunk: Chunk, version: IndexVersion) -> bool:
    document = version.documents.get(chunk.doc_id)
    return document is not None and document.text[chunk.start : chunk.end] == chunk.text


@dataclass(frozen=True)
class Contents:
    """What goes into a version: rows of `vectors` are the chunks, rows of `sentence_vectors` the sentences."""

    documents: Sequence[Document]
    chunks: Sequence[Chunk]
    vectors: Vectors
    sentences: Sequence[Sentence]
    sentence_vectors: Vectors
    lexical: LexicalIndex


def write_version(folder: Path, manifest: Manifest, contents: Contents) -> Manifest:
    """Write all files of a version into the empty `folder`, the manifest last; OSError passes through."""
    make_folders(folder / LEXICAL)
    hashes = {name: write_file(folder / name, content) for name, content in _files(contents, folder)}
    sync_folder(folder / LEXICAL)
    complete = manifest.model_copy(update={"files": hashes})
    write_file(folder / MANIFEST, complete.model_dump_json(indent=1).encode())
    sync_folder(folder)
    return complete


def _files(contents: Contents, place: Path) -> Iterator[tuple[str, bytes | Iterable[bytes]]]:
    """(name, content); what a library writes itself is drafted in `place`, so that it needs no room on another disk."""
    yield TEXTS, pack_texts(contents.documents, contents.chunks, contents.sentences, place)
    yield "chunks.npy", pack_vectors(contents.vectors)
    yield "sentences.npy", pack_vectors(contents.sentence_vectors)
    yield DENSE, pack_dense(contents.vectors, contents.sentence_vectors)
    for name, content in contents.lexical.files(place):
        yield f"{LEXICAL}/{name}", content
