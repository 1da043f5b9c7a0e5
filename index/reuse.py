"""Vectors that need not be computed again: those of the version a build starts from, and those of a build that was cut off.

A vector is known by the SHA-256 of its text, and by the model's identity and engine. While a build embeds, each slice of new
vectors is appended to `embedded-….bin`; the build that comes after a killed one finds them there. A record that was
cut off, or that a power cut spoilt, is recognised by its checksum and computed again.
"""

import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from corpus.document import Chunk, Document, Sentence
from index.disk import remove_file, write_all
from index.embed import Embedder, Progress, engine_of
from index.encoder import Vectors
from index.vectors import StoredVectors
from index.version import IndexVersion

PREFIX = "embedded-"
SLICE_CHARACTERS = 64_000
"""Characters embedded between two appends, about 120 passages, a second on two cores with AMX: what a killed build loses at most."""


def text_key(text: str) -> bytes:
    """What a vector is known by."""
    return hashlib.sha256(text.encode()).digest()


def passage_text(chunk: Chunk, title: str) -> str:
    """A chunk with the title and heading above it, which name what its sentences speak of."""
    return "\n".join(part for part in (title, chunk.heading, chunk.text) if part)


def passages_of(documents: Mapping[str, Document], chunks: Iterable[Chunk]) -> Iterator[str]:
    """What is embedded of each chunk."""
    return (passage_text(chunk, documents[chunk.doc_id].title) for chunk in chunks)


def quotes_of(documents: Mapping[str, Document], sentences: Iterable[Sentence]) -> Iterator[str]:
    """What is embedded of each sentence."""
    return (documents[sentence.doc_id].text[sentence.start : sentence.end] for sentence in sentences)


class KnownVectors(Mapping[bytes, Vectors]):
    """Text key -> (dimension,) row, of the version `base` and of the builds that were cut off."""

    def __init__(self, index_dir: Path, embedder: Embedder, base: IndexVersion | None) -> None:
        model = (embedder.identity, embedder.dimension, engine_of(embedder))
        name = hashlib.sha256("\n".join(map(str, model)).encode()).hexdigest()[:16]
        self.path = index_dir / f"{PREFIX}{name}.bin"
        self._record = np.dtype([("key", "u1", 32), ("row", "<f4", embedder.dimension), ("check", "<u4")])
        self._rows = dict(self._cut_off())
        self._stored: dict[bytes, tuple[StoredVectors, int]] = {}
        self._whole = len(self._rows) * self._record.itemsize
        if base is not None and (base.manifest.model, base.manifest.dimension, base.manifest.engine) == model:
            documents = base.documents
            self._stored |= {text_key(text): (base.chunk_vectors, row) for row, text in enumerate(passages_of(documents, base.chunks))}
            quotes = enumerate(quotes_of(documents, base.sentences))
            self._stored |= {text_key(text): (base.sentence_vectors, row) for row, text in quotes}

    def __getitem__(self, key: bytes) -> Vectors:
        if key in self._stored:
            vectors, row = self._stored[key]
            return vectors[row]
        return self._rows[key]

    def __contains__(self, key: object) -> bool:
        return key in self._stored or key in self._rows

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stored.keys() | self._rows.keys())

    def __len__(self) -> int:
        return len(self._stored.keys() | self._rows.keys())

    def missing(self, texts: Sequence[str]) -> list[str]:
        """Those of `texts` that have no vector yet, each once, the longest first, so that a batch holds texts of about one length."""
        return sorted({text: None for text in texts if text_key(text) not in self}, key=lambda text: -len(text))

    def embed(self, texts: Sequence[str], embedder: Embedder, progress: Progress | None = None) -> Vectors:
        """(n, dimension) rows for `texts`; what is new is embedded and kept for the case that this build is cut off.

        OSError passes through.
        """
        missing = self.missing(texts)
        if missing:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o644)
            try:
                os.ftruncate(descriptor, self._whole)
                os.lseek(descriptor, 0, os.SEEK_END)
                for part in _slices(missing):
                    self._keep(descriptor, part, embedder.embed_documents(part, progress))
            finally:
                os.close(descriptor)
        rows = np.zeros((len(texts), embedder.dimension), np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[:] = self[text_key(text)]
        return rows

    def _keep(self, descriptor: int, texts: Sequence[str], rows: Vectors) -> None:
        records = np.zeros(len(texts), self._record)
        for record, text, row in zip(records, texts, rows, strict=True):
            key = text_key(text)
            record["key"], record["row"] = np.frombuffer(key, np.uint8), row
            record["check"] = zlib.crc32(record.tobytes()[:-4])
            self._rows[key] = row
        write_all(descriptor, records.tobytes())

    def _cut_off(self) -> Iterator[tuple[bytes, Vectors]]:
        """The records of a build that was cut off, up to the first that is not whole."""
        try:
            content = self.path.read_bytes()
        except OSError:
            return
        size = self._record.itemsize
        for record in np.frombuffer(content[: len(content) // size * size], self._record):
            if zlib.crc32(record.tobytes()[:-4]) != record["check"]:
                return
            yield record["key"].tobytes(), record["row"]


def forget_cut_off(index_dir: Path) -> None:
    """Remove the kept vectors once a version holds them all; OSError passes through."""
    for path in index_dir.glob(f"{PREFIX}*.bin"):
        remove_file(path)


def _slices(texts: Sequence[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for text in texts:
        part.append(text)
        if sum(map(len, part)) >= SLICE_CHARACTERS:
            yield part
            part = []
    if part:
        yield part
