"""Chooses the sentences that answer a question, and says how sure it is that they do.

1. The reader reads the passages that were found, and says of each sentence how much likelier its best words are the answer than
   that the passage has none.
2. Beside that margin a sentence is scored by cosine, shared words, whether it holds the kind of thing that is asked for (a date
   for "when"), and the cosine of its passage. The best one answers; where several are asked for, the next best join it.
3. Whether to say it is decided by the best sentence's margin and the weakest link: each content word of the question has to
   find a counterpart among the passage's tokens, in context. A year or a name that is not there, which embeddings
   blur, forbids it.
"""

import math
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import snowballstemmer

from bot.question import Kind, Question, is_content
from bot.reader import Reader, Span
from corpus.document import Chunk
from corpus.numbers import years
from index.build import text_to_embed
from index.embed import Embedder
from index.encoder import Vectors
from index.hit import Hit
from index.store import IndexVersion

FEATURES = ("margin", "cosine", "words", "kind", "passage")
WEIGHTS = (0.6, 12.0, 1.5, 1.0, 4.0)
"""Of a sentence's features in its score."""

LEAST_MARGIN = -20.0
"""Of a sentence that the reader saw nothing in."""

MARGIN_WEIGHT, LINK_WEIGHT, BIAS = 0.15, 15.5, -12.14
"""From a logistic regression on the tenth of IDK-MRC train that the reader was not trained on (`python -m tests.eval.fit`),
which gives the margin 0.26: less is right off encyclopaedias, where the reader is shy."""

OTHER_LANGUAGE = 0.7
"""Added across languages, where a true word's link is lower, and names and years are compared as text anyway."""

SURE_ENOUGH = 0.4
"""Of the tuning questions (tests/eval/tuning*.jsonl) 112 of 145 true ones are then answered right, and 64 of 72 altered and
all 6 foreign ones refused, by what their own language says; at 0.3 these are 115 and 54."""

NAME_LINK = 0.78
"""A name that is not in the passage has to be this close to some word of it (a translation, a long form); of foreign names
one in ten is."""

NO_WORDS = 0.80
"""The link of a question without content words: the reader decides."""

CONFLICT = 3.0
"""What a sentence loses by naming another year than the question: more than any wording gains."""

BROAD_MARGIN = 1.6
"""How far below the best sentence another may score and still be said, where a question asks for several."""

SECOND_OPINION = 0.3
"""How much better than the reader's sentence another of the passage must score to be said beside it: 0.014 of a cosine."""

WHOLE = 0.8
"""A longer share of its sentence is no exact answer, and bold from end to end marks nothing."""

SAME = 0.97
"""Sentences this close say the same thing twice."""

_KIND_PATTERNS: dict[Kind, re.Pattern[str]] = {
    "when": re.compile(
        r"\b(?:1[5-9]|20)\d\d\b|\b\d{1,2} (?:jan|feb|mar|apr|mei|may|jun|jul|agu|aug|sep|okt|oct|nov|des|dec)", re.IGNORECASE
    ),
    "how many": re.compile(r"\d"),
    "who": re.compile(r"(?<!^)(?<![.?!] )\b[A-Z][a-z]+ [A-Z][a-z]+"),
    "where": re.compile(r"\b(?:di|ke|dari|in|at|from|to) (?:\w+ ){0,2}[A-Z]"),
    "why": re.compile(
        r"\b(?:karena|sebab|akibat|agar|supaya|untuk|demi|because|since|due to|in order to|so that|so as|to \w+)\b", re.IGNORECASE
    ),
}
_WORD = re.compile(r"\w+")
_ACRONYM = re.compile(r"\b[A-Z][A-Z0-9]{1,}\b")
_CLAUSE = re.compile(r"[,;]|\b(?:dan|kemudian|lalu|sedangkan|sementara|and|then|while|whereas)\b")
_STEMMERS = {"id": snowballstemmer.stemmer("indonesian"), "en": snowballstemmer.stemmer("english")}
_STEMMING = threading.Lock()
"""A stemmer keeps the word it works on, so it serves one thread at a time."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer: its row in the index version, its chunk, its FEATURES and the score that they add up to.

    `place` holds the characters of the document that the reader points at in it; None where that is nothing, or all of it.
    """

    row: int
    chunk: Chunk
    features: tuple[float, ...]
    score: float
    place: tuple[int, int] | None = None
    conflict: str | None = None

    @property
    def margin(self) -> float:
        """The reader's, in logits."""
        return self.features[0]


@dataclass(frozen=True, slots=True)
class Reading:
    """The sentences chosen, best first, and the probability that they answer.

    `nearest` is the best sentence of each passage, `unmatched` the question's word that is matched worst, `conflict` the year
    or name that the passage lacks, or the year that its sentence has instead.
    """

    chosen: tuple[Candidate, ...]
    probability: float
    nearest: tuple[Candidate, ...] = ()
    unmatched: str | None = None
    conflict: str | None = None

    @property
    def answers(self) -> bool:
        """Whether to say it."""
        return bool(self.chosen) and self.conflict is None and self.probability >= SURE_ENOUGH


def read(
    question: Question, vector: Vectors, hits: Sequence[Hit], version: IndexVersion, embedder: Embedder, reader: Reader, most: int
) -> Reading:
    """Choose at most `most` sentences from the chunks of `hits`; `vector` is the question's (1, dimension) embedding."""
    found = candidates(question, vector, hits, version, reader)
    if not found:
        return Reading((), 0.0)
    best = found[0]
    passage = text_to_embed(best.chunk, version.documents[best.chunk.doc_id].title)
    linked = links(question, embedder, passage)
    weakest = min(linked, key=lambda word: linked[word], default=None)
    evidence = MARGIN_WEIGHT * best.margin + LINK_WEIGHT * (linked[weakest] if weakest else NO_WORDS) + BIAS
    if version.language_of(best.chunk) != question.language:
        evidence += OTHER_LANGUAGE
    nearest = {candidate.chunk.chunk_id: candidate for candidate in reversed(found)}
    return Reading(
        chosen=_with_companions(best, found, question, version, most),
        probability=1 / (1 + math.exp(-evidence)),
        nearest=tuple(sorted(nearest.values(), key=lambda candidate: -candidate.score)),
        unmatched=weakest,
        conflict=best.conflict or absent(question, passage, linked),
    )


def links(question: Question, embedder: Embedder, passage: str) -> dict[str, float]:
    """How well each content word of the question is matched by the passage: its word -> its link.

    A link is the lowest, over the word's tokens, of the best cosine with a token of the passage.
    """
    asked, tokens = embedder.embed_tokens(question.text, is_query=True), embedder.embed_tokens(passage, is_query=False)
    cosines = (asked.rows @ tokens.rows.T).max(axis=1) if len(tokens.rows) else np.zeros(len(asked.rows))
    rows = {question.text[span[0] : span[1]]: _within(asked.spans, span) for span in question.content}
    return {word: float(cosines[row].min()) if row else 0.0 for word, row in rows.items()}


def absent(question: Question, passage: str, linked: dict[str, float]) -> str | None:
    """The names and years of the question that the passage does not have, in any form."""
    names = [word for word, link in linked.items() if word in question.names and not mentions(passage, word) and link < NAME_LINK]
    return ", ".join([*names, *sorted(question.years - years(passage))]) or None


def mentions(passage: str, word: str) -> bool:
    """Whether all parts of `word` are whole words of `passage`."""
    return {part.lower() for part in _WORD.findall(word)} <= {part.lower() for part in _WORD.findall(passage)}


def _within(spans: Sequence[tuple[int, int]], span: tuple[int, int]) -> list[int]:
    return [i for i, (start, end) in enumerate(spans) if span[0] <= start and end <= span[1]]


def candidates(question: Question, vector: Vectors, hits: Sequence[Hit], version: IndexVersion, reader: Reader) -> list[Candidate]:
    """Every sentence that begins in a chunk of the hits, best first."""
    rows = {hit.chunk.chunk_id: version.sentences_of(hit.chunk) for hit in hits}
    hits = [hit for hit in hits if rows[hit.chunk.chunk_id]]
    passages = [(hit.chunk.text, [_within_chunk(version, row, hit.chunk) for row in rows[hit.chunk.chunk_id]]) for hit in hits]
    spoken = reader.read(question.text, passages)
    sentences = [
        (hit, row, span) for hit, spans in zip(hits, spoken, strict=True) for row, span in zip(rows[hit.chunk.chunk_id], spans, strict=True)
    ]
    shares = _shared_words(question, [row for _, row, _ in sentences], version)
    found = [
        _candidate(question, vector, hit, row, span, share, version) for (hit, row, span), share in zip(sentences, shares, strict=True)
    ]
    return sorted(found, key=lambda candidate: -candidate.score)


def _candidate(question: Question, vector: Vectors, hit: Hit, row: int, span: Span, share: float, version: IndexVersion) -> Candidate:
    sentence = version.sentences[row]
    text = version.documents[sentence.doc_id].text[sentence.start : sentence.end]
    conflict = _conflict(question, text)
    cosine = float(version.sentence_vectors[row] @ vector[0])
    features = (max(span.margin, LEAST_MARGIN), cosine, share, _has_kind(question, text), hit.dense)
    score = sum(weight * feature for weight, feature in zip(WEIGHTS, features, strict=True)) - (CONFLICT if conflict else 0.0)
    start, end = hit.chunk.start + span.start, min(hit.chunk.start + span.end, sentence.end)
    exact = start < end and end - start <= WHOLE * (sentence.end - sentence.start)
    return Candidate(row, hit.chunk, features, score, (start, end) if exact else None, conflict)


def _within_chunk(version: IndexVersion, row: int, chunk: Chunk) -> tuple[int, int]:
    sentence = version.sentences[row]
    return sentence.start - chunk.start, min(sentence.end, chunk.end) - chunk.start


def _shared_words(question: Question, rows: Sequence[int], version: IndexVersion) -> list[float]:
    """How much of the question each sentence holds, 0 to 1; a word that few of them hold weighs more."""
    asked = {language: sorted(_stems(question.text, language)) for language in _STEMMERS}
    documents = [version.documents[version.sentences[row].doc_id] for row in rows]
    table = np.zeros((len(rows), max((len(asked[document.language]) for document in documents), default=0)))
    for i, (row, document) in enumerate(zip(rows, documents, strict=True)):
        here = _stems(document.text[version.sentences[row].start : version.sentences[row].end], document.language)
        table[i, : len(asked[document.language])] = [stem in here for stem in asked[document.language]]
    rarity = np.log((len(table) + 1) / (table.sum(axis=0) + 0.5))
    return [float(share) for share in table @ rarity / rarity.sum()] if table.size else [0.0] * len(rows)


def _stems(text: str, language: str) -> set[str]:
    return {_stem(word.lower(), language) for word in _WORD.findall(text) if is_content(word)}


@lru_cache(maxsize=50_000)
def _stem(word: str, language: str) -> str:
    with _STEMMING:
        return str(_STEMMERS[language].stemWord(word))


def _has_kind(question: Question, text: str) -> float:
    pattern = _KIND_PATTERNS.get(question.kind)
    if pattern is None:
        return 0.5
    asked = set(_WORD.findall(question.text))
    return float(any(not asked.issuperset(_WORD.findall(match[0])) for match in pattern.finditer(text)))


def _conflict(question: Question, text: str) -> str | None:
    """The year that `text`, or its clause on the question's own acronym, names instead; None where nothing speaks against it."""
    if not question.years or not (said := years(text)):
        return None
    if not question.years & said:
        return ", ".join(sorted(said))
    for clause in _CLAUSE.split(text):
        here = years(clause)
        if here and question.acronyms & set(_ACRONYM.findall(clause)) and not here & question.years:
            return ", ".join(sorted(here))
    return None


def _with_companions(
    best: Candidate, found: Sequence[Candidate], question: Question, version: IndexVersion, most: int
) -> tuple[Candidate, ...]:
    """The best candidate, and those of its passage that belong beside it.

    For a question that asks for several these score nearly as well; else it is at most one, which scores clearly better:
    reader and scorer then disagree, and either may be right.
    """
    chosen = [best]
    broad = question.kind in ("broad", "why")
    least, limit = (best.score - BROAD_MARGIN, most) if broad else (best.score + SECOND_OPINION, min(2, most))
    for candidate in found:
        together = candidate.chunk.chunk_id == best.chunk.chunk_id and candidate.conflict is None
        near = together and candidate.score >= least
        repeats = any(float(version.sentence_vectors[candidate.row] @ version.sentence_vectors[other.row]) >= SAME for other in chosen)
        if len(chosen) < limit and near and not repeats:
            chosen.append(candidate)
    return tuple(chosen)
