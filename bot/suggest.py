"""Questions that the corpus answers, to be offered to readers: taken from its own texts once a version is live.

A heading that asks is asked, and of a document that begins by saying what something is, just that. What the bot does not answer from
below that heading, or by that beginning, is left out. They are kept in INDEX/suggestions.json; a document that stays as it was is not
asked again.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from bot.answer import Answer
from bot.read import stems
from corpus.document import Document
from corpus.errors import QuestionInvalid
from index.disk import replace_file
from index.embed import Embedder
from index.encoder import Vectors
from index.store import IndexVersion

KEPT = "suggestions.json"
"""Beside the versions, in the index folder."""

MOST, OF_ONE_DOCUMENT = 3, 2
"""Related questions beside an answer, and how many of them one document gives."""

EXAMPLES = 4

ALIKE = 0.6
"""Share of the stems of two questions in both, from which on they ask the same: "Kapan RCDD digelar?" and "Kapan dan di mana
RCDD 2019 digelar?" do, "Apa itu RCDD?" does not."""

LONGEST_SUBJECT = 7
"""Words before "is" that can still be the name of something."""

Ask = Callable[[str, str | None], Answer]
"""Answers a question, in a language or in the question's own."""

_ASKING = re.compile(r"[^?\n]{8,120}\?")
_IS = {"id": re.compile(r"\s(?:adalah|ialah|merupakan)\s"), "en": re.compile(r"\s(?:is|are)\s(?:an?|the)\s")}
_ASIDE = re.compile(r"\s*\([^)]*\)")


class Suggestion(BaseModel):
    """A question, the document that answers it, and where the sentence begins there that does.

    `weight` is the question's cosine with the mean of all passages: what the corpus is about has most of it.
    """

    model_config = ConfigDict(frozen=True)
    question: str
    language: str
    doc_id: str
    start: int
    weight: float


class DocumentSuggestions(BaseModel):
    """What a document gave, and a digest of it as it was then."""

    digest: str
    suggestions: list[Suggestion]


class Suggestions(BaseModel):
    """What the file keeps: the questions by document, and the last version of which all documents were asked."""

    version: str = ""
    documents: dict[str, DocumentSuggestions] = {}

    def of(self, version: IndexVersion) -> tuple[Suggestion, ...]:
        """Those of the documents that a version has, in its order."""
        return tuple(one for doc_id in version.documents if doc_id in self.documents for one in self.documents[doc_id].suggestions)


@dataclass(frozen=True, slots=True)
class Draft:
    """A question that a document seems to answer between two places of its text."""

    question: str
    start: int
    end: int


def read_suggestions(index_dir: Path) -> Suggestions:
    """What is kept; nothing where the file is missing or spoilt."""
    try:
        return Suggestions.model_validate_json((index_dir / KEPT).read_bytes())
    except (OSError, ValueError):
        return Suggestions()


def suggest(
    index_dir: Path,
    version: IndexVersion,
    ask: Ask,
    embedder: Embedder,
    tell: Callable[[str, int], None] = lambda event, count: None,
    ended: Callable[[], bool] = lambda: False,
) -> None:
    """Ask the documents of `version` that are new or changed, and keep what they give; no more of them once it has `ended`.

    `ask` answers from this version. `tell` hears ("documents", count) and ("document", 1). OSError passes through.
    """
    before = read_suggestions(index_dir)
    digests = {doc_id: _digest(version.documents[doc_id]) for doc_id in version.documents}
    found = {doc_id: before.documents[doc_id] for doc_id, digest in digests.items() if _is_of(before, doc_id, digest)}
    new = [doc_id for doc_id in digests if doc_id not in found]
    middle = _middle(version) if new else None
    tell("documents", len(new))
    for doc_id in new:
        if ended():
            break
        suggestions = list(_suggested(version.documents[doc_id], version, ask, lambda text: embedder.embed_queries([text])[0] @ middle))
        found[doc_id] = DocumentSuggestions(digest=digests[doc_id], suggestions=suggestions)
        tell("document", 1)
    complete = version.manifest.version if len(found) == len(digests) else ""
    replace_file(index_dir / KEPT, Suggestions(version=complete, documents=found).model_dump_json().encode())


def related(
    suggestions: Sequence[Suggestion], language: str, asked: Sequence[str], documents: Sequence[str], said: Sequence[tuple[str, int, int]]
) -> tuple[str, ...]:
    """Questions of `documents`, nearest first, that are none of those `asked` and are not answered by what was `said` (document, from, to).

    Of one document those come first whose answers stand near to what was said.
    """
    order = {doc_id: rank for rank, doc_id in enumerate(dict.fromkeys(documents))}

    def place(one: Suggestion) -> tuple[int, int]:
        return order[one.doc_id], min((abs(one.start - start) for doc_id, start, _ in said if doc_id == one.doc_id), default=one.start)

    fit = [
        one
        for one in suggestions
        if one.language == language
        and one.doc_id in order
        and not any(doc_id == one.doc_id and start <= one.start < end for doc_id, start, end in said)
    ]
    return _different(sorted(fit, key=place), asked, MOST, OF_ONE_DOCUMENT)


def examples(suggestions: Sequence[Suggestion], language: str, count: int = EXAMPLES) -> tuple[str, ...]:
    """What to ask this corpus first: its most typical questions, each of another document, those first that begin with different words."""
    typical = sorted((one for one in suggestions if one.language == language), key=lambda one: -one.weight)
    openings: set[str] = set()
    first, rest = list[Suggestion](), list[Suggestion]()
    for one in typical:
        opening = one.question.split()[0]
        (rest if opening in openings else first).append(one)
        openings.add(opening)
    return _different([*first, *rest], (), count, 1)


def _different(suggestions: Sequence[Suggestion], asked: Sequence[str], most: int, of_one: int) -> tuple[str, ...]:
    found: list[Suggestion] = []
    for one in suggestions:
        others = [*asked, *(other.question for other in found)]
        room = len(found) < most and sum(other.doc_id == one.doc_id for other in found) < of_one
        if room and not any(_alike(one.question, other, one.language) for other in others):
            found.append(one)
    return tuple(one.question for one in found)


def _alike(one: str, other: str, language: str) -> bool:
    mine, theirs = stems(one, language), stems(other, language)
    return len(mine & theirs) >= ALIKE * len(mine | theirs)


def _is_of(before: Suggestions, doc_id: str, digest: str) -> bool:
    return doc_id in before.documents and before.documents[doc_id].digest == digest


def _digest(document: Document) -> str:
    return hashlib.sha256(repr((document.language, document.title, document.text, document.blocks)).encode()).hexdigest()


def _middle(version: IndexVersion) -> Vectors:
    """(dimension,) the mean of the passages' vectors."""
    total = np.zeros(version.manifest.dimension, np.float32)
    for block in version.chunk_vectors.blocks():
        total += block.sum(axis=0)
    return total / np.float32(max(len(version.chunks), 1))


def _suggested(document: Document, version: IndexVersion, ask: Ask, weigh: Callable[[str], float]) -> Iterator[Suggestion]:
    asked = set[str]()
    for draft in _drafts(document, version):
        if draft.question in asked:
            continue
        asked.add(draft.question)
        try:
            answer = ask(draft.question, document.language)
        except QuestionInvalid:  # nor could a reader ask it: it is longer than the settings allow
            continue
        said = (one.start for one in answer.citations if one.doc_id == document.doc_id and draft.start <= one.start < draft.end)
        if (start := next(said, None)) is not None:
            weight = round(float(weigh(draft.question)), 4)
            yield Suggestion(question=draft.question, language=document.language, doc_id=document.doc_id, start=start, weight=weight)


def _drafts(document: Document, version: IndexVersion) -> Iterator[Draft]:
    if definition := _definition(document, version):
        yield definition
    headings = [block for block in document.blocks if block.kind == "heading"]
    ends = [*(block.start for block in headings[1:]), len(document.text)]
    for block, end in zip(headings, ends, strict=False):
        if asking := _ASKING.match(document.text[block.start : block.end].strip()):
            yield Draft(asking[0], block.end, end)


def _definition(document: Document, version: IndexVersion) -> Draft | None:
    """What the first sentence of the document defines, as a question."""
    first = version.texts.sentences_between(document.doc_id, 0, len(document.text))[:1]
    pattern = _IS.get(document.language)
    if not first or pattern is None:
        return None
    sentence = version.sentences[first[0]]
    text = document.text[sentence.start : sentence.end]
    verb = pattern.search(text)
    if verb is None:
        return None
    subject = _ASIDE.sub("", text[: verb.start()]).strip()
    if not subject or "," in subject or len(subject.split()) > LONGEST_SUBJECT:
        return None
    what = "Apa itu" if document.language == "id" else f"What {verb[0].split()[0]}"
    return Draft(f"{what} {_within_sentence(subject, version)}?", sentence.start, sentence.end)


def _within_sentence(subject: str, version: IndexVersion) -> str:
    """The subject as it is written elsewhere than at the beginning of a sentence: "Diplomasi digital" small, "Portal Peduli WNI" not."""
    first, *rest = subject.split()
    names = version.vocabulary.is_name(first) or any(word[0].isupper() for word in rest[:1])
    return subject if names and first not in ("The", "A", "An") else subject[0].lower() + subject[1:]
