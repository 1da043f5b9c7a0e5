"""`tanya corpus add` and `remove`: a file becomes a document of the corpus, or nothing changes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import bot.assemble
from corpus import load_corpus
from corpus.edit import add_document, remove_document
from corpus.errors import CorpusMissing, CorpusUnwritable, DocumentUnknown, DuplicateDocumentId
from tests.conftest import Writer
from ui.cli import main

TIDES = "The tide rises because of the moon. The tide falls because the earth turns."
LAUT = "---\ntitle: Laut\nlanguage: id\n---\n# Laut\n\nLaut terasa asin karena garam."


def tanya(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["corpus", *map(str, words)])


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "Tides of May.txt").write_text(TIDES)
    (tmp_path / "mine" / "laut.md").write_text(LAUT)
    return tmp_path / "mine"


def test_files_go_to_the_folder_of_their_language_and_documents_are_removed_by_id(files: Path, tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    run = tanya("add", files / "Tides of May.txt", files / "laut.md", "--corpus", folder)
    assert run.exit_code == 0, run.output
    assert {one.doc_id: one.text.splitlines()[-1] for one in load_corpus(folder).documents} == {
        "en.tides-of-may": TIDES, "id.laut": "Laut terasa asin karena garam.",
    }  # fmt: skip
    assert (folder / "id" / "laut.md").read_text() == LAUT
    assert [path.name for path in folder.rglob(".*")] == []
    run = tanya("remove", "id.laut", "--corpus", folder, "--json")
    assert json.loads(run.stdout) == {"id.laut": str(folder / "id" / "laut.md")}
    assert [one.doc_id for one in load_corpus(folder).documents] == ["en.tides-of-may"]


def test_what_is_there_is_not_replaced(files: Path, write: Writer) -> None:
    write("id/laut.txt", "Laut yang lain terasa manis sekali di sini.")
    with pytest.raises(DuplicateDocumentId, match="taken by"):
        add_document(files / "laut.md", write.folder)
    assert [path.name for path in (write.folder / "id").iterdir()] == ["laut.txt"]


def test_a_file_that_is_no_text_stops_all_and_changes_nothing(files: Path, write: Writer) -> None:
    write("en/sea.md", "The sea is salt.")
    (files / "photo.txt").write_bytes(b"\xff\xd8\xff\x00")
    run = tanya("add", files / "laut.md", files / "photo.txt", files / "gone.md", "--corpus", write.folder)
    assert (run.exit_code, "not UTF-8" in run.output) == (1, True)
    assert [one.doc_id for one in load_corpus(write.folder).documents] == ["en.sea"]


def test_a_full_disk_leaves_the_folder_as_it_was(files: Path, write: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    write("en/sea.md", "The sea is salt.")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CorpusUnwritable, match="No space left"):
        add_document(files / "laut.md", write.folder)
    assert [path for path in write.folder.rglob("*") if path.is_file()] == [write.folder / "en" / "sea.md"]


def test_what_is_not_there_cannot_be_removed(write: Writer, tmp_path: Path) -> None:
    write("en/sea.md", "The sea is salt.")
    with pytest.raises(DocumentUnknown, match="There is no document"):
        remove_document("en.moon", write.folder)
    with pytest.raises(CorpusMissing):
        remove_document("en.moon", tmp_path / "nowhere")
    assert tanya("remove", "../etc/passwd", "--corpus", write.folder).exit_code == 1


def test_the_texts_of_an_installed_package_are_not_changed(files: Path, write: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    write("en/sea.md", "The sea is salt.")
    monkeypatch.setattr(bot.assemble, "_packaged", lambda: write.folder)
    for words in (("add", files / "laut.md"), ("remove", "en.sea")):
        run = tanya(*words, "--corpus", write.folder)
        assert (run.exit_code, "--corpus DIR" in run.output) == (1, True)
    assert [one.doc_id for one in load_corpus(write.folder).documents] == ["en.sea"]
