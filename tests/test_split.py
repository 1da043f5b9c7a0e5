"""Documents to sentences and chunks: offsets are exact for every text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus import Document, load_corpus, normalise, split_chunks, split_sentences
from corpus.acronyms import full_forms
from corpus.markdown import parse_markdown
from tests.conftest import DOCUMENTS, Writer

WORDS = st.sampled_from(
    ["Baca juga:", "Foto: Kemlu.", "RCDD 2019 digelar.", "# Judul\n\n", "\n\n", "kemlu.go.id.", "Pada", "- ", "x" * 450, "No. 5", "é😀."]
)
TEXTS = st.one_of(st.text(), st.lists(WORDS, max_size=40).map(" ".join))


def document(text: str) -> Document:
    parsed = parse_markdown(normalise(text))
    return Document("d", "t", "id", parsed.text, parsed.blocks, "d.md", parsed.notes, parsed.sources)


def count(text: str) -> int:
    return len(text.split())


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.integers(1, 40))
def test_chunks_are_slices_in_order_and_lose_nothing(text: str, limit: int) -> None:
    whole = document(text)
    chunks = split_chunks(whole, count, limit)
    starts = [chunk.start for chunk in chunks]
    assert all(whole.text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    assert starts == sorted(set(starts))
    covered = "".join(chunk.text for chunk in chunks)
    assert "".join(covered.split()) == "".join(whole.text.split())
    assert len({chunk.chunk_id for chunk in chunks}) == len(chunks)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_sentences_are_slices_in_order_without_overlap(text: str) -> None:
    whole = document(text)
    last = 0
    for sentence in split_sentences(whole):
        assert last <= sentence.start < sentence.end <= len(whole.text)
        assert whole.text[sentence.start : sentence.end].strip() == whole.text[sentence.start : sentence.end]
        last = sentence.end


def test_a_repeated_passage_gets_its_own_place() -> None:
    whole = document("Baca juga: berita.\n\nSatu hal.\n\nBaca juga: berita.\n\nBaca juga: berita.")
    assert [chunk.start for chunk in split_chunks(whole, count, 3)] == [0, 20, 31, 51]


def test_a_chunk_ends_on_a_sentence_and_stays_under_its_heading() -> None:
    whole = document("Satu dua tiga. Empat lima enam. Tujuh delapan.\n\n## Judul\n\nSembilan sepuluh.")
    chunks = split_chunks(whole, count, 6)
    assert [chunk.text for chunk in chunks] == ["Satu dua tiga. Empat lima enam.", "Tujuh delapan.", "Judul\n\nSembilan sepuluh."]
    assert [chunk.heading for chunk in chunks] == ["", "", "Judul"]


def test_a_sentence_ends_after_a_web_address() -> None:
    whole = document("Situsnya kemlu.go.id. Pada tahun 2017 ada DCC.")
    assert [whole.text[s.start : s.end] for s in split_sentences(whole)] == ["Situsnya kemlu.go.id.", "Pada tahun 2017 ada DCC."]


def test_a_sentence_knows_the_sources_of_its_own_footnotes(write: Writer) -> None:
    whole = write.document("One.[^a] Two.[^b][^c] Three.")
    assert [sentence.keys for sentence in split_sentences(whole)] == [("a",), ("b", "c"), ()]


def test_an_edit_elsewhere_keeps_the_ids_of_other_chunks() -> None:
    before = split_chunks(document("Satu.\n\n## A\n\nDua.\n\n## B\n\nTiga."), count, 50)
    after = split_chunks(document("Satu yang lain sekali.\n\n## A\n\nDua.\n\n## B\n\nTiga."), count, 50)
    assert [chunk.chunk_id for chunk in before][1:] == [chunk.chunk_id for chunk in after][1:]


def test_no_footnote_mark_and_no_front_matter_reach_a_chunk_of_the_shipped_corpus() -> None:
    for shipped in load_corpus(DOCUMENTS).documents:
        assert "[^" not in shipped.text
        assert "sources:" not in shipped.text
        assert not shipped.text.startswith("---")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Kementerian membuka Digital Command Center (DCC) itu.", {"DCC": {"Digital Command Center"}}),
        ("Perlindungan warga negara Indonesia (WNI) diutamakan.", {"WNI": {"warga negara Indonesia"}}),
        ("the Regional Conference on Digital Diplomacy (RCDD) met", {"RCDD": {"Regional Conference on Digital Diplomacy"}}),
        ("the Organisation of Islamic Cooperation (OIC) met", {"OIC": {"Organisation of Islamic Cooperation"}}),
        ("Konferensi Regional Diplomasi Digital (RCDD) dibuka (lihat BDF).", {}),
    ],
)
def test_an_acronym_stands_for_the_words_that_spell_it(text: str, found: dict[str, set[str]]) -> None:
    assert full_forms([text]) == found
