"""Ties a chosen sentence to the words of its source, and verifies the tie."""

from collections.abc import Iterable
from urllib.parse import quote, urlencode

from bot.answer import Citation, CitedSource
from corpus.document import Document, Sentence
from index.hit import Hit
from index.store import IndexVersion

MARK = "cited"
"""The marked words on the reader page have this id, so a browser scrolls to them without a script."""


def source_url(doc_id: str, start: int, end: int, version: str) -> str:
    """Our reader page with that range marked, as a path below the server's root; `version` names the index it counts in."""
    return f"/source/{quote(doc_id)}?{urlencode({'start': start, 'end': end, 'v': version})}#{MARK}"


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
        source_url=source_url(document.doc_id, sentence.start, sentence.end, version.manifest.version),
        sources=tuple(_sources(document, sentence.keys)),
    )


def is_literal(citation: Citation, version: IndexVersion, chunk_ids: Iterable[str]) -> bool:
    """Whether the quote is a slice of the document it names, and lies in one of the chunks that were found."""
    document = version.documents.get(citation.doc_id)
    in_range = document is not None and 0 <= citation.start < citation.end <= len(document.text)
    return (
        document is not None
        and in_range
        and document.text[citation.start : citation.end] == citation.quote
        and citation.chunk_id in set(chunk_ids)
    )


def _sources(document: Document, keys: Iterable[str]) -> Iterable[CitedSource]:
    known = {source.key: source for source in document.sources}
    for key in keys:
        if source := known.get(key):
            yield CitedSource(
                key=key, title=source.title, publisher=source.publisher, author=source.author, date=source.date, url=source.url
            )
