"""Builds an index version from a corpus, beside the one that is live.

`plan_build` compares the corpus with the live version, `build_version` writes a new one where no reader finds it, and
`build_index` makes it current at once. Who wants the golden questions asked in between uses `bot.publish`.
Whatever fails leaves the old version answering.
"""

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from corpus.document import Chunk, Document, Sentence
from corpus.errors import BuildFailed, IndexDamaged, IndexMissing, IndexOutdated
from corpus.split import split_chunks, split_sentences
from index.disk import MEND, make_folders, reason_of, sync_folder
from index.embed import Embedder, Progress, engine_of
from index.lexical import LexicalIndex
from index.lock import build_lock
from index.reuse import KnownVectors, forget_cut_off, passage_text, passages_of, quotes_of
from index.store import BUILDING, accept, clear_leftovers, discard, live_documents, open_index, read_current
from index.version import BUILD, FORMAT, Contents, IndexVersion, Manifest, write_version

CHUNK_TOKENS = 200
"""About one paragraph: longer ones blur the embedding, shorter ones lose what their sentences refer to."""

text_to_embed = passage_text


@dataclass(frozen=True, slots=True)
class Plan:
    """What a build would do. `base` is the version that it starts from; `new_texts` have to be embedded."""

    documents: Sequence[Document]
    chunks: Sequence[Chunk]
    sentences: Sequence[Sentence]
    passages: Sequence[str]
    quotes: Sequence[str]
    chunk_tokens: int
    source: str
    """Where the documents come from."""
    digest: str
    known: KnownVectors
    base: IndexVersion | None
    damaged: bool
    """Whether the live version cannot be opened, and `base` is an older one, if any."""
    previous: str
    """The version that the build follows: `base`, or the live one where that is of an older format and cannot be opened; or ""."""
    count_before: int
    """Documents of the live version, though it cannot be opened."""
    reason: str
    """Why there is no base to compare with, or ""."""
    held: str
    """The version of just these texts from which the index was rolled back, or ""."""

    @property
    def unchanged(self) -> bool:
        """Whether the live version is already what would be built."""
        return self.base is not None and not self.damaged and self.base.manifest.corpus_sha256 == self.digest

    @property
    def settled(self) -> bool:
        """Whether there is nothing to build: nothing changed, or a rollback holds."""
        return self.unchanged or bool(self.held)

    @property
    def new_texts(self) -> int:
        """Texts that have no vector yet."""
        return len(self.known.missing([*self.passages, *self.quotes]))

    def changes(self) -> dict[str, list[str]]:
        """The ids of the documents that were added, changed and removed since the base."""
        old: Mapping[str, Document] = self.base.documents if self.base else {}
        new = {document.doc_id: document for document in self.documents}
        return {
            "added": sorted(new.keys() - old.keys()),
            "changed": sorted(key for key in new.keys() & old.keys() if new[key] != old[key]),
            "removed": sorted(old.keys() - new.keys()),
        }


def plan_build(
    documents: Sequence[Document], index_dir: Path, embedder: Embedder, chunk_tokens: int = CHUNK_TOKENS, source: str = ""
) -> Plan:
    """Split `documents` and compare them with the live version, if that can be opened; nothing is written."""
    chunks = [chunk for document in documents for chunk in split_chunks(document, embedder.count_tokens, chunk_tokens)]
    sentences = [sentence for document in documents for sentence in split_sentences(document)]
    by_id = {document.doc_id: document for document in documents}
    passages, quotes = list(passages_of(by_id, chunks)), list(quotes_of(by_id, sentences))
    base, damaged, previous, reason = None, False, "", ""
    try:
        base = open_index(index_dir)
        previous = base.manifest.version
        damaged = _names_another(index_dir, previous)
    except IndexMissing:
        pass
    except (IndexOutdated, IndexDamaged) as error:
        previous = read_current(index_dir).name if isinstance(error, IndexOutdated) else ""
        reason = f"{str(error).removesuffix(BUILD).removesuffix(MEND).strip()} So everything is built anew."
    digest = _digest(documents, chunks, f"{FORMAT} {embedder.identity} {embedder.dimension} {chunk_tokens}")
    return Plan(
        documents=documents,
        chunks=chunks,
        sentences=sentences,
        passages=passages,
        quotes=quotes,
        chunk_tokens=chunk_tokens,
        source=source,
        digest=digest,
        known=KnownVectors(index_dir, embedder, base),
        base=base,
        damaged=damaged,
        previous=previous,
        count_before=live_documents(index_dir) or (base.manifest.documents if base else 0),
        reason=reason,
        held="" if base is None or damaged else _left_behind(index_dir, digest),
    )


def _left_behind(index_dir: Path, digest: str) -> str:
    with contextlib.suppress(IndexMissing, IndexDamaged):
        return next((name for name, left in read_current(index_dir).left.items() if left == digest), "")
    return ""


def _names_another(index_dir: Path, version: str) -> bool:
    try:
        return read_current(index_dir).name != version
    except IndexDamaged:
        return True


def build_version(
    plan: Plan, index_dir: Path, embedder: Embedder, progress: Progress | None = None, announce: Progress | None = None
) -> Manifest:
    """Embed what is new and write the version into `building/NAME`. The caller holds the build lock; OSError passes through.

    `announce` is told the number of texts before the first is embedded, `progress` of each batch.
    """
    if announce:
        announce(plan.new_texts)
    vectors = plan.known.embed([*plan.passages, *plan.quotes], embedder, progress)
    count = len(plan.chunks)
    contents = Contents(plan.documents, plan.chunks, vectors[:count], plan.sentences, vectors[count:], LexicalIndex.build(plan.passages))
    created = datetime.now(UTC)
    manifest = Manifest(
        format=FORMAT,
        version=f"{created:%Y%m%dT%H%M%S%f}Z-{plan.digest[:8]}",
        created=created.isoformat(timespec="seconds"),
        model=embedder.identity,
        dimension=embedder.dimension,
        chunk_tokens=plan.chunk_tokens,
        documents=len(plan.documents),
        chunks=count,
        sentences=len(plan.sentences),
        corpus_sha256=plan.digest,
        source=plan.source,
        engine=engine_of(embedder),
        files={},
    )
    folder = index_dir / BUILDING / manifest.version
    make_folders(folder)
    try:
        complete = write_version(folder, manifest, contents)
        sync_folder(folder.parent)
    except OSError:
        discard(index_dir, manifest.version)
        raise
    return complete


def build_index(
    documents: Sequence[Document],
    index_dir: Path,
    embedder: Embedder,
    chunk_tokens: int = CHUNK_TOKENS,
    progress: Progress | None = None,
    announce: Progress | None = None,
) -> Manifest:
    """Build a version of `documents` and make it current, unless the live one is just that or a rollback holds; ask no golden question.

    Raises BuildFailed where the disk refuses, IndexBusy where another build is under way.
    """
    with build_lock(index_dir):
        plan = plan_build(documents, index_dir, embedder, chunk_tokens)
        if plan.base is not None and plan.settled:
            return plan.base.manifest
        clear_leftovers(index_dir)
        version = ""
        try:
            manifest = build_version(plan, index_dir, embedder, progress, announce)
            version = manifest.version
            accept(index_dir, version)
            forget_cut_off(index_dir)
        except OSError as error:
            raise build_failed(index_dir, version, error) from error
        finally:
            if version:
                discard(index_dir, version)
        return manifest


def build_failed(index_dir: Path, version: str, error: OSError) -> BuildFailed:
    """What is said where the disk refuses: nearly always the old version is still live; if not, that is said."""
    with contextlib.suppress(IndexMissing, IndexDamaged):
        if read_current(index_dir).name == version:
            return BuildFailed(
                f"{version} is live, but the disk did not confirm it: {reason_of(error)}. A power cut may bring the old one back."
            )
    return BuildFailed(f"The index could not be written to {index_dir}: {reason_of(error)}. The version that is live answers on.")


def _digest(documents: Sequence[Document], chunks: Sequence[Chunk], settings: str) -> str:
    digest = hashlib.sha256(settings.encode())
    for record in (*documents, *chunks):
        digest.update(repr(record).encode())
    return digest.hexdigest()
