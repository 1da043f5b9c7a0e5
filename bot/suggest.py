"""Questions that the corpus answers, to be offered to readers: taken from its own texts when a version is built.

A heading that asks is asked, and of a document that begins by saying what something is, just that. What the bot does not answer, or from
other documents alone, is left out.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from bot.answer import Answer
from bot.read import stems
from corpus.document import Document
from index.embed import Embedder
from index.encoder import Vectors
from index.store import IndexVersion

MOST, OF_ONE_DOCUMENT = 3, 2
"""Related questions beside an answer, and how many of them one document gives."""

EXAMPLES = 4

ALIKE = 0.6
"""Share of the stems of two questions in both, from which on they ask the same: "Kapan RCDD digelar?" and "Kapan dan di mana
RCDD 2019 digelar?" do, "Apa itu RCDD?" does not."""

LONGEST_SUBJECT = 7
"""Words before "is" that can still be the name of something."""

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


def suggest(
    version: IndexVersion, doc_ids: Collection[str], ask: Callable[[str, str | None], Answer], embedder: Embedder
) -> Iterator[list[Suggestion]]:
    """What each document of `doc_ids` gives, one after the other; `ask` answers from this version."""
    middle = _middle(version)
    for doc_id in doc_ids:
        document = version.documents[doc_id]
        found = []
        for text in dict.fromkeys(_drafts(document, version)):
            said = next((one for one in ask(text, document.language).citations if one.doc_id == doc_id), None)
            if said:
                weight = round(float(embedder.embed_queries([text])[0] @ middle), 4)
                found.append(Suggestion(question=text, language=document.language, doc_id=doc_id, start=said.start, weight=weight))
        yield found


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


def _middle(version: IndexVersion) -> Vectors:
    """(dimension,) the mean of the passages' vectors."""
    total = np.zeros(version.manifest.dimension, np.float32)
    for block in version.chunk_vectors.blocks():
        total += block.sum(axis=0)
    return total / np.float32(max(len(version.chunks), 1))


def _drafts(document: Document, version: IndexVersion) -> Iterator[str]:
    if definition := _definition(document, version):
        yield definition
    for block in document.blocks:
        if block.kind == "heading" and (asking := _ASKING.match(document.text[block.start : block.end].strip())):
            yield asking[0]


def _definition(document: Document, version: IndexVersion) -> str | None:
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
    return f"{what} {_within_sentence(subject, version)}?"


def _within_sentence(subject: str, version: IndexVersion) -> str:
    """The subject as it is written elsewhere than at the beginning of a sentence: "Diplomasi digital" small, "Portal Peduli WNI" not."""
    first, *rest = subject.split()
    names = version.vocabulary.is_name(first) or any(word[0].isupper() for word in rest[:1])
    return subject if names and first not in ("The", "A", "An") else subject[0].lower() + subject[1:]
