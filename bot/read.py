"""Chooses the sentences that answer a question, and says how sure it is that they do.

1. The reader reads those of the passages found that look best, and says of each sentence how much likelier its best words are the
   answer than that the passage has none.
2. Beside that margin a sentence is scored by its own and its passage's cosine with the question, and by the words that they share.
   The best one answers; the next best join it, more of them where several things are asked for.
3. Whether to say it is decided by the best sentence's margin and cosine and how far it is ahead of the next. A year or a name of
   the question that is not in the passage, which embeddings blur, forbids it.
"""

import math
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from types import MappingProxyType

import numpy as np
import snowballstemmer

from bot.question import Question, is_content
from bot.reader import Passage, Reader, Span
from corpus.document import Chunk
from corpus.numbers import years
from index.build import text_to_embed
from index.embed import Embedder
from index.encoder import Vectors
from index.hit import Hit
from index.store import IndexVersion
from index.vocabulary import Vocabulary

FEATURES = ("margin", "cosine", "words", "passage", "date")
WEIGHTS = (0.31, 39.3, 4.3, 45.0, 1.0)
"""Of a sentence's features in its score. Fitted (`python -m tests.eval.fit`) on 250 questions over the articles, with the second
reader, in five parts: a right sentence first in .87 of what it was not fitted on; by the margin alone .76, by the cosine alone .68. The
passage's cosine added nothing to that (.88 without), but found the expected document a little more often (.93 against .91). The date's
was fitted to 0.2 and set by hand: for "when" it decides between two sentences that tie. With the fifth reader, on 467 questions, these
weights put a right one first in .93, and fitted anew in .92, so they stayed; but with the sixth the passage's cosine weighs 45 for 30.4: of
479 questions 3 more have their document first, one more its sentence, and 2 more of 344 are right end to end."""

AT_ONCE, READ, ENOUGH = 2, 3, 0.8
"""Passages that the reader reads, of those found: first the two whose best sentences look best without it, the third only where those are
not an answer of this probability. On the questions that the weights are fitted on, a right sentence is then first for .798 of the
answerable, as where all eight are read, at a third of the cost; by the order of the search it would be .763 (fourth reader)."""

LEAST_MARGIN = -20.0
"""Of a sentence that the reader saw nothing in."""

MARGIN_WEIGHT, COSINE_WEIGHT, LEAD_WEIGHT, BIAS = 0.191, 18.4, 0.373, -16.0
"""By the command of WEIGHTS, on 479 questions that have an answer and 178 to refuse: rightly answered ones on one side, wrong answers
and questions to refuse on the other (sixth reader)."""

OTHER_LANGUAGE = 0.5
"""Added across languages, where a cosine is lower, and names and years are compared as text anyway."""

SURE_ID, SURE_EN = 0.40, 0.45
"""The least probability of being right at which an Indonesian and an English question are answered. Of 454 questions to tune on, end to
end, .85 of the answerable are then answered rightly and .92 of the others refused; with .45 for both .846 and .918, with .40 .852 and
.90."""

SURE_ELSEWHERE = 0.8
"""Where the other language answers because the asker's does not: it refuses more of what is to be refused, at no loss of right answers
(tests/eval/LOG.md, with an earlier reader)."""

NAME_LINK = 0.78
"""A name that is not in the passage has to be this close to some word of it (a translation, a long form); of foreign names
one in ten is."""

COUNTERPARTS = {
    name: tuple(others.split("|"))
    for names, others in (
        ("embassy embassies kedutaan kedubes", "kedutaan|kedubes|kbri|embass"),
        ("ambassador duta", "duta besar|ambassador|envoy"),
        ("besar", "embass|ambassador|great"),
        ("ministry kementerian minister menteri", "kementerian|menteri|minist"),
        ("mofa kemlu kemenlu", "kemlu|kementerian luar negeri|foreign ministry|ministry of foreign affairs"),
        ("luar negeri foreign", "luar negeri|foreign"),
        ("agency badan", "badan|agency"),
        ("institute lembaga", "lembaga|institut"),
        ("jenderal general", "jenderal|general"),
        ("regulation peraturan", "peraturan|regulation"),
        ("summit ktt tingkat tinggi konferensi conference", "konferensi|conference|ktt|summit"),
        ("parliament dpr dewan perwakilan rakyat", "dewan perwakilan rakyat|dpr|parlem|parliam"),
        ("un pbb nations perserikatan bangsa bangsa-bangsa", "perserikatan bangsa|pbb|united nations"),
        ("zealand selandia baru", "selandia baru|new zealand"),
        ("cambodia kamboja", "kamboja|cambodia"),
        ("wni indonesians indonesian", "wni|warga negara|indonesia|citizens"),
    )
    for name in names.split()
}
"""Words of names, and beginnings of what the other language or everyday speech has for them: those of which the links are too low."""

RARE = 3.0
"""Of a name typed small, the least rarity (BM25's) at which it has to be in the passage: one in twenty has it. Of 43 altered questions
to tune on 37 are refused with it, 36 without, and no answer is lost (fifth reader)."""

CONFLICT = 8.0
"""What a sentence loses by naming another year than the question: more than any wording gains."""

NEAR = 3.0
"""How far below the best sentence another may score and still be said beside it."""

WHOLE = 0.8
"""A longer share of its sentence is no exact answer, and bold from end to end marks nothing."""

SAME = 0.97
"""Sentences this close say the same thing twice."""

_DATE = re.compile(r"\b(?:1[5-9]|20)\d\d\b|\b\d{1,2} (?:jan|feb|mar|apr|mei|may|jun|jul|agu|aug|sep|okt|oct|nov|des|dec)", re.IGNORECASE)
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

    @property
    def cosine(self) -> float:
        """With the question."""
        return self.features[1]


@dataclass(frozen=True, slots=True)
class Reading:
    """The sentences chosen, best first, and the probability that they answer.

    `found` is every sentence of the passages, `nearest` the best one of each passage, `conflict` the year or name that the passage
    lacks, or the year that its sentence has instead.
    """

    chosen: tuple[Candidate, ...]
    probability: float
    nearest: tuple[Candidate, ...] = ()
    conflict: str | None = None
    found: tuple[Candidate, ...] = ()
    threshold: float = SURE_EN

    @property
    def answers(self) -> bool:
        """Whether to say it."""
        return bool(self.chosen) and self.conflict is None and self.probability >= self.threshold


def read(
    question: Question,
    vector: Vectors,
    hits: Sequence[Hit],
    version: IndexVersion,
    embedder: Embedder,
    reader: Reader,
    most: int,
    sure: float = SURE_EN,
) -> Reading:
    """Choose at most `most` sentences from the chunks of `hits`; `vector` is the question's (1, dimension) embedding.

    They answer from the probability `sure` on, those of the other language from SURE_ELSEWHERE on.
    """
    unread = candidates(question, vector, hits, version)
    order = list(dict.fromkeys(one.chunk.chunk_id for one in unread))
    if not order:
        return Reading((), 0.0)

    @cache
    def absent_in(chunk: Chunk) -> str | None:
        own = version.vocabulary if version.language_of(chunk) == question.language else None
        return absent(question, text_to_embed(chunk, version.documents[chunk.doc_id].title), embedder, version.full_forms, own)

    def read_next(known: Sequence[Candidate], chunk_ids: Sequence[str]) -> Reading:
        found = with_spans(question, known, chunk_ids, version, reader)
        return _decided(question, found, version, absent_in, most, sure)

    first = read_next(unread, order[:AT_ONCE])
    settled = first.conflict is None and first.probability >= ENOUGH
    return first if settled or len(order) <= AT_ONCE else read_next(first.found, order[AT_ONCE:READ])


def _decided(
    question: Question,
    found: Sequence[Candidate],
    version: IndexVersion,
    absent_in: Callable[[Chunk], str | None],
    most: int,
    sure: float,
) -> Reading:
    best = found[0]
    lead = best.score - found[1].score if len(found) > 1 else 0.0
    evidence = MARGIN_WEIGHT * best.margin + COSINE_WEIGHT * best.cosine + LEAD_WEIGHT * lead + BIAS
    elsewhere = version.language_of(best.chunk) != question.language
    if elsewhere:
        evidence += OTHER_LANGUAGE
    nearest = {candidate.chunk.chunk_id: candidate for candidate in reversed(found)}
    return Reading(
        chosen=_with_companions(best, found, question, version, most),
        probability=1 / (1 + math.exp(-evidence)),
        nearest=tuple(sorted(nearest.values(), key=lambda candidate: -candidate.score)),
        conflict=best.conflict or absent_in(best.chunk),
        found=tuple(found),
        threshold=max(sure, SURE_ELSEWHERE) if elsewhere else sure,
    )


def absent(
    question: Question,
    passage: str,
    embedder: Embedder,
    forms: Mapping[str, frozenset[str]] = MappingProxyType({}),
    vocabulary: Vocabulary | None = None,
) -> str | None:
    """The names and years of the question that the passage does not have, in any form; `forms` are the full forms of acronyms.

    A name is what is written as one and, where there is a `vocabulary`, what that has as a rare one.
    """
    names = [span for span in question.content if _is_name(question.text[slice(*span)], question, vocabulary)]
    missing = [span for span in names if not mentions(passage, question.text[slice(*span)], forms)]
    far = [
        question.text[slice(*span)]
        for span, link in zip(missing, _links(question, missing, passage, embedder), strict=True)
        if link < NAME_LINK
    ]
    return ", ".join([*far, *sorted(question.years - years(passage))]) or None


def _is_name(word: str, question: Question, vocabulary: Vocabulary | None) -> bool:
    if word in question.names or vocabulary is None:
        return word in question.names
    return vocabulary.is_name(word) and vocabulary.rarity(word, question.language) >= RARE


def _links(question: Question, spans: Sequence[tuple[int, int]], passage: str, embedder: Embedder) -> list[float]:
    """How well `passage` matches the question's words at `spans`: the lowest, over a word's tokens, of the best cosine with one of it."""
    if not spans:
        return []
    asked, tokens = embedder.embed_tokens(question.text, is_query=True), embedder.embed_tokens(passage, is_query=False)
    cosines = (asked.rows @ tokens.rows.T).max(axis=1) if len(tokens.rows) else np.zeros(len(asked.rows))
    rows = [_within(asked.spans, span) for span in spans]
    return [float(cosines[row].min()) if row else 0.0 for row in rows]


def mentions(passage: str, word: str, forms: Mapping[str, frozenset[str]] = MappingProxyType({})) -> bool:
    """Whether all parts of `word` are whole words of `passage`, an acronym of it standing for its full forms and they for it."""
    asked, said = ({part.lower() for part in _WORD.findall(text)} for text in (word, passage))
    if asked <= said:
        return True
    low = passage.lower()
    said |= {name for name in asked - said if any(re.search(rf"\b{other}", low) for other in COUNTERPARTS.get(name, ()))}
    for acronym, full in forms.items():
        if acronym.lower() in said:
            said |= {part.lower() for form in full for part in _WORD.findall(form)}
        elif any(form.lower() in low for form in full):
            said.add(acronym.lower())
    return asked <= said


def _within(spans: Sequence[tuple[int, int]], span: tuple[int, int]) -> list[int]:
    return [i for i, (start, end) in enumerate(spans) if span[0] <= start and end <= span[1]]


def candidates(question: Question, vector: Vectors, hits: Sequence[Hit], version: IndexVersion) -> list[Candidate]:
    """Every sentence that begins in a chunk of the hits, as if the reader had seen nothing in any, best first."""
    begins = [(hit, row) for hit in hits for row in version.sentences_of(hit.chunk)]
    shares = _shared_words(question, [row for _, row in begins], version)
    found = [_unread(question, vector, hit, row, share, version) for (hit, row), share in zip(begins, shares, strict=True)]
    return sorted(found, key=lambda candidate: -candidate.score)


def with_spans(
    question: Question, found: Sequence[Candidate], chunk_ids: Sequence[str], version: IndexVersion, reader: Reader
) -> list[Candidate]:
    """The same sentences, best first, those of the chunks `chunk_ids` with what the reader says of them."""
    chosen = [sorted((one for one in found if one.chunk.chunk_id == key), key=lambda one: one.row) for key in chunk_ids]
    passages, heads = zip(*(_passage(version, ones) for ones in chosen), strict=True)
    now = [
        _with_span(one, replace(span, start=head + span.start, end=head + span.end), version)
        for ones, head, spans in zip(chosen, heads, reader.read(question.text, passages), strict=True)
        for one, span in zip(ones, spans, strict=True)
    ]
    rest = [one for one in found if one.chunk.chunk_id not in chunk_ids]
    return sorted([*now, *rest], key=lambda candidate: -candidate.score)


def _passage(version: IndexVersion, ones: Sequence[Candidate]) -> tuple[Passage, int]:
    """What is read of a chunk, and where in it that begins: at its first sentence. The reader has learned from text without headings."""
    places = [_within_chunk(version, one.row, one.chunk) for one in ones]
    head = places[0][0]
    return (ones[0].chunk.text[head:], [(start - head, end - head) for start, end in places]), head


def _unread(question: Question, vector: Vectors, hit: Hit, row: int, share: float, version: IndexVersion) -> Candidate:
    sentence = version.sentences[row]
    text = version.documents[sentence.doc_id].text[sentence.start : sentence.end]
    conflict = _conflict(question, text)
    cosine = float(version.sentence_vectors[row] @ vector[0])
    features = (LEAST_MARGIN, cosine, share, hit.dense, float(question.kind == "when" and bool(_DATE.search(text))))
    score = sum(weight * feature for weight, feature in zip(WEIGHTS, features, strict=True)) - (CONFLICT if conflict else 0.0)
    return Candidate(row, hit.chunk, features, score, conflict=conflict)


def _with_span(candidate: Candidate, span: Span, version: IndexVersion) -> Candidate:
    """The sentence with what the reader says of it."""
    sentence, chunk = version.sentences[candidate.row], candidate.chunk
    margin = max(span.margin, LEAST_MARGIN)
    start, end = chunk.start + span.start, min(chunk.start + span.end, sentence.end)
    exact = start < end and end - start <= WHOLE * (sentence.end - sentence.start)
    return replace(
        candidate,
        features=(margin, *candidate.features[1:]),
        score=candidate.score + WEIGHTS[0] * (margin - LEAST_MARGIN),
        place=(start, end) if exact else None,
    )


def _within_chunk(version: IndexVersion, row: int, chunk: Chunk) -> tuple[int, int]:
    sentence = version.sentences[row]
    return sentence.start - chunk.start, min(sentence.end, chunk.end) - chunk.start


def _shared_words(question: Question, rows: Sequence[int], version: IndexVersion) -> list[float]:
    """How much of the question each sentence holds, 0 to 1; a word that few of them hold weighs more. An acronym holds its full form."""
    asked = {language: sorted(stems(question.text, language)) for language in _STEMMERS}
    documents = [version.documents[version.sentences[row].doc_id] for row in rows]
    table = np.zeros((len(rows), max((len(asked[document.language]) for document in documents), default=0)))
    for i, (row, document) in enumerate(zip(rows, documents, strict=True)):
        text = document.text[version.sentences[row].start : version.sentences[row].end]
        forms = [form for acronym in _ACRONYM.findall(text) for form in version.full_forms.get(acronym, ())]
        here = stems(" ".join([text, *forms]), document.language)
        table[i, : len(asked[document.language])] = [stem in here for stem in asked[document.language]]
    rarity = np.log((len(table) + 1) / (table.sum(axis=0) + 0.5))
    return [float(share) for share in table @ rarity / rarity.sum()] if table.size else [0.0] * len(rows)


def stems(text: str, language: str) -> set[str]:
    """The stems of the content words of `text`."""
    return {_stem(word.lower(), language) for word in _WORD.findall(text) if is_content(word)}


@lru_cache(maxsize=50_000)
def _stem(word: str, language: str) -> str:
    with _STEMMING:
        return str(_STEMMERS[language].stemWord(word))


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
    """The best candidate, and those that score nearly as well.

    It is one of its own passage at most, or, where a question asks for several, more of its document.
    """
    chosen = [best]
    broad = question.kind in ("list", "broad")
    limit = most if broad else min(2, most)
    for candidate in found:
        inside = candidate.chunk.doc_id == best.chunk.doc_id if broad else candidate.chunk.chunk_id == best.chunk.chunk_id
        fits = inside and candidate.conflict is None and candidate.score >= best.score - NEAR
        repeats = any(float(version.sentence_vectors[candidate.row] @ version.sentence_vectors[other.row]) >= SAME for other in chosen)
        if len(chosen) < limit and fits and not repeats:
            chosen.append(candidate)
    return tuple(chosen)
