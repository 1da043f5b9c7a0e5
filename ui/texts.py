"""The words of the interface, in both languages."""

TEXTS: dict[str, dict[str, str]] = {
    "id": {
        "title": "Tanya Diplomasi",
        "tagline": "Tanya jawab tentang diplomasi digital Indonesia. Setiap kalimat dikutip persis dari sumbernya.",
        "independent": "Layanan independen, bukan layanan Kementerian Luar Negeri.",
        "local": "Tidak ada data yang dikirim ke pihak ketiga.",
        "placeholder": "Tulis pertanyaan Anda …",
        "ask": "Tanya",
        "clear": "Percakapan baru",
        "hello": "Apa yang ingin Anda ketahui?",
        "hello_more": "Saya menjawab hanya dari kumpulan sumber saya, dan mengatakannya bila jawabannya tidak ada.",
        "searching": "Mencari di sumber …",
        "sources": "Sumber",
        "open_source": "Buka sumber {number}: {title}",
        "rests_on": "Berdasarkan",
        "nearest": "Bagian terdekat",
        "other": "English",
        "path": "",
        "other_path": "en/",
        "id": "Bahasa Indonesia",
        "en": "Bahasa Inggris",
        "marked": "Kutipan ditandai di bawah.",
        "changed": "Sumber ini telah diperbarui sejak jawaban itu dibuat, jadi kutipannya tidak ditandai.",
        "list_of_sources": "Rujukan",
        "as_of": "Keadaan per {date}",
        "updated": "diperbarui {date}",
        "original": "Halaman asli",
        "licence": "Lisensi",
        "back": "Kembali ke percakapan",
        "failed": "Maaf, pertanyaan itu tidak dapat diproses. Coba lagi sebentar lagi.",
        "busy": "Sedang banyak pertanyaan yang menunggu. Coba lagi sebentar lagi.",
        "too_long": "Pertanyaannya terlalu panjang: paling banyak {limit} karakter.",
        "empty": "Tulis pertanyaan dengan kata-kata, ya.",
    },
    "en": {
        "title": "Tanya Diplomasi",
        "tagline": "Questions and answers on Indonesia’s digital diplomacy. Every sentence is quoted exactly from its source.",
        "independent": "Independent; not a service of Indonesia’s Foreign Ministry.",
        "local": "Nothing is sent to third parties.",
        "placeholder": "Type your question …",
        "ask": "Ask",
        "clear": "New conversation",
        "hello": "What would you like to know?",
        "hello_more": "I answer only from my sources, and say so when they do not have the answer.",
        "searching": "Searching the sources …",
        "sources": "Sources",
        "open_source": "Open source {number}: {title}",
        "rests_on": "Based on",
        "nearest": "Closest passages",
        "other": "Bahasa Indonesia",
        "path": "en/",
        "other_path": "../",
        "id": "Indonesian",
        "en": "English",
        "marked": "The quotation is marked below.",
        "changed": "This source has changed since that answer was given, so the quotation is not marked.",
        "list_of_sources": "References",
        "as_of": "As of {date}",
        "updated": "updated {date}",
        "original": "Original page",
        "licence": "Licence",
        "back": "Back to the chat",
        "failed": "Sorry, that question could not be processed. Please try again in a moment.",
        "busy": "Many questions are waiting just now. Please try again in a moment.",
        "too_long": "The question is too long: at most {limit} characters.",
        "empty": "Please type a question in words.",
    },
}

EXAMPLES: dict[str, tuple[str, ...]] = {
    "id": (
        "Apa itu diplomasi digital?",
        "Kapan dan di mana RCDD 2019 digelar?",
        "Apa hasil ICDD 2021?",
        "Apa tugas Digital Command Center?",
    ),
    "en": (
        "What is digital diplomacy?",
        "When and where was RCDD 2019 held?",
        "What was the outcome of ICDD 2021?",
        "What does the Digital Command Center do?",
    ),
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
