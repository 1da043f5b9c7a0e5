"""What a question asks for decides what is said: parts, sides, definitions, lists, causes, other values, figures that age, small talk."""

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from bot import Answer, Bot
from bot.choose import ITEM_MARGIN, choose, is_definition, text_of
from bot.compare import sides_of
from bot.notices import ages, near_reason
from bot.parts import take_apart
from bot.premise import unconfirmed
from bot.question import read_question
from bot.read import absent
from bot.smalltalk import small_talk, without_greeting
from index import HashEmbedder
from index.vocabulary import Vocabulary
from tests.conftest import Writer, toy_bot
from ui.completions import pieces
from ui.render import answer_html

TEXTS = {
    "id/tari.md": "---\nas_of: 2026-11-24\n---\nFestival Tari Laut adalah pertunjukan tari pesisir di Kota Makassar. "
    "Festival Tari Laut diadakan di Kota Makassar pada 3 Mei 2019. Wali Kota Rina Sari membuka Festival Tari Laut.\n",
    "id/musik.md": "---\nas_of: 2026-11-24\n---\nMenurut panitia, Pekan Musik Gunung penting bagi pemuda. "
    "Pekan Musik Gunung ialah lomba musik bambu di Kota Bandung. Pekan Musik Gunung diadakan pada 7 Juni 2021. "
    "Peserta Pekan Musik Gunung berjumlah 40 kelompok.\n",
    "en/boats.md": "---\nas_of: 2026-11-24\nsources:\n  a: {title: Harbour news, publisher: The Daily, date: 2020-02-01}\n"
    "  b: {title: Count of boats, publisher: Ministry of Boats, date: 2019-01-01}\n---\n"
    "The Boat Race is a contest of sailing boats in Dover.[^a] The Boat Race was held in Dover on 5 May 2018.[^a] Mayor Ann Lee"
    " opened the Boat Race.[^a] "
    "According to The Daily, 12 boats sailed the Boat Race.[^a] The Ministry of Boats reported that 15 boats sailed the Boat Race.[^b]\n",
    "en/kites.md": "The Kite Fair is a market of paper kites in Lyon. The Kite Fair was held in Lyon on 9 July 2022.\n\n"
    "Colours of the Kite Fair flags:\n\n- Red flags show wind.\n- Blue flags show rain.\n- Green flags show sun.\n\n"
    "The Kite Fair moved indoors. The Fair moved indoors because storm damage closed its field.\n",
}


@pytest.fixture
def bot(write: Writer, tmp_path: Path) -> Bot:
    for name, text in TEXTS.items():
        write(name, text)
    return toy_bot(write.folder, tmp_path / "index")


def quotes(answer: Answer) -> list[str]:
    return [citation.quote for citation in answer.citations]


def codes(answer: Answer) -> list[str]:
    return [notice.code for notice in answer.notices]


@pytest.mark.parametrize(
    ("question", "language", "sides"),
    [
        ("apa beda RCDD dan ICDD", "id", ["Apa itu RCDD?", "Apa itu ICDD?"]),
        ("Apa sih perbedaan antara rcdd sama icdd?", "id", ["Apa itu rcdd?", "Apa itu icdd?"]),
        (
            "bandingkan jumlah peserta RCDD 2019 dan ICDD 2021",
            "id",
            ["Berapa jumlah peserta RCDD 2019?", "Berapa jumlah peserta ICDD 2021?"],
        ),
        ("mana yang lebih dulu, RCDD atau ICDD?", "id", ["Kapan RCDD diadakan?", "Kapan ICDD diadakan?"]),
        ("RCDD atau ICDD, mana yang lebih dulu?", "id", ["Kapan RCDD diadakan?", "Kapan ICDD diadakan?"]),
        ("mana yang lebih banyak pesertanya, RCDD atau ICDD?", "id", ["Berapa peserta RCDD?", "Berapa peserta ICDD?"]),
        (
            "Berapa kapal yang datang pada tahun 2020 dan tahun 2021?",
            "id",
            ["Berapa kapal yang datang pada tahun 2020?", "Berapa kapal yang datang pada tahun 2021?"],
        ),
        ("compare Portal Peduli WNI with Safe Travel", "en", ["What is Portal Peduli WNI?", "What is Safe Travel?"]),
        ("RCDD versus ICDD", "en", ["What is RCDD?", "What is ICDD?"]),
        ("How does the RCDD differ from the ICDD?", "en", ["What is RCDD?", "What is ICDD?"]),
        ("Which came first, RCDD or ICDD?", "en", ["When was RCDD held?", "When was ICDD held?"]),
        (
            "Which had more participants, RCDD 2019 or ICDD 2021?",
            "en",
            ["How many participants did RCDD 2019 have?", "How many participants did ICDD 2021 have?"],
        ),
        ("Course 7 vs Course 9 number of students", "en", ["Course 7 number of students?", "Course 9 number of students?"]),
        ("did more boats sail in 2020 or in 2021?", "en", ["How many boats sail in 2020?", "How many boats sail in 2021?"]),
        ("Did Dover rank higher in 2019 or in 2024?", "en", ["Dover rank in 2019?", "Dover rank in 2024?"]),
        ("kapal yang tercatat gedean mana, 2020 apa 2021?", "id", ["Berapa kapal yang tercatat 2020?", "Berapa kapal yang tercatat 2021?"]),
        ("duluan mana, lomba kapal dover atau icdd?", "id", ["Kapan lomba kapal dover?", "Kapan icdd?"]),
        (
            "nota kerja sama Dover sama Calais & sama Lyon, duluan yg mana?",
            "id",
            ["Kapan nota kerja sama Dover sama Calais?", "Kapan nota kerja sama Dover sama Lyon?"],
        ),
        ("Bedanya RCDD sama ICDD apa sih?", "id", ["Apa itu RCDD?", "Apa itu ICDD?"]),
    ],
)
def test_both_sides_of_a_comparison_are_asked_for_the_same_thing_in_the_order_given(question: str, language: str, sides: list[str]) -> None:
    found = sides_of(question, language)
    assert found
    assert [side.question for side in found] == sides


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Perwakilan mana aja yang punya aplikasi?", "list"),
        ("siapa2 aja pembicara seminar itu", "list"),
        ("Which prize categories did the awards have?", "list"),
        ("who won what in 2020?", "list"),
        ("What are the colours of the flags?", "list"),
        ("Which country is due to host the meeting?", "fact"),
        ("Which tool was used to study the account?", "fact"),
        ("Bagaimana hasilnya?", "broad"),
        ("Kapan saja rapat itu digelar?", "when"),
    ],
)
def test_a_question_is_for_a_list_where_it_asks_for_several_things(question: str, kind: str) -> None:
    assert read_question(question, 1000).kind == kind


@pytest.mark.parametrize(
    ("question", "language", "parts"),
    [
        ("kapan RCDD diadakan dan siapa yang membukanya?", "id", ["kapan RCDD diadakan?", "siapa yang membukanya (RCDD)?"]),
        ("Kapan RCDD diadakan? Siapa yang membukanya?", "id", ["Kapan RCDD diadakan?", "Siapa yang membukanya (RCDD)?"]),
        ("kapan rcdd diadakan dan siapa pembukanya", "id", ["kapan rcdd diadakan?", "siapa pembukanya (rcdd diadakan)?"]),
        ("Kapan dan di mana RCDD 2019 digelar?", "id", ["Kapan RCDD 2019 digelar?", "di mana RCDD 2019 digelar?"]),
        ("When and where was RCDD held?", "en", ["When was RCDD held?", "where was RCDD held?"]),
        ("Where was RCDD held and when?", "en", ["Where was RCDD held?", "when was RCDD held?"]),
        ("When was RCDD held, and who opened it?", "en", ["When was RCDD held?", "who opened it (RCDD)?"]),
        ("What is DEFA and what is ADM?", "en", ["What is DEFA?", "what is ADM?"]),
    ],
)
def test_two_questions_in_one_stand_alone(question: str, language: str, parts: list[str]) -> None:
    found = take_apart(question, language)
    assert found
    assert [part.question for part in found.parts] == parts


@pytest.mark.parametrize(
    "question",
    [
        "Siapa Menteri Komunikasi dan Informatika?",
        "Apa kerja sama Indonesia dan Australia?",
        "Apa hubungan RCDD 2019 dan ICDD 2021?",
        "Which conference took place in Jakarta and was opened by Retno?",
        "Who are the ministers of Trade and Industry?",
        "Did the ministers of Japan and India come in 2019 and 2021?",
        "RCDD 2019? Kapan itu?",
        "Kapan RCDD digelar? Tolong dijawab.",
        "Apa perbedaan pendapat para peneliti?",
        "Why do the figures differ?",
        "apa? siapa? kapan? di mana?",
        "kelompok kerja kumpul di kota atau daerah mana saja?",
        "Who was the first to reach Dover by boat or train?",
        "kata " * 100 + "dan siapa itu?",
    ],
)
@pytest.mark.parametrize("language", ["id", "en"])
def test_one_question_stays_one(question: str, language: str) -> None:
    assert take_apart(question, language) is None


def test_a_list_that_is_only_counted_is_followed_by_what_it_counts(write: Writer, tmp_path: Path) -> None:
    ship = "The Kite Cup has 3 prizes for fliers. The gold prize of the Cup is a ship. The silver prize of the Cup is a bell."
    write("en/cup.md", f"{ship} The bronze prize is a rope.\n\nThe Cup is old.")
    bot = toy_bot(write.folder, tmp_path / "index")
    said = quotes(bot.ask("What are the prizes for fliers of the Kite Cup?", language="en"))
    assert said[0] == "The Kite Cup has 3 prizes for fliers."
    assert len(said) == 4
    assert len(quotes(bot.ask("How many prizes for fliers has the Kite Cup?", language="en"))) <= 2


def test_a_word_is_confirmed_by_any_of_its_meanings() -> None:
    assert unconfirmed("When was the internet shut down?", "The government cut off the internet.") is None
    assert unconfirmed("Kapan RCDD ditutup?", "RCDD dibuka pada 2019.") == "ditutup"
    assert unconfirmed("When was the office shut down?", "The office opened in May.") == "shut down"


def test_a_comparison_has_the_best_sentence_of_each_side(bot: Bot) -> None:
    assert quotes(bot.ask("Apa beda Festival Tari Laut dan Pekan Musik Gunung?")) == [
        "Festival Tari Laut adalah pertunjukan tari pesisir di Kota Makassar.",
        "Pekan Musik Gunung ialah lomba musik bambu di Kota Bandung.",
    ]
    assert quotes(bot.ask("Which came first, the Kite Fair or the Boat Race?")) == [
        "The Kite Fair was held in Lyon on 9 July 2022.",
        "The Boat Race was held in Dover on 5 May 2018.",
    ]


def test_half_a_comparison_says_what_is_missing(bot: Bot) -> None:
    answer = bot.ask("Apa beda Festival Tari Laut dan Kongres Kuda Besi?")
    assert quotes(answer)[0].startswith("Festival Tari Laut adalah")
    assert answer.missing == ("Kongres Kuda Besi",)
    assert "Kongres Kuda Besi" in answer.notices[0].text
    assert codes(answer) == ["partly"]


def test_both_of_two_questions_are_answered_and_a_half_says_what_is_missing(bot: Bot) -> None:
    answer = bot.ask("Kapan Festival Tari Laut diadakan dan siapa wali kota yang membukanya?")
    assert "Festival Tari Laut diadakan di Kota Makassar pada 3 Mei 2019." in quotes(answer)
    assert "Wali Kota Rina Sari membuka Festival Tari Laut." in quotes(answer)
    assert answer.missing == ()
    half = bot.ask("When was the Boat Race held and who sells quantum rockets on Neptune?")
    assert "The Boat Race was held in Dover on 5 May 2018." in quotes(half)
    assert half.missing == ("who sells quantum rockets on Neptune",)


def test_one_sentence_that_answers_both_is_said_once_and_nothing_is_missing(bot: Bot) -> None:
    answer = bot.ask("When and where was the Kite Fair held?")
    assert quotes(answer).count("The Kite Fair was held in Lyon on 9 July 2022.") == 1
    assert answer.missing == ()


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("Apa itu Pekan Musik Gunung?", "Pekan Musik Gunung ialah lomba musik bambu di Kota Bandung."),
        ("Pekan Musik Gunung itu apa?", "Pekan Musik Gunung ialah lomba musik bambu di Kota Bandung."),
        ("What is the Boat Race?", "The Boat Race is a contest of sailing boats in Dover."),
    ],
)
def test_the_defining_sentence_comes_first(bot: Bot, question: str, first: str) -> None:
    assert quotes(bot.ask(question))[0] == first


def test_all_items_of_a_list_are_said_in_order(bot: Bot) -> None:
    said = quotes(bot.ask("What are the colours of the Kite Fair flags?"))
    assert [quote for quote in said if quote.endswith(("wind.", "rain.", "sun."))] == [
        "Red flags show wind.",
        "Blue flags show rain.",
        "Green flags show sun.",
    ]


def test_a_list_told_in_a_paragraph_has_what_the_reader_takes_for_an_item(bot: Bot) -> None:
    question = read_question("Which facts are known of the Boat Race?", 1000)
    reading = bot.readings(replace(question, kind="list"), 8)[0][0]
    best, *others = sorted((one for one in reading.found if one.chunk.doc_id == "en.boats"), key=lambda one: one.row)
    margins = [ITEM_MARGIN + 1, ITEM_MARGIN - 1, ITEM_MARGIN + 1, ITEM_MARGIN - 1]
    others = [replace(one, features=(margin, *one.features[1:])) for one, margin in zip(others, margins, strict=True)]
    reading = replace(reading, chosen=(best,), found=(best, *others))
    rows = {
        kind: [one.row for one in choose(replace(question, kind=kind), reading, bot.version, 5).candidates] for kind in ("list", "fact")
    }
    assert rows == {"list": [best.row, others[0].row, others[2].row], "fact": [best.row]}


def test_an_effect_comes_with_its_cause(bot: Bot) -> None:
    said = quotes(bot.ask("Why has the Fair moved indoors?"))
    assert said == ["The Kite Fair moved indoors.", "The Fair moved indoors because storm damage closed its field."]


def test_other_values_join_the_more_official_first_with_dates_and_sources(bot: Bot) -> None:
    answer = bot.ask("How many boats sailed the Boat Race?")
    assert quotes(answer) == [
        "The Ministry of Boats reported that 15 boats sailed the Boat Race.",
        "According to The Daily, 12 boats sailed the Boat Race.",
    ]
    notice = next(notice for notice in answer.notices if notice.code == "sources_differ")
    assert "[1] Ministry of Boats, 1 January 2019; [2] The Daily, 1 February 2020" in notice.text


@pytest.mark.parametrize(
    ("sentence", "aged"),
    [
        ("Peserta berjumlah 40 kelompok.", True),
        ("The portal has 2,161 users.", True),
        ("Indonesia memiliki Rp1,5 triliun.", True),
        ("In 2019 it had 40 users.", False),
        ("It opened on 5 May 2018.", False),
        ("Sesdilu 70 dibuka Retno.", False),
        ("No figure here.", False),
    ],
)
def test_a_figure_ages_where_its_sentence_has_no_year(sentence: str, aged: bool) -> None:
    assert ages(sentence) == aged


def test_a_figure_that_ages_shows_its_date(bot: Bot) -> None:
    answer = bot.ask("Berapa kelompok peserta Pekan Musik Gunung?")
    assert [notice.text for notice in answer.notices if notice.code == "as_of"] == [
        "Angka dalam jawaban ini menurut keadaan per 24 November 2026."
    ]
    assert "as_of" not in codes(bot.ask("Kapan Pekan Musik Gunung diadakan?"))


@pytest.mark.parametrize(
    ("text", "kind", "language"),
    [
        ("halo", "greeting", "id"),
        ("Assalamualaikum, selamat pagi!", "greeting", "id"),
        ("Hi there!", "greeting", "en"),
        ("terima kasih banyak ya", "thanks", "id"),
        ("thanks a lot", "thanks", "en"),
        ("kamu bisa apa?", "ability", "id"),
        ("Halo, kamu bisa apa aja?", "ability", "id"),
        ("what can you do", "ability", "en"),
        ("siapa kamu", "identity", "id"),
        ("Who are you?", "identity", "en"),
        ("bye", "farewell", "en"),
        ("👋 hai", "greeting", "id"),
    ],
)
def test_small_talk_gets_a_human_word_without_citations(bot: Bot, text: str, kind: str, language: str) -> None:
    talk = small_talk(text)
    assert talk is not None
    assert (talk.kind, talk.language) == (kind, language)
    answer = bot.ask(text)
    assert (answer.refused, answer.sentences, answer.citations, answer.model) == (False, (), (), "courtesy")
    assert answer.answer == talk.reply()
    assert answer.language == language
    assert answer.answer in "".join(pieces(answer, None))
    assert "td-refused" not in answer_html(answer)
    assert "td-heading" not in answer_html(answer)


@pytest.mark.parametrize(
    "text",
    [
        "halo, kapan RCDD?",
        "Halo kapan RCDD?",
        "what can you do about RCDD?",
        "siapa kamu maksud Retno",
        "thanks to whom was RCDD held?",
        "RCDD",
        "hi tech diplomacy",
    ],
)
def test_a_question_is_no_small_talk(text: str) -> None:
    assert small_talk(text) is None


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("halo, kapan RCDD?", "kapan RCDD?"),
        ("Halo min, selamat pagi. Saya mau tanya, kapan RCDD?", "kapan RCDD?"),
        ("Hello! When was RCDD held?", "When was RCDD held?"),
        ("Kapan RCDD?", "Kapan RCDD?"),
        ("siang ini siapa yang datang?", "siang ini siapa yang datang?"),
        ("halo", "halo"),
    ],
)
def test_a_greeting_before_a_question_is_dropped(text: str, rest: str) -> None:
    assert without_greeting(text) == rest


def test_a_question_after_a_greeting_is_answered(bot: Bot) -> None:
    answer = bot.ask("halo, kapan Pekan Musik Gunung diadakan?")
    assert not answer.refused
    assert answer.standalone_question == "kapan Pekan Musik Gunung diadakan?"


@pytest.mark.parametrize(
    ("question", "passage", "word"),
    [
        ("mengapa RCDD dibatalkan?", "RCDD digelar di Jakarta.", "dibatalkan"),
        ("why was RCDD cancelled?", "RCDD was held in Jakarta.", "cancelled"),
        ("why was RCDD cancelled?", "RCDD dibatalkan karena banjir.", None),
        ("mengapa Permenlu diganti?", "Permenlu digantikan karena lama.", None),
        ("kapan RCDD digelar?", "RCDD digelar di Jakarta.", None),
        ("siapa yang menutup RCDD?", "RCDD ditutup Retno.", None),
    ],
)
def test_what_a_question_takes_for_granted_has_to_be_said(question: str, passage: str, word: str | None) -> None:
    assert unconfirmed(question, passage) == word


def test_a_false_premise_is_not_confirmed(bot: Bot) -> None:
    answer = bot.ask("Mengapa Festival Tari Laut di Kota Makassar dibatalkan?")
    assert (answer.refused, answer.refusal_reason) == (True, "premise")
    assert "“dibatalkan”" in answer.answer
    assert answer.nearest


@pytest.mark.parametrize(
    ("question", "passage", "reason"),
    [
        ("Kapan Festival Tari Laut diadakan pada 2023?", "Festival Tari Laut pada 2019.", "bagian ini menyangkut tahun 2019, bukan 2023"),
        ("Kapan Festival Tari di Bali?", "Festival Tari di Papua.", "bagian ini menyinggung “Festival Tari”, tetapi tidak “Bali”"),
        ("When did Ann Lee come?", "Nobody came.", "this passage does not mention “Ann”"),
        ("Why was it cancelled?", "It was held.", "this passage does not say “cancelled”"),
        ("Why was it held?", "It was held.", "a related subject, but not the answer"),
    ],
)
def test_a_refusal_says_what_the_nearest_passage_has_and_lacks(question: str, passage: str, reason: str) -> None:
    assert near_reason(read_question(question, 100), passage, None) == reason


def test_a_refusal_for_another_year_says_so(bot: Bot) -> None:
    answer = bot.ask("Kapan Festival Tari Laut diadakan pada 2023?")
    assert answer.refused
    assert answer.nearest[0].reason == "bagian ini menyangkut tahun 2019, bukan 2023"


@pytest.mark.parametrize(
    ("question", "defined"),
    [
        ("What is the Boat Race?", True),
        ("What is the Boat Race in Dover?", True),
        ("What are the colours of the Boat Race?", False),
        ("What is the Boat Race prize?", False),
    ],
)
def test_a_sentence_that_defines_another_thing_is_no_definition(bot: Bot, question: str, defined: bool) -> None:
    asked = read_question(question, 100, "en")
    reading = bot.readings(asked, 8)[0][0]
    assert (
        is_definition(asked, next(one for one in reading.found if text_of(one, bot.version).startswith("The Boat Race is")), bot.version)
        == defined
    )


class Written:
    """What a corpus writes with a capital, and how rare that is."""

    def is_name(self, word: str) -> bool:
        return word in ("jepang", "indonesia")

    def rarity(self, word: str, language: str) -> float:
        return 1.0 if word == "indonesia" else 5.0


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        ("kapan menteri jepang menandatangani surat", "jepang"),
        ("kapan menteri belanda menandatangani surat", None),
        ("kapan menteri indonesia menandatangani surat", None),
        ("Kapan menteri Jepang menandatangani surat?", "Jepang"),
    ],
)
def test_a_rare_name_typed_small_has_to_be_in_the_passage(question: str, missing: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.read._links", lambda question, spans, passage, embedder: [0.0] * len(spans))
    passage = "Menteri Belanda menandatangani surat itu pada 3 Juli."
    vocabulary = cast("Vocabulary", Written())
    assert absent(read_question(question, 100, "id"), passage, HashEmbedder(), vocabulary=vocabulary) == missing
    if question.islower():
        assert absent(read_question(question, 100, "id"), passage, HashEmbedder()) is None
