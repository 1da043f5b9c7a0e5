"""The answer, as every door gives it: command line, HTTP, and the chat."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

COURTESY = "courtesy"
"""What `Answer.model` says of a reply to small talk: it is no answer from the corpus, and neither refused nor cited."""

Verdict = Literal["verbatim", "supported", "partial", "unsupported"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CitedSource(_Record):
    """A published work that a quoted sentence itself rests on."""

    key: str
    title: str
    publisher: str | None = None
    author: str | None = None
    date: str | None = None
    url: str | None = None


class Citation(_Record):
    """Words of a document: `quote == document.text[start:end]`, in characters."""

    number: int
    doc_id: str
    chunk_id: str
    title: str
    publisher: str | None
    author: str | None
    date: str | None
    url: str | None
    language: str
    license: str | None
    page: int | None = None
    quote: str
    start: int
    end: int
    answer_start: int | None = None
    answer_end: int | None = None
    score: float
    source_url: str
    sources: tuple[CitedSource, ...] = ()


class AnswerSentence(_Record):
    """One sentence of the answer, what its citations prove of it, and their numbers."""

    text: str
    verdict: Verdict
    citations: tuple[int, ...]


class NearPassage(_Record):
    """On a refusal: a passage that came near, and why it does not answer."""

    doc_id: str
    title: str
    quote: str
    start: int
    end: int
    reason: str
    source_url: str


class Notice(_Record):
    """Something to know about the answer, in the asker's language; `code` is stable."""

    code: str
    text: str


class Answer(_Record):
    """A cited answer, or a refusal (`refused`, with the reason and the nearest passages)."""

    answer_id: str
    question: str
    standalone_question: str
    language: str
    answer: str
    refused: bool
    refusal_reason: str | None = None
    sentences: tuple[AnswerSentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    nearest: tuple[NearPassage, ...] = ()
    notices: tuple[Notice, ...] = ()
    related: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    model: str
    index_version: str
    dropped_sentences: int = 0
    timings_ms: dict[str, float] = {}

    @property
    def is_courtesy(self) -> bool:
        """Whether it replies to small talk."""
        return self.model == COURTESY
