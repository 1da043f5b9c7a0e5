"""The texts of a version in one SQLite file: documents, chunks and sentences, of which an answer reads only what it shows.

    documents(row, doc_id, language, text, record)       record: all else of the Document, as JSON
    chunks(row, chunk_id, doc_id, start, end, text, heading)
    sentences(row, doc_id, start, end, keys)
    acronyms(acronym, form)                              what the texts say that it stands for
    words(word, capital, small)                          how often a word within a sentence has a capital, and has not

Rows count from 0 and are those of the vectors. The file is opened as immutable and read by any thread, one statement at
a time. What is not as it was written raises IndexDamaged, whenever it is met.
"""

import contextlib
import dataclasses
import errno
import json
import os
import sqlite3
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Generic, TypeVar, overload
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from corpus.acronyms import full_forms
from corpus.document import Block, Chunk, Document, Note, Sentence, Source
from corpus.errors import IndexDamaged
from index.disk import BLOCK, MEND
from index.vocabulary import count_capitals

DOCUMENTS_HELD, RECORDS_HELD = 64, 2048
"""Most documents, and chunks or sentences, kept at hand: an answer looks at some sixteen documents and a few hundred
sentences, several times each."""

PAGE = 1000
"""Rows of one read where all are read in turn."""

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE documents (row INTEGER PRIMARY KEY, doc_id TEXT NOT NULL UNIQUE, language TEXT NOT NULL, text TEXT NOT NULL,
    record TEXT NOT NULL);
CREATE TABLE chunks (row INTEGER PRIMARY KEY, chunk_id TEXT NOT NULL, doc_id TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    text TEXT NOT NULL, heading TEXT NOT NULL);
CREATE TABLE sentences (row INTEGER PRIMARY KEY, doc_id TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, keys TEXT NOT NULL);
CREATE TABLE acronyms (acronym TEXT NOT NULL, form TEXT NOT NULL);
CREATE TABLE words (word TEXT PRIMARY KEY, capital INTEGER NOT NULL, small INTEGER NOT NULL);
CREATE INDEX sentences_of ON sentences (doc_id, start);
BEGIN;
"""

_Record = TypeVar("_Record")
_Row = tuple[Any, ...]


class Texts:
    """The opened file."""

    def __init__(self, path: Path) -> None:
        """Raises IndexDamaged where the file is not one of these."""
        self._reader = _Reader(path)
        self.documents = Documents(self._reader)
        self.chunks = Records(self._reader, "chunks", 'chunk_id, doc_id, start, "end", text, heading', _chunk)
        self.sentences = Records(self._reader, "sentences", 'doc_id, start, "end", keys', _sentence)
        self._masks: dict[str | None, NDArray[np.bool_]] = {}

    def sentences_between(self, doc_id: str, start: int, end: int) -> list[int]:
        """The rows of the document's sentences that begin at `start` or after it and before `end`, in reading order."""
        query = "SELECT row FROM sentences WHERE doc_id = ? AND start >= ? AND start < ? ORDER BY start"
        return [row for (row,) in self._reader.rows(query, doc_id, start, end)]

    def mask(self, language: str | None) -> NDArray[np.bool_]:
        """(chunks,) whether a chunk is of that language; all are where it is None. Read once for each language."""
        if language not in self._masks:
            mask = np.full(len(self.chunks), language is None, np.bool_)
            if language is not None:
                query = "SELECT chunks.row FROM chunks JOIN documents USING (doc_id) WHERE language = ?"
                mask[[row for (row,) in self._reader.rows(query, language)]] = True
            self._masks[language] = mask
        return self._masks[language]

    def acronyms(self) -> dict[str, frozenset[str]]:
        """Acronym -> its full forms."""
        found: dict[str, set[str]] = {}
        for acronym, form in self._reader.rows("SELECT acronym, form FROM acronyms"):
            found.setdefault(acronym, set()).add(form)
        return {acronym: frozenset(forms) for acronym, forms in found.items()}

    def capitals(self) -> dict[str, tuple[int, int]]:
        """Word -> how often it has a capital within a sentence, and how often not."""
        return {word: (capital, small) for word, capital, small in self._reader.rows("SELECT word, capital, small FROM words")}


class _Reader:
    """One connection for all threads: the lock holds while a statement runs, which is shorter than opening another."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        try:
            self._connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True, check_same_thread=False)
        except sqlite3.Error as error:
            raise self.damage(error) from error
        weakref.finalize(self, self._connection.close)

    def rows(self, query: str, *values: str | int) -> list[_Row]:
        try:
            with self._lock:
                return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self.damage(error) from error

    def damage(self, error: Exception) -> IndexDamaged:
        return IndexDamaged(f"{self._path} cannot be read, or is not what was built ({error}). {MEND}")

    def made(self, make: Callable[[_Row], Any], row: _Row) -> Any:
        try:
            return make(row)
        except (ValueError, TypeError, KeyError) as error:
            raise self.damage(error) from error


class Documents(Mapping[str, Document]):
    """Document id -> Document, in the order of the corpus."""

    def __init__(self, reader: _Reader) -> None:
        self._reader = reader
        self._size = int(reader.rows("SELECT count(*) FROM documents")[0][0])
        self._held = lru_cache(DOCUMENTS_HELD)(partial(_read_document, reader))

    def __getitem__(self, doc_id: str) -> Document:
        return self._held(doc_id)

    def __iter__(self) -> Iterator[str]:
        for _, doc_id in _paged(self._reader, "documents", "doc_id"):
            yield doc_id

    def __len__(self) -> int:
        return self._size


class Records(Sequence[_Record], Generic[_Record]):
    """Row -> Chunk or Sentence."""

    def __init__(self, reader: _Reader, table: str, columns: str, make: Callable[[_Row], _Record]) -> None:
        self._reader, self._table, self._columns, self._make = reader, table, columns, make
        self._size = int(reader.rows(f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608 (names of ours)
        self._held = lru_cache(RECORDS_HELD)(partial(_read_record, reader, table, columns, make))

    @overload
    def __getitem__(self, row: int) -> _Record: ...
    @overload
    def __getitem__(self, row: slice) -> list[_Record]: ...
    def __getitem__(self, row: int | slice) -> _Record | list[_Record]:
        if isinstance(row, slice):
            return [self[i] for i in range(*row.indices(self._size))]
        if not -self._size <= row < self._size:
            raise IndexError(row)
        return self._held(row % self._size)

    def __iter__(self) -> Iterator[_Record]:
        for expected, (row, *fields) in enumerate(_paged(self._reader, self._table, self._columns)):
            if row != expected:
                raise self._reader.damage(ValueError(f"{self._table} has no row {expected}"))
            yield self._reader.made(self._make, tuple(fields))

    def __len__(self) -> int:
        return self._size


def _paged(reader: _Reader, table: str, columns: str) -> Iterator[_Row]:
    query, last = f"SELECT row, {columns} FROM {table} WHERE row > ? ORDER BY row LIMIT {PAGE}", -1  # noqa: S608
    while page := reader.rows(query, last):
        yield from page
        last = page[-1][0]


def _read_document(reader: _Reader, doc_id: str) -> Document:
    found = reader.rows("SELECT text, record FROM documents WHERE doc_id = ?", doc_id)
    if not found:
        raise KeyError(doc_id)
    document: Document = reader.made(_document, found[0])
    return document


def _read_record(reader: _Reader, table: str, columns: str, make: Callable[[_Row], _Record], row: int) -> _Record:
    found = reader.rows(f"SELECT {columns} FROM {table} WHERE row = ?", row)  # noqa: S608
    if not found:
        raise reader.damage(ValueError(f"{table} has no row {row}"))
    record: _Record = reader.made(make, found[0])
    return record


def _document(row: _Row) -> Document:
    text, record = row[0], json.loads(row[1])
    tables = {
        "text": text,
        "blocks": tuple(Block(**block) for block in record["blocks"]),
        "notes": tuple(Note(note["offset"], tuple(note["keys"])) for note in record["notes"]),
        "sources": tuple(Source(**source) for source in record["sources"]),
        "meta": tuple(record["meta"]),
    }
    return Document(**(record | tables))


def _chunk(row: _Row) -> Chunk:
    return Chunk(*row)


def _sentence(row: _Row) -> Sentence:
    doc_id, start, end, keys = row
    return Sentence(doc_id, start, end, tuple(json.loads(keys)))


def pack_texts(documents: Sequence[Document], chunks: Iterable[Chunk], sentences: Iterable[Sentence], place: Path) -> Iterator[bytes]:
    """The file's content, the same bytes for the same texts; drafted in the folder `place`, OSError where that refuses."""
    with tempfile.TemporaryDirectory(prefix="draft-", dir=place) as folder:
        path = Path(folder) / "texts"
        try:
            with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
                _fill(connection, documents, chunks, sentences)
        except sqlite3.Error as error:
            number = errno.ENOSPC if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL else errno.EIO
            raise OSError(number, f"{os.strerror(number)} ({error})") from error
        with path.open("rb") as file:
            while part := file.read(BLOCK):
                yield part


def _fill(connection: sqlite3.Connection, documents: Sequence[Document], chunks: Iterable[Chunk], sentences: Iterable[Sentence]) -> None:
    connection.executescript(_SCHEMA)
    connection.executemany("INSERT INTO documents VALUES (?, ?, ?, ?, ?)", map(_document_row, range(len(documents)), documents))
    rows = ((row, one.chunk_id, one.doc_id, one.start, one.end, one.text, one.heading) for row, one in enumerate(chunks))
    connection.executemany("INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    marks = ((row, one.doc_id, one.start, one.end, json.dumps(one.keys)) for row, one in enumerate(sentences))
    connection.executemany("INSERT INTO sentences VALUES (?, ?, ?, ?, ?)", marks)
    forms = full_forms(document.text for document in documents)
    pairs = ((acronym, form) for acronym in sorted(forms) for form in sorted(forms[acronym]))
    connection.executemany("INSERT INTO acronyms VALUES (?, ?)", pairs)
    counted = count_capitals(document.text for document in documents)
    connection.executemany("INSERT INTO words VALUES (?, ?, ?)", ((word, *counts) for word, counts in sorted(counted.items())))
    connection.execute("COMMIT")


def _document_row(row: int, document: Document) -> _Row:
    record = dataclasses.asdict(document)
    text = record.pop("text")
    return row, document.doc_id, document.language, text, json.dumps(record, ensure_ascii=False)
