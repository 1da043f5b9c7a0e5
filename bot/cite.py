"""Ties a chosen sentence to the words of its source, and verifies the tie."""

from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlencode

from bot.answer import Citation, CitedSource
from corpus.document import Document, Sentence
from corpus.text import text_hash
from index.hit import Hit
from index.store import IndexVersion

MARK = "cited"
"""The marked words on the reader page have this id, so a browser scrolls to them without a script."""


def source_url(document: Document, start: int, end: int) -> str:
    """Our reader page with that range marked, as a path below the server's root; `v` stands for the text it counts in."""
    return f"/source/{quote(document.doc_id)}?{urlencode({'start': start, 'end': end, 'v': text_hash(document.text)})}#{MARK}"


def cite(number: int, sentence: Sentence, hit: Hit, answer: tuple[int, int] | None, version: IndexVersion) -> Citation:
    """The citation of `sentence`, its quote cut from the document; `answer` is the exact answer inside it, if known."""
    document = version.document(sentence.doc_id)
    return Citation(
        number=number,
        doc_id=document.doc_id,
        chunk_id=hit.chunk.chunk_id,
        title=document.title,
        publisher=document.publisher,
        author=document.author,
        date=document.updated or document.date,
        url=document.url,
        language=document.language,
        license=document.license,
        quote=document.text[sentence.start : sentence.end],
        start=sentence.start,
        end=sentence.end,
        answer_start=answer[0] if answer else None,
        answer_end=answer[1] if answer else None,
        score=round(hit.score, 4),
        source_url=source_url(document, sentence.start, sentence.end),
        sources=tuple(_sources(document, sentence.keys)),
    )


def is_literal(citation: Citation, version: IndexVersion, found: Mapping[str, Hit]) -> bool:
    """Whether the quote is a slice of the document it names, and begins in the chunk it names, which was `found`."""
    document, hit = version.documents.get(citation.doc_id), found.get(citation.chunk_id)
    return (
        document is not None
        and hit is not None
        and hit.chunk.doc_id == citation.doc_id
        and hit.chunk.start <= citation.start < hit.chunk.end
        and citation.start < citation.end <= len(document.text)
        and document.text[citation.start : citation.end] == citation.quote
    )


def _sources(document: Document, keys: Iterable[str]) -> Iterable[CitedSource]:
    known = {source.key: source for source in document.sources}
    for key in keys:
        if source := known.get(key):
            yield CitedSource(
                key=key, title=source.title, publisher=source.publisher, author=source.author, date=source.date, url=source.url
            )
