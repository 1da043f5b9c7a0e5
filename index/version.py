"""One version of an index: its files, written once, and what an answer reads of them.

    documents.jsonl              the documents with their tables
    chunks.jsonl                 the chunks, row i of the vectors
    sentences.jsonl              the sentences, row i of theirs
    chunks.npy, sentences.npy    their vectors: float32, unit rows
    chunks.faiss                 exact inner-product index over the chunks' rows
    lexical/                     BM25
    manifest.json                written last: format, model, settings, and a hash of every other file

A version is complete or absent, and is never written to again. `load_version` checks every hash, so a version that
opens is the one that was built. Beyond that `faults_of` checks that the files agree with one another.
"""

import dataclasses
import io
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from corpus.acronyms import full_forms
from corpus.document import Block, Chunk, Document, Note, Sentence, Source
from corpus.errors import DocumentUnknown, IndexDamaged, IndexOutdated
from index.disk import make_folders, sha256_of, sync_folder, write_file
from index.encoder import Vectors
from index.lexical import LexicalIndex
from index.lock import Lease
from index.vocabulary import Vocabulary

FORMAT = 2
"""Raised whenever a file's shape or meaning changes; an index of another format is built anew."""

MANIFEST, LEXICAL = "manifest.json", "lexical"
BUILD = "Run `tanya index build`."
MEND = "Run `tanya index rollback` for an older version, or `tanya index build`."

ROWS = 4096
"""Vectors of one write."""

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
    files: dict[str, str]
    """Relative path -> SHA-256."""


@dataclass(frozen=True)
class IndexVersion:
    """An opened version: everything that an answer needs, read-only."""

    manifest: Manifest
    documents: dict[str, Document]
    chunks: tuple[Chunk, ...]
    sentences: tuple[Sentence, ...]
    chunk_vectors: Vectors
    sentence_vectors: Vectors
    lexical: LexicalIndex
    _faiss: Any
    _first_sentence: dict[str, int]
    _lease: Lease | None = None

    def document(self, doc_id: str) -> Document:
        """The document of that id. Raises DocumentUnknown."""
        try:
            return self.documents[doc_id]
        except KeyError:
            raise DocumentUnknown(f"There is no document {doc_id!r} in this index.") from None

    @cached_property
    def full_forms(self) -> dict[str, frozenset[str]]:
        """Acronym -> what it stands for, as the documents say it."""
        return full_forms(document.text for document in self.documents.values())

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words of the chunks."""
        return Vocabulary(self.lexical, [chunk.text for chunk in self.chunks], [self.language_of(chunk) for chunk in self.chunks])

    def language_of(self, chunk: Chunk) -> str:
        """The language of the chunk's document."""
        return self.documents[chunk.doc_id].language

    def sentences_of(self, chunk: Chunk) -> list[int]:
        """The rows of the sentences that begin in `chunk`, in reading order."""
        rows = []
        for row in range(self._first_sentence.get(chunk.doc_id, len(self.sentences)), len(self.sentences)):
            sentence = self.sentences[row]
            if sentence.doc_id != chunk.doc_id or sentence.start >= chunk.end:
                break
            if sentence.start >= chunk.start:
                rows.append(row)
        return rows

    def similarities(self, query: Vectors) -> NDArray[np.float32]:
        """(chunks,) cosines between one (1, dimension) query and every chunk."""
        if not self.chunks:
            return np.zeros(0, np.float32)
        found, rows = self._faiss.search(query, len(self.chunks))
        scores = np.empty(len(self.chunks), np.float32)
        scores[rows[0]] = found[0]
        return scores


def load_version(folder: Path, lease: Lease | None = None) -> IndexVersion:
    """Open the version in `folder`, which `lease` keeps from being removed.

    Raises IndexOutdated where it has another format, IndexDamaged where a file is not the one that was built.
    """
    manifest = manifest_of(folder)
    for name, expected in manifest.files.items():
        if sha256_of(folder / name) != expected:
            raise IndexDamaged(f"{folder / name} is not the file that was built: it is missing, torn or altered. {MEND}")
    try:
        return _load(folder, manifest, lease)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise IndexDamaged(f"{folder} cannot be read, though its hashes are right ({error}). {MEND}") from error


def _load(folder: Path, manifest: Manifest, lease: Lease | None) -> IndexVersion:
    import faiss

    documents = {row["doc_id"]: _document(row) for row in _read_rows(folder / "documents.jsonl")}
    sentences = tuple(Sentence(**(row | {"keys": tuple(row["keys"])})) for row in _read_rows(folder / "sentences.jsonl"))
    chunks = tuple(Chunk(**row) for row in _read_rows(folder / "chunks.jsonl"))
    chunk_vectors = np.load(folder / "chunks.npy", allow_pickle=False)
    sentence_vectors = np.load(folder / "sentences.npy", allow_pickle=False)
    dense = faiss.read_index(str(folder / "chunks.faiss"))
    said = (manifest.documents, manifest.chunks, manifest.chunks, manifest.chunks, manifest.sentences, manifest.sentences)
    found = (len(documents), len(chunks), len(chunk_vectors), dense.ntotal, len(sentences), len(sentence_vectors))
    if said != found:
        raise ValueError(f"counts differ: {found} records and rows, not {said}")
    return IndexVersion(
        manifest=manifest,
        documents=documents,
        chunks=chunks,
        sentences=sentences,
        chunk_vectors=chunk_vectors,
        sentence_vectors=sentence_vectors,
        lexical=LexicalIndex.load(folder / LEXICAL, len(chunks)),
        _faiss=dense,
        _first_sentence={sentence.doc_id: row for row, sentence in reversed(list(enumerate(sentences)))},
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


def faults_of(version: IndexVersion, folder: Path) -> list[str]:
    """What is wrong with an opened version, beyond its hashes and counts: stray files, offsets, rows. Empty if it is sound."""
    manifest, faults = version.manifest, []
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    faults += [f"{name}: not in the manifest" for name in sorted(there - {*manifest.files, MANIFEST})]
    faults += [f"{chunk.chunk_id}: is not what its document says there" for chunk in version.chunks if not _is_there(chunk, version)]
    tables: tuple[tuple[str, Sequence[Chunk | Sentence]], ...] = (("chunk", version.chunks), ("sentence", version.sentences))
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
        lengths = np.linalg.norm(rows, axis=1)
        wrong = np.flatnonzero(~(np.abs(lengths - 1) < UNIT)) if rows.shape[1:] == (manifest.dimension,) else range(len(rows))
        faults += [f"{name}, row {row + 1}: is no unit vector of {manifest.dimension} numbers" for row in wrong]
    return faults


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
    hashes = {name: write_file(folder / name, content) for name, content in _files(contents)}
    sync_folder(folder / LEXICAL)
    complete = manifest.model_copy(update={"files": hashes})
    write_file(folder / MANIFEST, complete.model_dump_json(indent=1).encode())
    sync_folder(folder)
    return complete


def _files(contents: Contents) -> Iterator[tuple[str, bytes | Iterable[bytes]]]:
    import faiss

    yield "documents.jsonl", _lines(contents.documents)
    yield "chunks.jsonl", _lines(contents.chunks)
    yield "sentences.jsonl", _lines(contents.sentences)
    yield "chunks.npy", _array(contents.vectors)
    yield "sentences.npy", _array(contents.sentence_vectors)
    flat = faiss.IndexFlatIP(contents.vectors.shape[1])
    flat.add(contents.vectors)
    yield "chunks.faiss", faiss.serialize_index(flat).tobytes()
    for name, content in contents.lexical.files():
        yield f"{LEXICAL}/{name}", content


def _lines(records: Iterable[Any]) -> Iterator[bytes]:
    return (json.dumps(dataclasses.asdict(record), ensure_ascii=False).encode() + b"\n" for record in records)


def _array(rows: Vectors) -> Iterator[bytes]:
    header = io.BytesIO()
    np.lib.format.write_array_header_2_0(header, np.lib.format.header_data_from_array_1_0(rows))
    yield header.getvalue()
    for start in range(0, len(rows), ROWS):
        yield rows[start : start + ROWS].tobytes()


def _read_rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _document(row: dict[str, Any]) -> Document:
    tables = {
        "blocks": tuple(Block(**block) for block in row["blocks"]),
        "notes": tuple(Note(note["offset"], tuple(note["keys"])) for note in row["notes"]),
        "sources": tuple(Source(**source) for source in row["sources"]),
        "meta": tuple(row["meta"]),
    }
    return Document(**(row | tables))
