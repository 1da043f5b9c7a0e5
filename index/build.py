"""Builds an index version from a corpus and makes it current.

Nothing that is live is touched: the version grows in a directory of its own, and only when it is complete on disk
does one small file change to name it. Whatever fails before that leaves the old version answering.
"""

import datetime
import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from corpus.document import Chunk, Document
from corpus.errors import BuildFailed
from corpus.split import split_chunks
from index.embed import Embedder, Progress
from index.store import FORMAT, VERSIONS, Manifest, make_current, write_version

CHUNK_TOKENS = 200
"""About one paragraph: longer ones blur the embedding, shorter ones lose what their sentences refer to."""


def build_index(
    documents: Sequence[Document],
    index_dir: Path,
    embedder: Embedder,
    chunk_tokens: int = CHUNK_TOKENS,
    progress: Progress | None = None,
    announce: Progress | None = None,
) -> Manifest:
    """Chunk, embed and write `documents`, then make the new version current.

    `announce` is told the number of chunks before the first is embedded, `progress` of each batch.
    Raises BuildFailed where the disk refuses.
    """
    chunks = [chunk for document in documents for chunk in split_chunks(document, embedder.count_tokens, chunk_tokens)]
    if announce:
        announce(len(chunks))
    titles = {document.doc_id: document.title for document in documents}
    texts = [text_to_embed(chunk, titles[chunk.doc_id]) for chunk in chunks]
    vectors = embedder.embed_documents(texts, progress)
    digest = _digest(documents, chunks)
    created = datetime.datetime.now(datetime.UTC)
    manifest = Manifest(
        format=FORMAT,
        version=f"{created:%Y%m%dT%H%M%S%f}Z-{digest[:8]}",
        created=created.isoformat(timespec="seconds"),
        model=embedder.identity,
        dimension=embedder.dimension,
        chunk_tokens=chunk_tokens,
        documents=len(documents),
        chunks=len(chunks),
        corpus_sha256=digest,
        files={},
    )
    folder = index_dir / VERSIONS / manifest.version
    try:
        folder.mkdir(parents=True)
        (folder / "lexical").mkdir()
        manifest = write_version(folder, manifest, documents, chunks, vectors, texts)
        make_current(index_dir, manifest.version)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise BuildFailed(f"The index could not be written to {index_dir}: {error.strerror}. The old one, if any, is untouched.") from error
    return manifest


def text_to_embed(chunk: Chunk, title: str) -> str:
    """A chunk with the title and heading above it, which name what its sentences speak of."""
    return "\n".join(part for part in (title, chunk.heading, chunk.text) if part)


def _digest(documents: Sequence[Document], chunks: Sequence[Chunk]) -> str:
    digest = hashlib.sha256()
    for record in (*documents, *chunks):
        digest.update(repr(record).encode())
    return digest.hexdigest()
