"""The records of the corpus: what a file becomes before anything is embedded.

`Document.text` is the plain text that a reader sees: no front matter, no Markdown marks, no footnote marks.
Every offset in the product (block, note, sentence, chunk, citation) counts characters of that text.
"""

from dataclasses import dataclass, field
from typing import Literal

BlockKind = Literal["heading", "paragraph", "item", "quote", "code", "row"]


@dataclass(frozen=True, slots=True)
class Source:
    """A published work that sentences of a document rest on. `date` is ISO, partial ISO, or "n.d."."""

    key: str
    title: str
    publisher: str | None = None
    author: str | None = None
    date: str | None = None
    url: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, paragraph, list item, quotation, code block or table row: `text[start:end]`."""

    kind: BlockKind
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Note:
    """Footnote marks that stood at one place of the text; they cover the sentence that ends there."""

    offset: int
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One source text with its metadata and its tables (blocks, notes, sources)."""

    doc_id: str
    title: str
    language: str
    text: str
    blocks: tuple[Block, ...]
    path: str
    notes: tuple[Note, ...] = ()
    sources: tuple[Source, ...] = ()
    author: str | None = None
    publisher: str | None = None
    date: str | None = None
    updated: str | None = None
    as_of: str | None = None
    url: str | None = None
    license: str | None = None
    meta: tuple[str, ...] = field(default=(), repr=False)
    """Front matter keys that the file declares, in its order."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a document, with the keys of the sources that its footnotes name."""

    doc_id: str
    start: int
    end: int
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage to embed: `document.text[start:end] == text`; `heading` is the section's, or ""."""

    chunk_id: str
    doc_id: str
    start: int
    end: int
    text: str
    heading: str = ""
