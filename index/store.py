"""An index on disk: a directory per version, and one small file that names the current one.

    INDEX/current                    the name of the live version; replaced in one atomic step
    INDEX/versions/NAME/
        documents.jsonl              the documents with their tables
        chunks.jsonl                 the chunks, row i of the vectors
        sentences.jsonl              the sentences, row i of theirs
        vectors.faiss                exact inner-product index over the chunks' unit rows
        sentences.faiss              the same over the sentences'
        lexical/                     BM25
        manifest.json                written last: format, model, settings, and a hash of every other file

A version is complete or absent, and is never written to again. `open_index` checks every hash, so an index that
opens is the one that was built.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from corpus.document import Block, Chunk, Document, Note, Sentence, Source
from corpus.errors import DocumentUnknown, IndexDamaged, IndexMissing, IndexOutdated, ModelMismatch
from index.encoder import Vectors
from index.lexical import LexicalIndex

FORMAT = 1
CURRENT, VERSIONS, MANIFEST = "current", "versions", "manifest.json"
BUILD = "Run `tanya index build`."


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
    sentence_vectors: Vectors
    lexical: LexicalIndex
    _faiss: Any
    _first_sentence: dict[str, int]

    def document(self, doc_id: str) -> Document:
        """The document of that id. Raises DocumentUnknown."""
        try:
            return self.documents[doc_id]
        except KeyError:
            raise DocumentUnknown(f"There is no document {doc_id!r} in this index.") from None

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
        found, rows = self._faiss.search(query, len(self.chunks))
        scores = np.empty(len(self.chunks), np.float32)
        scores[rows[0]] = found[0]
        return scores


def open_index(index_dir: Path, model: str | None = None) -> IndexVersion:
    """Open the current version.

    Raises IndexMissing, IndexDamaged or IndexOutdated, and ModelMismatch where it was not built with `model`.
    """
    folder, manifest = read_manifest(index_dir)
    if model is not None and manifest.model != model:
        raise ModelMismatch(f"The index in {index_dir} was built with {manifest.model!r}, the model now is {model!r}. {BUILD}")
    for name, expected in manifest.files.items():
        if _sha256(folder / name) != expected:
            raise IndexDamaged(f"{folder / name} is not the file that was built: it is missing, torn or altered. {BUILD}")
    import faiss

    sentences = tuple(Sentence(**(row | {"keys": tuple(row["keys"])})) for row in _read_rows(folder / "sentences.jsonl"))
    rows = faiss.read_index(str(folder / "sentences.faiss"))
    chunks = tuple(Chunk(**row) for row in _read_rows(folder / "chunks.jsonl"))
    return IndexVersion(
        manifest=manifest,
        documents={row["doc_id"]: _document(row) for row in _read_rows(folder / "documents.jsonl")},
        chunks=chunks,
        sentences=sentences,
        sentence_vectors=rows.reconstruct_n(0, rows.ntotal),
        lexical=LexicalIndex.load(folder / "lexical", len(chunks)),
        _faiss=faiss.read_index(str(folder / "vectors.faiss")),
        _first_sentence={sentence.doc_id: row for row, sentence in reversed(list(enumerate(sentences)))},
    )


def read_manifest(index_dir: Path) -> tuple[Path, Manifest]:
    """The current version's folder and manifest, its files unchecked."""
    try:
        name = (index_dir / CURRENT).read_text("utf-8").strip()
    except FileNotFoundError:
        raise IndexMissing(f"There is no index in {index_dir} yet. {BUILD}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise IndexDamaged(f"{index_dir / CURRENT} cannot be read. {BUILD}") from error
    folder = index_dir / VERSIONS / name
    try:
        fields = json.loads((folder / MANIFEST).read_text("utf-8"))
        if isinstance(fields, dict) and fields.get("format") != FORMAT:
            raise IndexOutdated(f"The index in {index_dir} has format {fields.get('format')!r}, this program writes {FORMAT}. {BUILD}")
        return folder, Manifest.model_validate(fields)
    except (OSError, ValueError, ValidationError) as error:
        raise IndexDamaged(f"{folder / MANIFEST} is missing or not readable. {BUILD}") from error


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
    _write_rows(folder / "documents.jsonl", contents.documents)
    _write_rows(folder / "chunks.jsonl", contents.chunks)
    _write_rows(folder / "sentences.jsonl", contents.sentences)
    _write_faiss(folder / "vectors.faiss", contents.vectors)
    _write_faiss(folder / "sentences.faiss", contents.sentence_vectors)
    (folder / "lexical").mkdir()
    contents.lexical.save(folder / "lexical")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    complete = manifest.model_copy(update={"files": {path.relative_to(folder).as_posix(): _sha256(path) or "" for path in files}})
    for path in (*files, folder / "lexical"):
        _sync(path)
    _write_synced(folder / MANIFEST, complete.model_dump_json(indent=1))
    _sync(folder)
    return complete


def make_current(index_dir: Path, version: str) -> None:
    """Name `version` as the live one, atomically and durably."""
    _sync(index_dir / VERSIONS)
    draft = index_dir / f".{CURRENT}-{os.getpid()}"
    try:
        _write_synced(draft, version + "\n")
        draft.replace(index_dir / CURRENT)
    finally:
        draft.unlink(missing_ok=True)
    _sync(index_dir)


def _write_synced(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _write_faiss(path: Path, rows: Vectors) -> None:
    """Through Python's own file, so that a full disk is an OSError and not a message from C++."""
    import faiss

    flat = faiss.IndexFlatIP(rows.shape[1])
    flat.add(rows)
    path.write_bytes(faiss.serialize_index(flat).tobytes())


def _write_rows(path: Path, records: Iterable[Any]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for record in records:
            file.write(json.dumps(dataclasses.asdict(record), ensure_ascii=False) + "\n")


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
