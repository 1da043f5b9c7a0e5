"""The shipped corpus with the real model: its golden questions, one of its documents edited, and the way back."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bot import Bot
from bot.publish import GOLDEN, ask_golden, read_golden
from corpus import load_corpus
from index import E5Embedder, IndexVersion, build_index, open_index, read_current, rollback, verify
from index.embed import Progress
from index.encoder import Vectors
from index.reuse import passages_of, quotes_of
from tests.conftest import DOCUMENTS, Writer

pytestmark = pytest.mark.model

MISSED = {
    "Apa fungsi tombol darurat aplikasi Safe Travel?": "says to whom the button sends, in a sentence that leaves out “terdekat”",
    "Apa fokus Bali Message?": "answers from a news report in another document, not from the statement itself",
    "Who started the hashtag SEAblings?": "refuses: no sentence says it as surely as is asked for",
    "Apakah diplomasi digital akan menggantikan diplomasi tradisional menurut Gevania Salma?": "refuses, taking a word for a premise",
}
"""Golden questions that the bot misses as it is, and why: a build that loses another one is held up, one that mends these is not."""


def test_the_golden_questions_are_answered_right_but_for_those_named(shipped_bot: Bot) -> None:
    answers = ask_golden(read_golden(GOLDEN), lambda question, language: shipped_bot.ask(question, language=language))
    assert [question for question, said in answers.items() if not said.right and question not in MISSED] == []
    assert set(MISSED) <= set(answers)


class Recording(E5Embedder):
    """Remembers what it embedded."""

    def __init__(self, embedder: E5Embedder) -> None:
        super().__init__(embedder.encoder)
        self.texts: list[str] = []

    def embed_documents(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        self.texts += texts
        return super().embed_documents(texts, progress)


EDITED, ADDED = "rcdd-2019", "The forum was opened by Ratna Wiyono in Kupang in 2016."


@dataclass(frozen=True)
class Edit:
    """A copy of the shipped index, of which one document was edited: before, after, and what was embedded for it."""

    index: Path
    before: IndexVersion
    after: IndexVersion
    embedded: list[str]
    alone: IndexVersion
    """A full build of that document."""


@pytest.fixture(scope="module")
def edit(shipped_bot: Bot, embedder: E5Embedder, tmp_path_factory: pytest.TempPathFactory) -> Edit:
    assert shipped_bot.config.index
    folder = tmp_path_factory.mktemp("edit")
    shutil.copytree(shipped_bot.config.index, folder / "index")
    shutil.copytree(DOCUMENTS, folder / "corpus")
    path = folder / "corpus" / "en" / f"{EDITED}.md"
    front, text = path.read_text("utf-8").split("\n---\n", 1)
    first, rest = text.split("\n\n", 1)
    path.write_text(f"{front}\n---\n{first}\n\n{ADDED}\n\n{rest}", "utf-8")
    before, recording = open_index(folder / "index"), Recording(embedder)
    build_index(load_corpus(folder / "corpus").documents, folder / "index", recording)
    write = Writer(folder / "one")
    write(f"en/{EDITED}.md", path.read_text("utf-8"))
    build_index(load_corpus(folder / "one").documents, folder / "alone", embedder)
    return Edit(folder / "index", before, open_index(folder / "index"), recording.texts, open_index(folder / "alone"))


def rows_of(version: IndexVersion) -> dict[str, Vectors]:
    """Text -> its row, of all chunks and sentences."""
    texts = [*passages_of(version.documents, version.chunks), *quotes_of(version.documents, version.sentences)]
    rows = np.concatenate([np.asarray(version.chunk_vectors), np.asarray(version.sentence_vectors)])
    return dict(zip(texts, rows, strict=True))


def test_of_one_edited_document_only_what_changed_is_embedded_and_as_a_full_build_does(edit: Edit, embedder: E5Embedder) -> None:
    before, after, alone = rows_of(edit.before), rows_of(edit.after), rows_of(edit.alone)
    assert len(edit.before.documents) == len(edit.after.documents) > 70
    assert set(edit.embedded) == set(after) - set(before)
    assert len(edit.embedded) == len(set(edit.embedded)) < 10
    assert ADDED in edit.embedded
    assert min(float(after[text] @ row) for text, row in alone.items()) >= 0.99999
    assert [text for text, row in before.items() if text in after and not np.array_equal(row, after[text])] == []
    doc_id = f"en.{EDITED}"
    assert [chunk for chunk in edit.after.chunks if chunk.doc_id == doc_id] == [*edit.alone.chunks]
    assert verify(edit.index) == []
    assert edit.before.manifest.engine == edit.after.manifest.engine == embedder.engine
    assert embedder.engine.startswith("OpenVino")


def test_the_way_back_takes_less_than_a_second(edit: Edit) -> None:
    first, second = edit.before.manifest.version, edit.after.manifest.version
    seconds = []
    for name in (first, second, first):
        began = time.perf_counter()
        rollback(edit.index, name)
        seconds.append(time.perf_counter() - began)
        assert read_current(edit.index).name == name
        assert (ADDED in open_index(edit.index).document(f"en.{EDITED}").text) == (name == second)
    assert min(seconds) < 1  # 0.02 where the machine is quiet: a third of what reading and hashing the files may take
