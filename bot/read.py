"""Chooses the sentences that answer a question, and says how sure it is that they do.

Without a trained reader, two things can be had from the encoder alone:

1. *Which sentence*: the cosine of question and sentence, the share of the question's words in the sentence, and
   whether it holds the kind of thing that is asked for (a date for "when"), weighted as a logistic regression on
   IDK-MRC's training split weights them.
2. *Whether any*: every content word of the question has to find a counterpart among the passage's tokens, in
   context. The weakest of those links tells an altered question from a true one far better than any score of the
   whole does (tests/eval/LOG.md), in one language and across the two. Years and acronyms, which embeddings
   blur, are compared as text.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import snowballstemmer

from bot.question import Kind, Question, is_content
from corpus.document import Chunk
from corpus.numbers import years
from index.build import text_to_embed
from index.embed import Embedder, TokenVectors, Vectors
from index.hit import Hit
from index.store import IndexVersion

COSINE_WEIGHT, WORDS_WEIGHT, KIND_WEIGHT = 22.0, 1.5, 1.9
"""Fitted on 774 questions of IDK-MRC train: the right sentence first in .69, among two in .88; cosine alone .64, .83.
That fit gives words 0.7; twice as much suits texts whose sentences repeat their subject instead of a pronoun."""

LINK_WEIGHT, SENTENCE_WEIGHT, BIAS = 27.0, 17.0, -35.8
"""Fitted on the same questions against 560 altered in a year or a name, 773 asked of another paragraph, and 627 unanswerable."""

SURE_ENOUGH = 0.35
"""At this probability 11 % of true questions are refused, 85 % of altered and all foreign ones (IDK-MRC train)."""

CROSS_BIAS = 1.8
"""Added across languages, where a true word's link is lower, and names and years are compared as text anyway."""

LINKED_FROM, LINKED_TO = 0.76, 0.86
"""Across languages a link counts as no match at the first, as a full one at the second."""

ELSEWHERE = 0.03
"""What a word's link loses when only another sentence of the passage matches it."""

NAME_LINK = 0.80
"""A name that is not in the passage has to be this close to some word of it (a translation, a long form); of foreign names 5 % are."""

NO_WORDS = 0.75
"""The link of a question without content words: between the median of altered and of true ones, so the cosine decides."""

PASSAGES = 3
"""Passages whose tokens are compared; each costs a pass of the encoder."""

CONFLICT = 3.0
"""What a sentence loses by naming another year or body than the question: more than any wording gains."""

MARGIN, BROAD_MARGIN = 0.5, 1.6
"""How far below the best sentence another may score and still be said: for one fact, and for a question that asks for several."""

FACT_SENTENCES = 2
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


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer: row of the index version, its chunk, and its score in logits."""

    row: int
    chunk: Chunk
    score: float
    cosine: float
    conflict: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The sentences chosen, best first, and the probability that they answer.

    `nearest` is the best sentence of each passage, `unmatched` the question's word that found no counterpart,
    `conflict` the year or body that the best sentence speaks of instead of the question's.
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


def read(question: Question, vector: Vectors, hits: Sequence[Hit], version: IndexVersion, embedder: Embedder, most: int) -> Reading:
    """Choose at most `most` sentences from the chunks of `hits`; `vector` is the question's (1, dimension) embedding."""
    candidates = _candidates(question, vector, hits, version)
    if not candidates:
        return Reading((), 0.0)
    asked = embedder.embed_tokens(question.text, is_query=True)
    looked_at = [candidate.chunk for candidate in _of_distinct_chunks(candidates)[:PASSAGES]]
    links = {chunk.chunk_id: _Links(question, asked, chunk, version, embedder) for chunk in looked_at}
    linked = [candidate for candidate in candidates if candidate.chunk.chunk_id in links]
    if version.language_of(linked[0].chunk) != question.language:
        linked = _with_linked_words(linked, links)
    best = linked[0]
    link, word = links[best.chunk.chunk_id].weakest(best.row)
    bias = BIAS + (CROSS_BIAS if version.language_of(best.chunk) != question.language else 0.0)
    return Reading(
        chosen=_with_companions(linked, question, version, most),
        probability=1 / (1 + math.exp(-(LINK_WEIGHT * link + SENTENCE_WEIGHT * best.cosine + bias))),
        nearest=tuple(_of_distinct_chunks(linked)),
        unmatched=word,
        conflict=best.conflict or links[best.chunk.chunk_id].absent,
    )


class _Links:
    """How well each content word of a question is matched by a passage: as a whole, and by each of its sentences.

    A word's link is the lowest, over its tokens, of the best cosine with a token of the text.
    """

    def __init__(self, question: Question, asked: TokenVectors, chunk: Chunk, version: IndexVersion, embedder: Embedder) -> None:
        passage = text_to_embed(chunk, version.documents[chunk.doc_id].title)
        tokens = embedder.embed_tokens(passage, is_query=False)
        self._words = [question.text[start:end] for start, end in question.content]
        cosines = asked.rows @ tokens.rows.T if len(tokens.rows) and len(asked.rows) else np.zeros((len(asked.rows), 1), np.float32)
        self._cosines = [cosines[_within(asked.spans, span)] for span in question.content]
        self._passage_spans = tokens.spans
        self._body = len(passage) - len(chunk.text) - chunk.start
        self._head = len(passage) - len(chunk.text)
        self._version = version
        self._whole = self._of(list(range(cosines.shape[1])))
        lower = passage.lower()
        missing = [
            word
            for word, link in zip(self._words, self._whole, strict=True)
            if word in question.names and word.lower() not in lower and link < NAME_LINK
        ]
        self.absent = ", ".join([*missing, *sorted(question.years - years(passage))]) or None

    def _of(self, columns: list[int]) -> list[float]:
        return [float(rows[:, columns].max(axis=1).min()) if rows.size and columns else 0.0 for rows in self._cosines]

    def _span(self, row: int) -> tuple[int, int]:
        sentence = self._version.sentences[row]
        return sentence.start + self._body, sentence.end + self._body

    def _sentence(self, row: int) -> list[float]:
        """Links to the sentence with the title and heading above it; a word found only elsewhere in the passage counts less."""
        columns = [*_within(self._passage_spans, (0, self._head)), *_within(self._passage_spans, self._span(row))]
        return [max(link, whole - ELSEWHERE) for link, whole in zip(self._of(columns), self._whole, strict=True)]

    def matches(self, row: int) -> list[float]:
        """For each content word, 0 to 1: whether that sentence itself has its translation."""
        links = self._of(_within(self._passage_spans, self._span(row)))
        return [min(max((link - LINKED_FROM) / (LINKED_TO - LINKED_FROM), 0.0), 1.0) for link in links]

    def weakest(self, row: int) -> tuple[float, str | None]:
        """The weakest link of that sentence, and its word; a question without content words is judged by the rest."""
        return min(zip(self._sentence(row), self._words, strict=True), default=(NO_WORDS, None))


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


def _with_linked_words(candidates: Sequence[Candidate], links: dict[str, "_Links"]) -> list[Candidate]:
    return _with_words(candidates, [links[candidate.chunk.chunk_id].matches(candidate.row) for candidate in candidates])


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
    return set(_STEMMERS.get(language, _STEMMERS["en"]).stemWords([word.lower() for word in _WORD.findall(text) if is_content(word)]))


def _has_kind(question: Question, text: str) -> float:
    pattern = _KIND_PATTERNS.get(question.kind)
    if pattern is None:
        return 0.5
    asked = set(_WORD.findall(question.text))
    return float(any(not asked.issuperset(_WORD.findall(match[0])) for match in pattern.finditer(text)))


def _conflict(question: Question, text: str) -> str | None:
    """The year or body that `text` names instead of the question's; None where nothing speaks against it."""
    acronyms = set(_ACRONYM.findall(text))
    if question.acronyms and acronyms and not question.acronyms & acronyms:
        return ", ".join(sorted(acronyms))
    if not question.years or not (said := years(text)):
        return None
    if not question.years & said:
        return ", ".join(sorted(said))
    for clause in _CLAUSE.split(text):
        here = years(clause)
        if here and question.acronyms & set(_ACRONYM.findall(clause)) and not here & question.years:
            return ", ".join(sorted(here))
    return None


def _of_distinct_chunks(candidates: Sequence[Candidate]) -> list[Candidate]:
    best = {candidate.chunk.chunk_id: candidate for candidate in reversed(candidates)}
    return sorted(best.values(), key=lambda candidate: -candidate.score)


def _with_companions(candidates: Sequence[Candidate], question: Question, version: IndexVersion, most: int) -> tuple[Candidate, ...]:
    """The best candidate, and those after it that belong with it."""
    best = candidates[0]
    broad = question.kind in ("broad", "why")
    margin, limit = (BROAD_MARGIN, most) if broad else (MARGIN, min(FACT_SENTENCES, most))
    chosen = [best]
    for candidate in candidates[1:]:
        near = candidate.score >= best.score - margin and candidate.conflict is None
        together = broad or candidate.chunk.chunk_id == best.chunk.chunk_id
        repeats = any(float(version.sentence_vectors[candidate.row] @ version.sentence_vectors[other.row]) >= SAME for other in chosen)
        if len(chosen) < limit and near and together and not repeats:
            chosen.append(candidate)
    return tuple(chosen)
