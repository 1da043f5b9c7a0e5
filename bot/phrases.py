"""What the bot itself says, in both languages. Everything else it says is quoted."""

PHRASES: dict[str, dict[str, str]] = {
    "id": {
        "refusal": "Maaf, jawabannya tidak ada dalam kumpulan sumber saya.",
        "refusal_near": "Bagian yang paling dekat ada di bawah ini, tetapi tidak menjawab pertanyaan itu.",
        "unmatched": "bagian ini tidak menyinggung “{word}”",
        "conflict": "kalimat ini menyangkut tahun {other}",
        "near": "pokok bahasannya dekat, tetapi jawabannya tidak ada di sini",
        "part": "bagian ini menyinggung “{named}”, tetapi tidak “{word}”",
        "other_year": "bagian ini menyangkut tahun {other}, bukan {word}",
        "premise": "Sumber saya tidak menyebut “{word}” dalam hal ini, jadi anggapan dalam pertanyaan itu tidak dapat saya benarkan.",
        "unconfirmed": "bagian ini tidak menyebut “{word}”",
        "partly": "Sumber saya hanya menjawab sebagian. Yang tidak ada jawabannya: {parts}.",
        "differ": "Sumber-sumbernya tidak sepakat; masing-masing dikutip di bawah: {sources}.",
        "as_of": "Angka dalam jawaban ini menurut keadaan per {date}.",
        "more": "Daftar ini masih berlanjut: {count} butir lagi ada di sumbernya.",
        "talk_greeting": "Halo! Silakan bertanya tentang diplomasi digital Indonesia.",
        "talk_thanks": "Sama-sama. Silakan bertanya lagi kapan saja.",
        "talk_farewell": "Sampai jumpa!",
        "talk_ability": "Saya menjawab pertanyaan tentang diplomasi digital Indonesia, dalam bahasa Indonesia atau Inggris. Setiap"
        " kalimat saya kutip persis dari"
        " sumbernya, yang dapat Anda buka dengan satu klik; kalau jawabannya tidak ada di sana, saya mengatakannya.",
        "talk_identity": "Saya Tanya Diplomasi, sebuah program yang menjawab pertanyaan tentang diplomasi digital Indonesia dengan"
        " mengutip kumpulan sumbernya."
        " Saya bukan manusia, dan bukan layanan Kementerian Luar Negeri.",
        "say_more": "Jelaskan lebih lengkap: {question}",
        "other_language": "Sumber berbahasa Indonesia tidak memuat jawabannya; kutipan ini dari sumber berbahasa Inggris.",
    },
    "en": {
        "refusal": "Sorry, my sources do not contain the answer.",
        "refusal_near": "The closest passages are below, but they do not answer the question.",
        "unmatched": "this passage does not mention “{word}”",
        "conflict": "this sentence is about the year {other}",
        "near": "a related subject, but not the answer",
        "part": "this passage mentions “{named}”, but not “{word}”",
        "other_year": "this passage is about the year {other}, not {word}",
        "premise": "My sources do not say “{word}” of this, so I cannot confirm what the question takes for granted.",
        "unconfirmed": "this passage does not say “{word}”",
        "partly": "My sources answer only a part of this. They have no answer to: {parts}.",
        "differ": "The sources do not agree; each is quoted below: {sources}.",
        "as_of": "Figures in this answer are as of {date}.",
        "more": "The list goes on: {count} more items stand in the source.",
        "talk_greeting": "Hello! Ask me anything about Indonesia’s digital diplomacy.",
        "talk_thanks": "You are welcome. Ask again whenever you like.",
        "talk_farewell": "Goodbye!",
        "talk_ability": "I answer questions about Indonesia’s digital diplomacy, in English or Indonesian. Every sentence is quoted"
        " exactly from its source, which"
        " you can open with one click; where the sources have no answer, I say so.",
        "talk_identity": "I am Tanya Diplomasi, a program that answers questions about Indonesia’s digital diplomacy by quoting its"
        " collection of sources."
        " I am not human, and not a service of the Foreign Ministry.",
        "say_more": "Tell me more about this: {question}",
        "other_language": "The English sources do not hold the answer; this is quoted from an Indonesian source.",
    },
}

_MONTHS = {
    "id": ["Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober", "November", "Desember"],
    "en": ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"],
}


def date_in_words(date: str | None, language: str) -> str:
    """`2019-09-10` as "10 September 2019"; a partial date as far as it goes; "" where there is none."""
    if not date or date == "n.d.":
        return ""
    year, *rest = date.split("-")
    months = _MONTHS[language]
    month = [months[int(rest[0]) - 1]] if rest and rest[0].isdecimal() and 1 <= int(rest[0]) <= len(months) else []
    day = [str(int(rest[1]))] if month and len(rest) > 1 and rest[1].isdecimal() else []
    return " ".join([*day, *month, year])


def phrase(language: str, key: str, **values: str) -> str:
    """The phrase in `language`, its blanks filled."""
    return PHRASES[language][key].format(**values)
