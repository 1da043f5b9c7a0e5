"""Cuts a Document into sentences (to quote) and chunks (to embed), both as exact slices of its text.

langchain-text-splitters does the packing. Its own `add_start_index` searches for each chunk again and so puts a
repeated passage at its first occurrence; here nothing is searched: every boundary is marked before the split
with a character that no document can hold, the pieces that come back are consecutive, and their offsets are sums.

1. A chunk never crosses a heading, and ends on a sentence end unless one sentence alone is over the limit.
2. `document.text[chunk.start:chunk.end] == chunk.text`; starts strictly increase; all non-blank text is in a chunk.
3. A chunk's id depends on its words and place among equals, not on its offset: an edit elsewhere keeps it.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator

import sentencex

from corpus.document import Block, Chunk, Document, Sentence

BLOCK_MARK, SENTENCE_MARK = "\x1d", "\x1e"
"""`text.normalise` removes control characters, so no document holds these."""

LONGEST_WORD = 200
"""An unbroken run of more characters is no word; cut it, or one chunk would take it whole."""

_LONG_RUN = re.compile(rf"\S{{{LONGEST_WORD}}}")

_AFTER_ADDRESS = re.compile(r"(?<=\w)\.[a-z]{2,6}\.\s+(?=[A-Z“\"])")
"""sentencex takes "kemlu.go.id. Pada" for an abbreviation; a capital after a web address begins a sentence."""

CountTokens = Callable[[str], int]


def split_sentences(document: Document) -> tuple[Sentence, ...]:
    """The sentences of all blocks but headings, in reading order, each with its footnotes' source keys."""
    return tuple(
        Sentence(document.doc_id, start, end, _keys(document, start, end))
        for block in document.blocks
        if block.kind != "heading"
        for start, end in _spans(document, block)
    )


def split_chunks(document: Document, count_tokens: CountTokens, max_tokens: int) -> tuple[Chunk, ...]:
    """Passages of at most `max_tokens` (as `count_tokens` counts them), packed sentence by sentence."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        separators=[BLOCK_MARK, SENTENCE_MARK, " "],
        keep_separator="end",
        strip_whitespace=False,
        chunk_size=max_tokens,
        chunk_overlap=0,
        length_function=lambda piece: count_tokens(_unmarked(piece)),
    )
    seen: Counter[str] = Counter()
    chunks = []
    for heading, start, end in _sections(document):
        for piece in splitter.split_text(_marked(document, start, end)):
            piece = _unmarked(piece)
            text = piece.strip()
            if text:
                offset = start + len(piece) - len(piece.lstrip())
                key = _digest(document.doc_id, heading, text)
                chunk_id = f"{document.doc_id}:{_digest(key, str(seen[key]))[:12]}"
                seen[key] += 1
                chunks.append(Chunk(chunk_id, document.doc_id, offset, offset + len(text), text, heading))
            start += len(piece)
    return tuple(chunks)


def _spans(document: Document, block: Block) -> Iterator[tuple[int, int]]:
    text = document.text[block.start : block.end]
    if block.kind in ("code", "row"):
        yield block.start, block.end
        return
    bounds = {boundary["end_index"] for boundary in sentencex.get_sentence_boundaries(document.language, text)}
    bounds |= {match.end() for match in _AFTER_ADDRESS.finditer(text)} | {len(text)}
    start = 0
    for end in sorted(bounds):
        raw = text[start:end]
        if raw.strip():
            lead = len(raw) - len(raw.lstrip())
            yield block.start + start + lead, block.start + start + len(raw.rstrip())
        start = end


def _keys(document: Document, start: int, end: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for note in document.notes if start < note.offset <= end for key in note.keys))


def _sections(document: Document) -> Iterator[tuple[str, int, int]]:
    """(heading, start, end) of each run of blocks under one heading; headings in a row belong to the last."""
    heading, start, end, has_body = "", 0, 0, False
    for block in document.blocks:
        if block.kind == "heading":
            if has_body:
                yield heading, start, end
                start, has_body = block.start, False
            heading = document.text[block.start : block.end]
        else:
            has_body = True
        end = block.end
    if end > start:
        yield heading, start, end


def _marked(document: Document, start: int, end: int) -> str:
    """The slice with a mark at each place where a chunk may end: after blocks at best, after sentences at need."""
    marks: dict[int, str] = {}
    for block in document.blocks:
        if start <= block.start < end and block.kind != "heading":
            marks |= {sentence_end: SENTENCE_MARK for _, sentence_end in _spans(document, block)}
            marks[block.end] = BLOCK_MARK
    text, last = "", start
    for cut in sorted(marks):
        text += document.text[last:cut] + marks[cut]
        last = cut
    text += document.text[last:end]
    return _LONG_RUN.sub(lambda run: run[0] + SENTENCE_MARK, text)


def _unmarked(piece: str) -> str:
    return piece.replace(BLOCK_MARK, "").replace(SENTENCE_MARK, "")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
