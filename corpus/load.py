"""Reads files into Documents: Markdown with YAML front matter, and plain text, pasted web pages included.

1. The same bytes give the same id, text and tables.
2. A file that cannot be read raises a DocumentError; `load_corpus` lists it and goes on with the rest.
3. An id is made from the path by rule (`id/rcdd-2019.md` -> `id.rcdd-2019`); two files with one id are an error.
4. HTML in a file is text like any other: it is kept as it stands, and whoever shows it escapes it.
"""

import datetime
import hashlib
import re
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from corpus.clean import clean_page
from corpus.document import Block, BlockKind, Document, Source
from corpus.errors import (
    CorpusChanging,
    CorpusEmpty,
    CorpusMissing,
    DocumentEmpty,
    DocumentError,
    DocumentNotText,
    DocumentTooLarge,
    DocumentUnreadable,
    DuplicateDocumentId,
    FrontMatterInvalid,
)
from corpus.language import LANGUAGES, detect_language
from corpus.markdown import PlainText, parse_markdown
from corpus.text import normalise

MAX_BYTES = 5_000_000
"""A book is about 1 MB of text; more than this is a wrong file, and would hold a build for minutes."""

QUIET_TRIES, QUIET_PAUSE = 10, 0.3
"""Readings of a corpus that is being edited, and seconds between them: an editor's save takes one, a checkout a few."""

SUFFIXES = {".md": "markdown", ".markdown": "markdown", ".txt": "plain"}
FIELDS = ("title", "language", "author", "publisher", "date", "updated", "as_of", "url", "license", "sources")

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?P<yaml>.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_BULLET = re.compile(r"^\s*(?:[-*•·]|\d{1,2}[.)])\s+")


@dataclass(frozen=True, slots=True)
class Corpus:
    """The documents of a folder, in the order of their ids, and the files that could not become one."""

    documents: tuple[Document, ...]
    failures: tuple[DocumentError, ...] = ()


def load_corpus(folder: Path) -> Corpus:
    """Read every document below `folder`.

    Raises CorpusMissing where there is no such folder and CorpusEmpty where nothing in it could be read.
    """
    if not folder.is_dir():
        raise CorpusMissing(f"No corpus folder at {folder}. Name one with --corpus DIR.")
    documents: dict[str, Document] = {}
    failures: list[DocumentError] = []
    for path in document_files(folder):
        try:
            document = load_document(path, folder)
            if document.doc_id in documents:
                raise DuplicateDocumentId(
                    f"{path}: its id {document.doc_id!r} is taken by {documents[document.doc_id].path}. Rename one of them."
                )
        except DocumentError as error:
            failures.append(error)
        else:
            documents[document.doc_id] = document
    if not documents:
        why = "".join(f"\n  {failure}" for failure in failures)
        raise CorpusEmpty(f"No readable document in {folder}: put .md or .txt files there.{why}")
    return Corpus(tuple(documents[key] for key in sorted(documents)), tuple(failures))


def load_quiet_corpus(folder: Path) -> Corpus:
    """Like `load_corpus`, but of one moment: read again as long as a file changes meanwhile. Raises CorpusChanging too."""
    for tried in range(QUIET_TRIES):
        time.sleep(QUIET_PAUSE * bool(tried))
        before = corpus_fingerprint(folder)
        corpus = load_corpus(folder)
        if corpus_fingerprint(folder) == before:
            return corpus
    raise CorpusChanging(f"{folder} is being edited: it changed during each of {QUIET_TRIES} readings. Try again when it rests.")


def corpus_fingerprint(folder: Path) -> str:
    """What differs as soon as a document's file is added, removed, replaced or written to; no file is read."""
    digest = hashlib.sha256()
    for path in document_files(folder):
        try:
            status = path.stat()
            digest.update(f"{path}\0{status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}\n".encode(errors="replace"))
        except OSError:
            digest.update(f"{path}\0unreadable\n".encode(errors="replace"))
    return digest.hexdigest()


def load_document(path: Path, folder: Path) -> Document:
    """Read one file; its id comes from its path below `folder`."""
    raw = normalise(_read(path))
    declared, body = _front_matter(raw, path)
    is_markdown = SUFFIXES[path.suffix.lower()] == "markdown"
    parsed, found = (parse_markdown(body), dict[str, str]()) if is_markdown else _plain(body)
    if not parsed.text:
        raise DocumentEmpty(f"{path}: the file has no text. Write some, or remove it.")
    fields = found | {key: _words(declared[key]) for key in FIELDS if key != "sources" and declared.get(key) is not None}
    return Document(
        doc_id=document_id(path.relative_to(folder)),
        title=fields.get("title") or parsed.title or path.stem.replace("-", " ").replace("_", " ").strip(),
        language=_language(fields, path.relative_to(folder), parsed.text),
        text=parsed.text,
        blocks=parsed.blocks,
        path=path.relative_to(folder).as_posix(),
        notes=parsed.notes,
        sources=_sources(declared.get("sources"), path) + parsed.sources,
        meta=tuple(declared),
        **{key: fields.get(key) for key in ("author", "publisher", "date", "updated", "as_of", "url", "license")},
    )


def document_id(path: Path) -> str:
    """The id that a relative path gives; it matches `[a-z0-9][a-z0-9._-]*`."""
    parts = [_slug(part) for part in path.with_suffix("").parts]
    if all(parts):
        return ".".join(parts)
    return "doc-" + hashlib.sha256(path.as_posix().encode()).hexdigest()[:12]


def _slug(part: str) -> str:
    ascii_part = unicodedata.normalize("NFKD", part).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_-]+", "-", ascii_part).strip("-_")


def document_files(folder: Path) -> Iterator[Path]:
    """The files below `folder` that are read as documents, in order."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
        if path.suffix.lower() in SUFFIXES and not hidden and not path.is_dir():
            yield path


def _read(path: Path) -> str:
    try:
        if (size := path.stat().st_size) > MAX_BYTES:
            raise DocumentTooLarge(f"{path}: {size:,} bytes, at most {MAX_BYTES:,} are read. Split the file.")
        if not path.is_file():
            raise DocumentUnreadable(f"{path}: not a regular file.")
        content = path.read_bytes()
    except OSError as error:
        raise DocumentUnreadable(f"{path}: cannot be read ({error.strerror}).") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentNotText(
            f"{path}: byte {error.start} is not UTF-8. Save the file as UTF-8, for instance with iconv -t UTF-8."
        ) from error
    if "\0" in text:
        raise DocumentNotText(f"{path}: holds zero bytes, so it is no text file.")
    return text


def _front_matter(text: str, path: Path) -> tuple[dict[str, Any], str]:
    match = _FRONT_MATTER.match(text)
    if not match:
        return {}, text
    try:
        fields = yaml.safe_load(match["yaml"]) or {}  # not the parser in C: deep nesting crashes the process
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        where = str(error).replace("\n", " ")
        raise FrontMatterInvalid(f"{path}: the front matter is no valid YAML ({where}).") from error
    if not isinstance(fields, dict):
        raise FrontMatterInvalid(f"{path}: the front matter must be `key: value` lines.")
    for key, value in fields.items():
        if key in FIELDS and key != "sources" and not isinstance(value, str | int | float | datetime.date | None):
            raise FrontMatterInvalid(f"{path}: `{key}` must be one value, not a {type(value).__name__}.")
    return {str(key): value for key, value in fields.items()}, text[match.end() :]


def _sources(declared: Any, path: Path) -> tuple[Source, ...]:
    if declared is None:
        return ()
    if not isinstance(declared, dict):
        raise FrontMatterInvalid(f"{path}: `sources` must map a key to its title, publisher, date, …")
    sources = []
    for key, value in declared.items():
        if not isinstance(value, dict) or not value.get("title"):
            raise FrontMatterInvalid(f"{path}: source `{key}` needs at least a title.")
        names = ("title", "publisher", "author", "date", "url", "language")
        if wrong := [name for name in names if not isinstance(value.get(name), str | int | float | datetime.date | None)]:
            raise FrontMatterInvalid(f"{path}: source `{key}`: {', '.join(wrong)} must be one value.")
        known = {name: _words(value[name]) for name in names if value.get(name)}
        sources.append(Source(key=str(key), **known))
    return tuple(sources)


def _words(value: object) -> str:
    """A front matter value on one line, cleaned like the text."""
    return " ".join(normalise(str(value)).split())


def _language(fields: dict[str, str], path: Path, text: str) -> str:
    if declared := fields.get("language", "").lower():
        if declared not in LANGUAGES:
            raise FrontMatterInvalid(f"{path}: language {declared!r} is not one of {', '.join(LANGUAGES)}.")
        return declared
    return path.parts[0] if len(path.parts) > 1 and path.parts[0] in LANGUAGES else detect_language(text)


def _plain(body: str) -> tuple[PlainText, dict[str, str]]:
    page = clean_page(body)
    if page is None:
        return _paragraphs(_unwrap(body)), {}
    found = {"title": page.title, "author": page.author, "date": page.date, "updated": page.updated}
    return _paragraphs(page.lines), {key: value for key, value in found.items() if value}


def _unwrap(body: str) -> list[str]:
    """Paragraphs of a plain text file; a line that stops in mid-sentence goes on in the next one."""
    paragraphs: list[str] = []
    open_line = False
    for line in (line.strip() for line in body.split("\n")):
        if line and open_line and not _BULLET.match(line):
            paragraphs[-1] += " " + line
        elif line:
            paragraphs.append(line)
        open_line = bool(line) and not line.endswith((".", "!", "?", ":", ";", "…"))
    return paragraphs


def _paragraphs(lines: list[str] | tuple[str, ...]) -> PlainText:
    text, blocks = "", []
    for i, line in enumerate(lines):
        text += "\n\n" if text else ""
        is_item = bool(_BULLET.match(line))
        is_heading = not is_item and len(line.split()) <= 12 and line[-1] not in ".!?:;,…\"'”)" and i + 1 < len(lines)
        kind: BlockKind = "heading" if is_heading else "item" if is_item else "paragraph"
        blocks.append(Block(kind, len(text), len(text) + len(line)))
        text += line
    title = lines[0] if lines and blocks[0].kind == "heading" else None
    return PlainText(text, tuple(blocks), title=title)
