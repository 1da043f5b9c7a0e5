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
from corpus.split import split_chunks, split_sentences
from index.embed import Embedder, Progress
from index.lexical import LexicalIndex
from index.store import FORMAT, VERSIONS, Contents, Manifest, make_current, write_version

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

    `announce` is told the number of texts before the first is embedded, `progress` of each batch.
    Raises BuildFailed where the disk refuses.
    """
    chunks = [chunk for document in documents for chunk in split_chunks(document, embedder.count_tokens, chunk_tokens)]
    sentences = [sentence for document in documents for sentence in split_sentences(document)]
    by_id = {document.doc_id: document for document in documents}
    passages = [text_to_embed(chunk, by_id[chunk.doc_id].title) for chunk in chunks]
    quotes = [by_id[sentence.doc_id].text[sentence.start : sentence.end] for sentence in sentences]
    if announce:
        announce(len(passages) + len(quotes))
    vectors = embedder.embed_documents([*passages, *quotes], progress)
    contents = Contents(documents, chunks, vectors[: len(chunks)], sentences, vectors[len(chunks) :], LexicalIndex.build(passages))
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
        sentences=len(sentences),
        corpus_sha256=digest,
        files={},
    )
    folder = index_dir / VERSIONS / manifest.version
    live = False
    try:
        folder.mkdir(parents=True)
        manifest = write_version(folder, manifest, contents)
        make_current(index_dir, manifest.version)
        live = True
    except OSError as error:
        raise BuildFailed(f"The index could not be written to {index_dir}: {error.strerror}. The old one, if any, is untouched.") from error
    finally:
        if not live:
            shutil.rmtree(folder, ignore_errors=True)
    return manifest


def text_to_embed(chunk: Chunk, title: str) -> str:
    """A chunk with the title and heading above it, which name what its sentences speak of."""
    return "\n".join(part for part in (title, chunk.heading, chunk.text) if part)


def _digest(documents: Sequence[Document], chunks: Sequence[Chunk]) -> str:
    digest = hashlib.sha256()
    for record in (*documents, *chunks):
        digest.update(repr(record).encode())
    return digest.hexdigest()
