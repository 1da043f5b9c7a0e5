"""Files to Documents, Documents to sentences and chunks; and the checks that the shipped texts pass."""

from corpus.check import Finding, check_corpus
from corpus.document import Block, Chunk, Document, Note, Sentence, Source
from corpus.errors import (
    BuildFailed,
    CorpusChanging,
    CorpusShrunk,
    DocumentError,
    DocumentUnknown,
    EvaluationInvalid,
    IndexBusy,
    IndexDamaged,
    IndexMissing,
    IndexOutdated,
    ModelError,
    ModelMismatch,
    QuestionInvalid,
    QuestionTooLong,
    SettingsInvalid,
    TanyaError,
    VersionUnknown,
)
from corpus.language import LANGUAGES, language_odds
from corpus.load import Corpus, corpus_fingerprint, load_corpus, load_document, load_quiet_corpus
from corpus.numbers import years
from corpus.split import split_chunks, split_sentences
from corpus.text import normalise, text_hash

__all__ = [
    "LANGUAGES",
    "Block",
    "BuildFailed",
    "Chunk",
    "Corpus",
    "CorpusChanging",
    "CorpusShrunk",
    "Document",
    "DocumentError",
    "DocumentUnknown",
    "EvaluationInvalid",
    "Finding",
    "IndexBusy",
    "IndexDamaged",
    "IndexMissing",
    "IndexOutdated",
    "ModelError",
    "ModelMismatch",
    "Note",
    "QuestionInvalid",
    "QuestionTooLong",
    "Sentence",
    "SettingsInvalid",
    "Source",
    "TanyaError",
    "VersionUnknown",
    "check_corpus",
    "corpus_fingerprint",
    "language_odds",
    "load_corpus",
    "load_document",
    "load_quiet_corpus",
    "normalise",
    "split_chunks",
    "split_sentences",
    "text_hash",
    "years",
]
