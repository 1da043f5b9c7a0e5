"""Follow-ups, messy questions, short forms: on a small corpus, without the model."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from bot import Bot, Turn
from bot.normalise import mend, plain, split_pasted
from bot.read import mentions
from corpus.acronyms import full_forms
from index.embed import HashEmbedder
from index.encoder import Vectors
from index.retrieve import HELD_FOR, Retriever
from tests.conftest import Writer, toy_bot
from ui.desk import REMEMBERED_FOR

CORPUS = {
    "id/anggrek.md": (
        "Konferensi Anggrek Nusantara 2019 adalah pertemuan 12 negara tentang anggrek di Bandung. "
        "Hasil Konferensi Anggrek Nusantara 2019 adalah Piagam Bandung. Sari Wulandari menutup Konferensi Anggrek Nusantara 2019. "
        "Piagam Bandung memuat 3 bidang, yaitu pembibitan, perdagangan, dan penelitian."
    ),
    "id/layar.md": (
        "Lomba Layar Maluku 2021 digelar di Ambon pada Mei 2021. Lomba Layar Maluku 2021 diikuti 40 perahu dari Malaysia dan Indonesia."
    ),
    "en/orchid.md": (
        "The Anggrek Nusantara conference of 2019 was a meeting of 12 countries about orchids in Bandung. "
        "Sari Wulandari closed the Anggrek Nusantara conference of 2019."
    ),
    "en/sailing.md": "The Maluku sailing race of 2021 took place in Ambon in May 2021. The Maluku race drew 40 boats.",
}
ABOUT = "Apa itu Konferensi Anggrek Nusantara 2019?"


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Bot:
    folder = tmp_path_factory.mktemp("converse")
    write = Writer(folder / "corpus")
    for name, text in CORPUS.items():
        write(name, text)
    return toy_bot(folder / "corpus", Path(folder / "index"))


def follow(bot: Bot, question: str, *said: str) -> str:
    """The standalone form of `question` after questions and answers in turn."""
    return bot.understood(question, [Turn("assistant" if i % 2 else "user", content) for i, content in enumerate(said)]).text


@pytest.mark.parametrize("question", ["hasilnya apa?", "siapa yang nutup?", "kapan?", "terus di mana?", "why?", "who closed it?"])
def test_a_turn_that_names_no_subject_gets_the_last_one(bot: Bot, question: str) -> None:
    whole = follow(bot, question, ABOUT, "")
    assert whole != question
    assert "Anggrek" in whole


@pytest.mark.parametrize(
    "question",
    [
        "Kapan Lomba Layar Maluku 2021 digelar?",
        "Where was the Maluku race held?",
        "Apa itu Lomba Layar Maluku 2021?",
        "btw lomba layar maluku itu apa",
        "mana yang duluan, Lomba Layar Maluku atau Piagam Bandung?",
        "yang nutup Lomba Layar Maluku 2021 siapa?",
        "how would you cook a tender fish soup with coconut milk",
        "Siapa pejabat yang tanda tangan piagam perdagangan pembibitan di Maluku?",
    ],
)
def test_another_topic_does_not_drag_the_old_one_along(bot: Bot, question: str) -> None:
    whole = follow(bot, question, ABOUT, "")
    assert "nggrek" not in whole
    assert whole.lower() in question.lower()


def test_the_subject_lasts_ten_turns(bot: Bot) -> None:
    said = [ABOUT, ""]
    for question in ("hasilnya apa?", "siapa yang nutup?", "di mana?", "kenapa?", "berapa negara?") * 2:
        assert "Anggrek Nusantara" in follow(bot, question, *said)
        said += [question, ""]


def test_the_question_that_changed_the_topic_is_the_subject_of_the_next(bot: Bot) -> None:
    whole = follow(bot, "berapa perahu?", ABOUT, "", "Kapan Lomba Layar Maluku 2021 digelar?", "")
    assert "Maluku" in whole
    assert "Anggrek" not in whole


def test_an_ordinal_means_an_item_of_the_last_answer(bot: Bot) -> None:
    answer = "Piagam Bandung memuat 3 bidang, yaitu pembibitan, perdagangan, dan penelitian. [1]"
    assert "(perdagangan," in follow(bot, "yang kedua itu apa?", "Apa isi Piagam Bandung?", answer)
    assert "penelitian," in follow(bot, "yang terakhir?", "Apa isi Piagam Bandung?", answer)
    assert "Piagam Bandung" in follow(bot, "yang kelima?", "Apa isi Piagam Bandung?", answer)


def test_a_correction_replaces_the_place_and_keeps_the_rest(bot: Bot) -> None:
    whole = follow(bot, "maksud saya yang di Ambon", "Kapan lomba di Bandung digelar?", "")
    assert "Ambon" in whole
    assert "Bandung" not in whole
    assert "kapan" in whole


def test_another_year_replaces_the_year(bot: Bot) -> None:
    whole = follow(bot, "maksudku yang tahun 2021", "Kapan Lomba Layar Maluku 2019 digelar?", "")
    assert "2021" in whole
    assert "2019" not in whole


def test_he_and_she_are_the_person_of_the_last_answer(bot: Bot) -> None:
    answer = "Sari Wulandari menutup Konferensi Anggrek Nusantara 2019. [1]"
    assert "Sari Wulandari" in follow(bot, "dia siapa?", "Siapa yang menutup Konferensi Anggrek Nusantara 2019?", answer)


@pytest.mark.parametrize("question", ["lebih lengkap dong", "Tell me more", "more details please"])
def test_more_asks_the_last_question_again_for_several_things(bot: Bot, question: str) -> None:
    asked = bot.understood(question, [Turn("user", ABOUT), Turn("assistant", "")])
    assert ABOUT in asked.text
    assert asked.kind == "broad"


def test_without_a_conversation_nothing_is_added(bot: Bot) -> None:
    for question in ("hasilnya apa?", "Why?", "yang kedua?", "lebih lengkap dong", "maksud saya yang di Bali"):
        assert follow(bot, question) == question


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("konfernesi anggrek kpn?", "Konferensi anggrek kapan?"),
        ("gimana hasil konferensi 😊🙏", "bagaimana hasil Konferensi"),
        ("halo kak mau nanya dong apa itu anggrek", "apa itu anggrek"),
        ("Siapa menlu?", "Siapa menteri luar negeri?"),
        ("yg dari Malasyia", "yang dari Malaysia"),
        ("Who invented the printing press?", "Who invented the printing press?"),
        ("Is Hofmann in Bandung?", "Is Hofmann in Bandung?"),
        ("bila anggrek dijual?", "kapan anggrek dijual?"),
        ("Apa itu Lomba Layar Maluku 2021?", "Apa itu Lomba Layar Maluku 2021?"),
    ],
)
def test_a_messy_question_is_read_in_the_words_of_the_corpus(bot: Bot, typed: str, read: str) -> None:
    assert plain(typed, bot.version.vocabulary) == read


def test_a_name_typed_small_is_written_as_the_corpus_does_where_all_is_small(bot: Bot) -> None:
    vocabulary, acronyms = bot.version.vocabulary, {"KAN", "ITU"}
    assert plain("apa hasil kan di bandung", vocabulary, acronyms) == "apa hasil KAN di Bandung"
    assert plain("itu hasil kan", vocabulary, acronyms) == "itu hasil KAN"
    assert plain("Apa hasil kan di bandung", vocabulary, acronyms) == "Apa hasil kan di bandung"


def test_a_word_is_mended_only_where_the_corpus_lacks_it_and_has_one_near(bot: Bot) -> None:
    words = bot.version.vocabulary
    assert mend("angrgek", words) == "anggrek"
    assert mend("anggrek", words) is None
    assert mend("diplomasi", words) is None


def test_of_a_pasted_text_the_question_at_its_end_is_asked(bot: Bot) -> None:
    text = f"{CORPUS['id/anggrek.md']} Jadi siapa yang menutupnya?"
    assert split_pasted(text)[1] == "Jadi siapa yang menutupnya?"
    asked = bot.understood(text)
    assert len(asked.text) < 200
    assert "Anggrek" in asked.text or "Bandung" in asked.text
    assert split_pasted("Siapa dia? Kapan?") == ("", "Siapa dia? Kapan?")


@pytest.mark.parametrize(
    ("text", "short", "full"),
    [
        ("oleh Kementerian Luar Negeri (Kemlu) di Jakarta", "Kemlu", "Kementerian Luar Negeri"),
        ("kata Menteri Luar Negeri (Menlu) kemarin", "Menlu", "Menteri Luar Negeri"),
        ("Menteri Komunikasi dan Informatika (Menkominfo)", "Menkominfo", "Menteri Komunikasi dan Informatika"),
        ("Peraturan Menteri Luar Negeri (Permenlu) itu", "Permenlu", "Peraturan Menteri Luar Negeri"),
        ("the Digital Command Center (DCC)", "DCC", "Digital Command Center"),
    ],
)
def test_a_short_form_is_learned_from_its_bracket(text: str, short: str, full: str) -> None:
    assert full_forms([text]) == {short: frozenset({full})}


def test_a_word_in_brackets_that_spells_nothing_is_no_short_form() -> None:
    assert full_forms(["menurut sebuah laporan media (Antara) dan", "dari kota itu (Bandung)", "x" * 5000 + " (Kemlu)"]) == {}


def test_a_passage_mentions_an_acronym_by_its_full_form_and_the_other_way() -> None:
    forms = {"DCC": frozenset({"Digital Command Center"})}
    assert mentions("The Digital Command Center opened.", "DCC", forms)
    assert mentions("The DCC opened.", "Command", forms)
    assert not mentions("The DCC opened.", "Moon", forms)
    assert not mentions("The Digital Command Center opened.", "DCC")


def test_a_definition_of_what_the_question_itself_names_stands(bot: Bot) -> None:
    before = "Siapa yang mengikuti Lomba Layar Maluku 2021?"
    assert follow(bot, "Apa itu Piagam Bandung?", before, "") == "Apa itu Piagam Bandung?"
    assert "Maluku" in follow(bot, "Apa itu hasilnya?", before, "")


def test_a_turn_that_leans_is_searched_for_beside_the_answer_before_it(bot: Bot) -> None:
    answer = "Lomba Layar Maluku 2021 digelar di Ambon pada Mei 2021."
    before = [Turn("user", "Kapan Lomba Layar Maluku 2021 digelar?"), Turn("assistant", f"{answer} [1]")]
    asked = bot.understood("siapa pesertanya?", before)
    assert asked.after == answer
    assert bot.understood("Apa itu Piagam Bandung?", before).after == ""
    refused = [*before, Turn("user", "siapa pesertanya?"), Turn("assistant", "Maaf, jawabannya tidak ada dalam kumpulan sumber saya.")]
    assert bot.understood("berapa?", refused).after == answer
    vector = bot.retriever.vector("siapa?")
    for after, expected in ((answer, "id.layar"), ("Konferensi Anggrek Nusantara 2019 adalah pertemuan 12 negara.", "id.anggrek")):
        hits = bot.retriever.search_vector("siapa?", vector, 2, "id", after)
        assert hits[0].chunk.doc_id == expected
        assert hits[0].dense == pytest.approx(bot.version.cosine(bot.version.chunks.index(hits[0].chunk), vector))


def test_one_turn_embeds_its_own_question_and_no_earlier_one_again(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    said = [ABOUT, "", "hasilnya apa?", ""]
    follow(bot, "siapa yang nutup?", *said)
    embedded: list[str] = []
    embed = HashEmbedder.embed_queries

    def counting(self: HashEmbedder, texts: Sequence[str]) -> Vectors:
        embedded.extend(texts)
        return embed(self, texts)

    monkeypatch.setattr(HashEmbedder, "embed_queries", counting)
    whole = follow(bot, "kapan ditutup?", *said, "siapa yang nutup?", "")
    assert "kapan ditutup?" in embedded
    assert len(embedded) <= 2, (embedded, whole)


def test_embeddings_are_held_without_their_texts_and_as_long_as_readers_are_told(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    bot.retriever.vector("sebuah rahasia")
    keys = list(bot.retriever.vector.cache)
    assert keys
    assert all(isinstance(key, bytes) and len(key) == 32 for key in keys)
    assert HELD_FOR == REMEMBERED_FOR
    monkeypatch.setattr("index.retrieve.HELD_FOR", 0.0)
    held = Retriever(bot.version, HashEmbedder())
    held.vector("sebuah rahasia")
    assert not list(held.vector.cache)
