"""Chooses the sentences that answer a question, and says how sure it is that they do.

1. The sentences of the passages that were found are scored by cosine, shared words, and whether they hold the kind of
   thing that is asked for (a date for "when").
2. The reader reads the passages with the best of them. The span that it prefers to "no answer" by most wins, the
   sentence that holds it is the answer, and for a question that asks for several the next best sentences join it.
3. Whether to say it is decided by the reader's margin and the weakest link: each content word of the question has to
   find a counterpart among the passage's tokens, in context. A year or a name that is not there, which embeddings
   blur, forbids it.
"""

import math
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import snowballstemmer

from bot.question import Kind, Question, is_content
from bot.reader import Reader
from corpus.document import Chunk
from corpus.numbers import years
from index.build import text_to_embed
from index.embed import Embedder
from index.encoder import Vectors
from index.hit import Hit
from index.store import IndexVersion

COSINE_WEIGHT, WORDS_WEIGHT, KIND_WEIGHT = 22.0, 1.5, 1.9
"""Fitted on 774 questions of IDK-MRC train: the right sentence first in .69, among two in .88; cosine alone .64, .83.
That fit gives words 0.7; twice as much suits texts whose sentences repeat their subject instead of a pronoun."""

SENTENCE_WEIGHT, BEST_WEIGHT = 2.0, 4.0
"""Of the score of the reader's sentence and of the passage's best one, beside the reader's margin, where a passage is
chosen: the words that were expected were then said in 98 of 111 tuning questions, and in 96 or 97 with 1 to 3 and 2 to 4."""

MARGIN_WEIGHT, LINK_WEIGHT, BIAS = 0.15, 15.5, -12.14
"""From a logistic regression on the tenth of IDK-MRC train that the reader was not trained on (`python -m tests.eval.fit`),
which gives the margin 0.26: less is right off encyclopaedias, where the reader is shy."""

LEAST_MARGIN = -4.0
"""Further below, the margin says only that the text is unlike an encyclopaedia's."""

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
    """A sentence that may answer: row of the index version, its chunk, and its score in logits."""

    row: int
    chunk: Chunk
    score: float
    cosine: float
    conflict: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What the reader found in one passage: the sentence's candidate, and the answer's characters in the document.

    `place` is None where the reader points at no sentence (a heading, say; the candidate is then the scorer's), or at all of it.
    """

    candidate: Candidate
    place: tuple[int, int] | None
    margin: float


@dataclass(frozen=True, slots=True)
class Reading:
    """The sentences chosen, best first, and the probability that they answer.

    `answer` holds the characters of the first sentence's document that answer exactly; `nearest` is the best sentence
    of each passage, `unmatched` the question's word that is matched worst, `conflict` the year or name that the
    passage lacks, or the year that its sentence has instead.
    """

    chosen: tuple[Candidate, ...]
    probability: float
    answer: tuple[int, int] | None = None
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
    candidates = _candidates(question, vector, hits, version)
    if not candidates:
        return Reading((), 0.0)
    found = _found(question, hits, candidates, version, reader)
    best = found[0]
    passage = text_to_embed(best.candidate.chunk, version.documents[best.candidate.chunk.doc_id].title)
    linked = links(question, embedder, passage)
    weakest = min(linked, key=lambda word: linked[word], default=None)
    evidence = MARGIN_WEIGHT * max(best.margin, LEAST_MARGIN) + LINK_WEIGHT * (linked[weakest] if weakest else NO_WORDS) + BIAS
    if version.language_of(best.candidate.chunk) != question.language:
        evidence += OTHER_LANGUAGE
    chosen = _with_companions(best.candidate, candidates, question, version, most)
    return Reading(
        chosen=chosen,
        probability=1 / (1 + math.exp(-evidence)),
        answer=best.place,
        nearest=tuple(one.candidate for one in found),
        unmatched=weakest,
        conflict=best.candidate.conflict or absent(question, passage, linked),
    )


def _found(question: Question, hits: Sequence[Hit], candidates: Sequence[Candidate], version: IndexVersion, reader: Reader) -> list[Found]:
    """What the reader finds in each passage, best first."""
    rows = {candidate.row: candidate for candidate in candidates}
    best_of = {candidate.chunk.chunk_id: candidate for candidate in reversed(candidates)}
    hits = [hit for hit in hits if hit.chunk.chunk_id in best_of]
    spans = reader.read(question.text, [hit.chunk.text for hit in hits])
    scored = []
    for hit, span in zip(hits, spans, strict=True):
        start, end = hit.chunk.start + span.start, hit.chunk.start + span.end
        holding = [row for row in version.sentences_of(hit.chunk) if version.sentences[row].start <= start < version.sentences[row].end]
        best = best_of[hit.chunk.chunk_id]
        candidate = rows[holding[0]] if holding else best
        sentence = version.sentences[candidate.row]
        exact = holding and min(end, sentence.end) - start <= WHOLE * (sentence.end - sentence.start)
        place = (start, min(end, sentence.end)) if exact else None
        score = span.margin + SENTENCE_WEIGHT * candidate.score + BEST_WEIGHT * best.score
        scored.append((score, Found(candidate, place, span.margin)))
    return [found for _, found in sorted(scored, key=lambda pair: -pair[0])]


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


def _candidates(question: Question, vector: Vectors, hits: Sequence[Hit], version: IndexVersion) -> list[Candidate]:
    """Every sentence of the hits, scored by cosine, shared words and kind, best first."""
    found, shared = [], []
    asked = {language: _stems(question.text, language) for language in _STEMMERS}
    for hit in hits:
        document = version.documents[hit.chunk.doc_id]
        for row in version.sentences_of(hit.chunk):
            sentence = version.sentences[row]
            text = document.text[sentence.start : sentence.end]
            cosine = float(version.sentence_vectors[row] @ vector[0])
            conflict = _conflict(question, text)
            score = COSINE_WEIGHT * cosine + KIND_WEIGHT * _has_kind(question, text) - (CONFLICT if conflict else 0.0)
            stems = asked.get(document.language, set())
            shared.append([float(stem in here) for here in [_stems(text, document.language)] for stem in sorted(stems)])
            found.append(Candidate(row, hit.chunk, score, cosine, conflict))
    return _with_words(found, shared)


def _with_words(candidates: Sequence[Candidate], matches: Sequence[Sequence[float]]) -> list[Candidate]:
    """Adds to each score how much of the question its sentence holds; a word that few candidates hold weighs more.

    `matches[i][j]`, 0 to 1, says how well candidate i matches word j.
    """
    if not candidates or not matches[0]:
        return sorted(candidates, key=lambda candidate: -candidate.score)
    table = np.array(matches)
    rarity = np.log((len(table) + 1) / (table.sum(axis=0) + 0.5))
    shares = table @ rarity / rarity.sum()
    scored = [replace(one, score=one.score + WORDS_WEIGHT * float(share)) for one, share in zip(candidates, shares, strict=True)]
    return sorted(scored, key=lambda candidate: -candidate.score)


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
    best: Candidate, candidates: Sequence[Candidate], question: Question, version: IndexVersion, most: int
) -> tuple[Candidate, ...]:
    """The best candidate, and those of its passage that belong beside it.

    For a question that asks for several these score nearly as well; else it is at most one, which scores clearly better:
    reader and scorer then disagree, and either may be right.
    """
    chosen = [best]
    broad = question.kind in ("broad", "why")
    least, limit = (best.score - BROAD_MARGIN, most) if broad else (best.score + SECOND_OPINION, min(2, most))
    for candidate in candidates:
        together = candidate.chunk.chunk_id == best.chunk.chunk_id and candidate.conflict is None
        near = together and candidate.score >= least
        repeats = any(float(version.sentence_vectors[candidate.row] @ version.sentence_vectors[other.row]) >= SAME for other in chosen)
        if len(chosen) < limit and near and not repeats:
            chosen.append(candidate)
    return tuple(chosen)
