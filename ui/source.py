"""The reader page: a whole source text with the quoted words marked, and what its sentences rest on."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, Template

from bot.cite import MARK
from corpus.document import Block, Document
from corpus.text import text_hash
from index.store import IndexVersion
from ui.texts import TEXTS, date_in_words

CONTENT_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text of a block; marked where it is quoted, followed by the numbers of its references."""

    text: str
    marked: bool
    notes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A block as the page shows it."""

    kind: str
    pieces: tuple[Piece, ...]


def source_page(version: IndexVersion, doc_id: str, start: int | None, end: int | None, made_with: str | None, language: str | None) -> str:
    """The page of a document, `[start, end)` marked unless it was counted in another text. Raises DocumentUnknown."""
    document = version.document(doc_id)
    changed = made_with is not None and made_with != text_hash(document.text)
    whole = start is None or end is None or changed or not 0 <= start < end <= len(document.text)
    marked = (0, 0) if whole else (start or 0, end or 0)
    interface = language if language in TEXTS else document.language
    return _template().render(
        document=document,
        paragraphs=[*paragraphs(document, *marked)],
        changed=changed,
        marked=marked[1] > marked[0],
        mark=MARK,
        words=TEXTS[interface],
        interface=interface,
        date=lambda date: date_in_words(date, interface),
    )


def paragraphs(document: Document, start: int, end: int) -> Iterator[Paragraph]:
    """The blocks of `document`, cut where the marked range begins and ends and where references stand."""
    numbers = {source.key: number for number, source in enumerate(document.sources, start=1)}
    notes = {note.offset: tuple(numbers[key] for key in note.keys if key in numbers) for note in document.notes}
    for block in document.blocks:
        yield Paragraph(block.kind, tuple(_pieces(document.text, block, start, end, notes)))


def _pieces(text: str, block: Block, start: int, end: int, notes: dict[int, tuple[int, ...]]) -> Iterator[Piece]:
    cuts = {block.start, block.end, *(offset for offset in notes if block.start < offset < block.end)}
    cuts |= {offset for offset in (start, end) if block.start < offset < block.end}
    ordered = sorted(cuts)
    for left, right in itertools.pairwise(ordered):
        yield Piece(text[left:right], start <= left and right <= end, notes.get(right, ()))


@lru_cache(maxsize=1)
def _template() -> Template:
    loader = FileSystemLoader(Path(__file__).parent / "static")
    return Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True).get_template("source.html")
