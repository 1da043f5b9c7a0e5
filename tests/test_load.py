"""Files to Documents."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus import Note, load_corpus, normalise
from corpus.errors import (
    CorpusEmpty,
    CorpusMissing,
    DocumentEmpty,
    DocumentNotText,
    DocumentTooLarge,
    DocumentUnreadable,
    DuplicateDocumentId,
    FrontMatterInvalid,
)
from corpus.load import MAX_BYTES, document_id
from corpus.markdown import parse_markdown
from tests.conftest import Writer

ARTICLE = """---
title: A title
language: en
date: 2024-05-06
sources:
  s1: {title: One, publisher: P, date: 2019-01-02}
---

First **bold** sentence with a [link](https://example.org).[^s1] Second one.[^s1][^s2]

## A heading

- item one.[^s1]

| a | b |
| - | - |
| c | d |
"""


def test_markdown_becomes_the_text_a_reader_sees(write: Writer) -> None:
    document = write.document(ARTICLE)
    first = "First bold sentence with a link. Second one."
    assert document.text == f"{first}\n\nA heading\n\nitem one.\n\na | b\n\nc | d"
    assert [block.kind for block in document.blocks] == ["paragraph", "heading", "item", "row", "row"]
    assert document.notes[:2] == (Note(32, ("s1",)), Note(len(first), ("s1", "s2")))
    assert (document.title, document.date, document.doc_id) == ("A title", "2024-05-06", "en.a")
    assert document.sources[0].date == "2019-01-02"


def test_the_same_bytes_give_the_same_document(write: Writer) -> None:
    assert write.document(ARTICLE) == write.document(ARTICLE)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", DocumentEmpty),
        (b"---\ntitle: x\n---\n", DocumentEmpty),
        ("Kebijakan é".encode("latin-1"), DocumentNotText),
        (b"zero \0 byte", DocumentNotText),
        (b"x" * (MAX_BYTES + 1), DocumentTooLarge),
        (b"---\ntitle: [a\n---\nText.", FrontMatterInvalid),
        (b"---\n- a list\n---\nText.", FrontMatterInvalid),
        (b"---\ntitle: !!bool maybe\n---\nText.", FrontMatterInvalid),
        (b"---\ntitle: !!timestamp foo\n---\nText.", FrontMatterInvalid),
        (b"---\ntitle: !!int ''\n---\nText.", FrontMatterInvalid),
        (b"---\ntitle: " + b"[" * 5000 + b"\n---\nText.", FrontMatterInvalid),
        (b"---\ntitle: {a: b}\n---\nText.", FrontMatterInvalid),
        (b"---\nsources: [a]\n---\nText.", FrontMatterInvalid),
        (b"---\nsources: {s1: {publisher: x}}\n---\nText.", FrontMatterInvalid),
        (b"---\nlanguage: fr\n---\nText.", FrontMatterInvalid),
    ],
)
def test_a_broken_file_is_named_and_the_rest_is_read(write: Writer, content: bytes, error: type[Exception]) -> None:
    write("en/good.md", "A good sentence.")
    (write.folder / "en" / "bad.md").write_bytes(content)
    corpus = load_corpus(write.folder)
    assert [document.doc_id for document in corpus.documents] == ["en.good"]
    assert [type(failure) for failure in corpus.failures] == [error]
    assert "bad.md" in str(corpus.failures[0])


def test_a_file_that_cannot_be_opened_is_named(write: Writer) -> None:
    write("good.md", "A good sentence.")
    os.mkfifo(write.folder / "pipe.md")
    (write.folder / "gone.md").symlink_to(write.folder / "nowhere")
    assert [type(failure) for failure in load_corpus(write.folder).failures] == [DocumentUnreadable, DocumentUnreadable]


def test_two_files_with_one_id_are_an_error(write: Writer) -> None:
    write("a b.md", "One.")
    write("a-b.md", "Two.")
    corpus = load_corpus(write.folder)
    assert len(corpus.documents) == 1
    assert isinstance(corpus.failures[0], DuplicateDocumentId)


def test_a_folder_that_is_missing_or_empty_says_so(tmp_path: Path) -> None:
    with pytest.raises(CorpusMissing, match="--corpus"):
        load_corpus(tmp_path / "nowhere")
    with pytest.raises(CorpusEmpty, match=r"\.md or \.txt"):
        load_corpus(tmp_path)


@given(st.lists(st.text(min_size=1).filter(lambda part: "/" not in part and part not in (".", "..")), min_size=1, max_size=3))
def test_every_path_gives_a_valid_id(parts: list[str]) -> None:
    assert __import__("re").fullmatch(r"[a-z0-9][a-z0-9._-]*", document_id(Path(*parts)))


@given(st.text())
def test_any_text_is_valid_markdown_and_its_blocks_and_notes_lie_in_the_text(text: str) -> None:
    parsed = parse_markdown(normalise(text))
    last = 0
    for block in parsed.blocks:
        assert last <= block.start < block.end <= len(parsed.text)
        assert parsed.text[block.start : block.end].strip()
        last = block.end
    assert all(0 <= note.offset <= len(parsed.text) for note in parsed.notes)


def test_footnotes_that_a_file_defines_itself_become_sources(write: Writer) -> None:
    document = write.document("A claim.[^1]\n\n[^1]: Somebody, A Book, 2001.\n")
    assert document.text == "A claim."
    assert (document.sources[0].key, document.sources[0].title) == ("1", "Somebody, A Book, 2001.")


def test_a_mark_in_code_is_no_footnote(write: Writer) -> None:
    document = write.document("Look:\n\n```\ngrep '[^abc]' file\n[^1]: not a note\n```\n")
    assert document.text == "Look:\n\ngrep '[^abc]' file\n[^1]: not a note"
    assert (document.notes, document.sources) == ((), ())


def test_front_matter_is_on_one_line_and_has_nothing_invisible(write: Writer) -> None:
    assert write.document('---\ntitle: "a\\r\\rb\\u200b c"\n---\nText.').title == "a b c"


def test_html_is_kept_as_text(write: Writer) -> None:
    assert write.document("A <script>alert(1)</script> sentence.").text == "A <script>alert(1)</script> sentence."


def test_invisible_characters_do_not_survive(write: Writer) -> None:
    assert write.document("Zero\u200bwidth\u202e and\u00a0space.").text == "Zerowidth and space."


def test_a_hard_wrapped_text_file_is_unwrapped(write: Writer) -> None:
    document = write.document("A heading\n\nThis sentence goes\non in the next line.\nA new one.\n", "note.txt")
    assert [document.text[block.start : block.end] for block in document.blocks] == [
        "A heading",
        "This sentence goes on in the next line.",
        "A new one.",
    ]
    assert document.title == "A heading"
