"""What the bot itself says, in both languages. Everything else it says is quoted."""

PHRASES: dict[str, dict[str, str]] = {
    "id": {
        "refusal": "Maaf, jawabannya tidak ada dalam kumpulan sumber saya.",
        "refusal_near": "Bagian yang paling dekat ada di bawah ini, tetapi tidak menjawab pertanyaan itu.",
        "unmatched": "bagian ini tidak menyinggung “{word}”",
        "conflict": "kalimat ini menyangkut tahun {other}",
        "near": "pokok bahasannya dekat, tetapi jawabannya tidak ada di sini",
        "more": "Jelaskan lebih lengkap: {question}",
        "other_language": "Sumber berbahasa Indonesia tidak memuat jawabannya; kutipan ini dari sumber berbahasa Inggris.",
    },
    "en": {
        "refusal": "Sorry, my sources do not contain the answer.",
        "refusal_near": "The closest passages are below, but they do not answer the question.",
        "unmatched": "this passage does not mention “{word}”",
        "conflict": "this sentence is about the year {other}",
        "near": "a related subject, but not the answer",
        "more": "Tell me more about this: {question}",
        "other_language": "The English sources do not hold the answer; this is quoted from an Indonesian source.",
    },
}


def phrase(language: str, key: str, **values: str) -> str:
    """The phrase in `language`, its blanks filled."""
    return PHRASES[language][key].format(**values)
