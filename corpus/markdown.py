"""Markdown to the plain text that a reader sees, with tables of what stood where.

Marks disappear, words stay; `[^key]` becomes a Note at its place, and a footnote that the file itself defines
(`[^key]: Title …`) becomes a Source. HTML is not interpreted.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from corpus.document import Block, BlockKind, Note, Source
from corpus.text import normalise

_MARK = re.compile(r"\[\^([\w.-]+)\]")
_DEFINITION = re.compile(r"^\[\^([\w.-]+)\]:[ \t]+(.+(?:\n[ \t]+\S.*)*)\n?", re.MULTILINE)
_FENCED = re.compile(r"(^ {0,3}```.*?^ {0,3}```[ \t]*$)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class PlainText:
    """The text of a file and its tables; `title` is its first heading."""

    text: str
    blocks: tuple[Block, ...]
    notes: tuple[Note, ...] = ()
    sources: tuple[Source, ...] = ()
    title: str | None = None


def parse_markdown(body: str) -> PlainText:
    """Read Markdown (CommonMark and tables); raises nothing: any text is valid Markdown."""
    fences = _FENCED.split(body)
    sources = tuple(Source(key, _clean(title)) for part in fences[::2] for key, title in _DEFINITION.findall(part))
    fences[::2] = [_DEFINITION.sub("", part) for part in fences[::2]]
    tokens = MarkdownIt("commonmark", {"html": False}).enable("table").parse("".join(fences))
    text, blocks, notes, title = "", [], [], None
    for kind, content in _content(tokens):
        plain, marks = (content, []) if kind == "code" else _without_marks(content)
        if not plain:
            continue
        text += "\n\n" if text else ""
        blocks.append(Block(kind, len(text), len(text) + len(plain)))
        notes += [Note(len(text) + offset, keys) for offset, keys in marks]
        text += plain
        title = title or (plain if kind == "heading" else None)
    return PlainText(text, tuple(blocks), tuple(notes), sources, title)


def _content(tokens: list[Token]) -> Iterator[tuple[BlockKind, str]]:
    """(kind, text with footnote marks) of each block, in order."""
    open_kinds: list[BlockKind] = []
    openers: dict[str, BlockKind] = {"heading_open": "heading", "list_item_open": "item", "blockquote_open": "quote"}
    cells: list[str] | None = None
    for token in tokens:
        if token.type in openers:
            open_kinds.append(openers[token.type])
        elif token.type in ("heading_close", "list_item_close", "blockquote_close"):
            open_kinds.pop()
        elif token.type == "tr_open":
            cells = []
        elif token.type == "tr_close" and cells:
            yield "row", " | ".join(cells)
            cells = None
        elif token.type == "inline" and cells is not None:
            cells.append(_inline(token))
        elif token.type == "inline":
            yield (open_kinds[-1] if open_kinds else "paragraph"), _inline(token)
        elif token.type in ("fence", "code_block"):
            yield "code", token.content.strip("\n")


def _inline(token: Token) -> str:
    words = []
    for child in token.children or ():
        if child.type in ("softbreak", "hardbreak"):
            words.append(" ")
        elif child.type == "image":
            words.append(_inline(child) or child.content)
        else:
            words.append(child.content)
    return _clean("".join(words))


def _clean(text: str) -> str:
    """On one line, and normalised again: Markdown's entities can bring back what the file's text had lost."""
    return " ".join(normalise(text).split())


def _without_marks(content: str) -> tuple[str, list[tuple[int, tuple[str, ...]]]]:
    """The text without its footnote marks, and (offset, keys) of each run of marks."""
    plain, last = "", 0
    marks: list[tuple[int, str]] = []
    for match in _MARK.finditer(content):
        plain += content[last : match.start()]
        marks.append((len(plain), match[1]))
        last = match.end()
    kept = (plain + content[last:]).rstrip()
    merged: dict[int, tuple[str, ...]] = {}
    for offset, key in marks:
        place = min(offset, len(kept))
        merged[place] = (*merged.get(place, ()), key)
    return kept, list(merged.items())
