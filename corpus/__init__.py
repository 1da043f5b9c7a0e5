"""Files to Documents, Documents to sentences and chunks; and the checks that the shipped texts pass."""

from corpus.check import Finding, check_corpus
from corpus.document import Block, Chunk, Document, Note, Sentence, Source
from corpus.errors import (
    AnswerStopped,
    AnswerUnknown,
    BuildFailed,
    DocumentError,
    DocumentUnknown,
    EvaluationInvalid,
    IndexDamaged,
    IndexMissing,
    IndexOutdated,
    KeptUnwritable,
    ModelError,
    ModelMismatch,
    QuestionInvalid,
    QuestionTooLong,
    QueueFull,
    SettingsInvalid,
    TanyaError,
    TimeUp,
)
from corpus.language import LANGUAGES, language_odds
from corpus.load import Corpus, load_corpus, load_document
from corpus.numbers import years
from corpus.split import split_chunks, split_sentences
from corpus.text import normalise, text_hash

__all__ = [
    "LANGUAGES",
    "AnswerStopped",
    "AnswerUnknown",
    "Block",
    "BuildFailed",
    "Chunk",
    "Corpus",
    "Document",
    "DocumentError",
    "DocumentUnknown",
    "EvaluationInvalid",
    "Finding",
    "IndexDamaged",
    "IndexMissing",
    "IndexOutdated",
    "KeptUnwritable",
    "ModelError",
    "ModelMismatch",
    "Note",
    "QuestionInvalid",
    "QuestionTooLong",
    "QueueFull",
    "Sentence",
    "SettingsInvalid",
    "Source",
    "TanyaError",
    "TimeUp",
    "check_corpus",
    "language_odds",
    "load_corpus",
    "load_document",
    "normalise",
    "split_chunks",
    "split_sentences",
    "text_hash",
    "years",
]
