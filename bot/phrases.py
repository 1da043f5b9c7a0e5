"""What the bot itself says, in both languages. Everything else it says is quoted."""

PHRASES: dict[str, dict[str, str]] = {
    "id": {
        "refusal": "Maaf, jawabannya tidak ada dalam kumpulan sumber saya.",
        "refusal_near": "Bagian yang paling dekat ada di bawah ini, tetapi tidak menjawab pertanyaan itu.",
        "off_topic": "sumber ini membahas hal lain",
        "unmatched": "bagian ini tidak menyinggung “{word}”",
        "conflict": "bagian ini tidak menyangkut {asked}",
        "other_language": "Sumber berbahasa Indonesia tidak memuat jawabannya; kutipan ini dari sumber berbahasa Inggris.",
        "follow_up": "Dipahami sebagai: {question}",
    },
    "en": {
        "refusal": "Sorry, my sources do not contain the answer.",
        "refusal_near": "The closest passages are below, but they do not answer the question.",
        "off_topic": "this source is about something else",
        "unmatched": "this passage does not mention “{word}”",
        "conflict": "this passage is not about {asked}",
        "other_language": "The English sources do not hold the answer; this is quoted from an Indonesian source.",
        "follow_up": "Understood as: {question}",
    },
}


def phrase(language: str, key: str, **values: str) -> str:
    """The phrase in `language`, its blanks filled."""
    return PHRASES[language][key].format(**values)
