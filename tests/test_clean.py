"""The furniture of pasted pages goes, the article stays."""

import os
from pathlib import Path

import pytest

from corpus import load_document
from corpus.clean import clean_page

PAGES = Path(__file__).parent / "pages"


def test_an_english_news_page() -> None:
    document = load_document(PAGES / "harbour-library.txt", PAGES)
    assert document.text.startswith("The floating library Aurora came back")
    assert document.text.endswith("since the gangway is narrow.")
    assert "A reading room under the bridge\n" in document.text
    for furniture in ("Gazette", "Related", "lighthouses", "Share", "cookies", "comment", "Solheim"):
        assert furniture not in document.text
    assert document.title == "Floating library returns to the old harbour with twelve thousand books"
    assert (document.author, document.date, document.updated, document.language) == ("Marit Solheim", "2024-03-03", "2024-03-09", "en")


def test_an_indonesian_news_page() -> None:
    document = load_document(PAGES / "kebun-atap.txt", PAGES)
    assert document.text.startswith("Warga Gang Melati memanen")
    assert document.text.endswith("menyalakan kipas angin sepanjang hari.")
    for furniture in ("Baca juga", "Halaman", "Komentar", "Terkait", "Beranda", "Lestari"):
        assert furniture not in document.text
    assert document.title == "Warga Gang Melati panen sayur dari kebun di atap pasar"
    assert (document.author, document.date, document.updated, document.language) == ("Dwi Lestari", "2024-02-12", "2024-02-13", "id")


@pytest.mark.parametrize(
    "text",
    [
        "A short note.\n\nShare\n\nIt has two sentences that are long enough to be read as prose.",
        "Menu\nHome\nCari\nTutup\nMasuk",
        "",
    ],
)
def test_what_is_no_pasted_page_is_left_whole(text: str) -> None:
    assert clean_page(text) is None


@pytest.mark.skipif("TANYA_TEST_PAGE" not in os.environ, reason="TANYA_TEST_PAGE names no page of the article that the project grew from")
def test_the_article_that_the_project_grew_from() -> None:
    path = Path(os.environ.get("TANYA_TEST_PAGE", ""))
    document = load_document(path, path.parent)
    assert len(document.blocks) == 10
    assert {block.kind for block in document.blocks} == {"paragraph"}
    for furniture in ("Mohon", "Laporkan", "Komentar", "HALAMAN", "Kompasiana", "Lihat", "Bagikan", "Freepik", "Graduated", "Selengkapnya"):
        assert furniture not in document.text
    assert (document.author, document.date, document.updated) == ("Gevania Salma", "2023-04-01", "2024-08-13")
    assert (document.title or "").startswith("Penguatan Diplomasi Digital Indonesia")
