"""The words of the interface, in both languages."""

TEXTS: dict[str, dict[str, str]] = {
    "id": {
        "title": "Tanya Diplomasi",
        "tagline": "Tanya jawab tentang diplomasi digital Indonesia. Setiap kalimat dikutip persis dari sumbernya.",
        "independent": "Layanan independen, bukan layanan Kementerian Luar Negeri.",
        "local": "Tidak ada data yang dikirim ke pihak ketiga.",
        "privacy": "Apa yang disimpan",
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
        "privacy": "What is kept",
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

PRIVACY: dict[str, dict[str, str]] = {
    "id": {
        "title": "Apa yang disimpan",
        "conversation": "Percakapan Anda hanya ada di peramban Anda. Setiap pertanyaan membawanya ke server ini agar dapat "
        "dijawab, dan server "
        "tidak menyimpannya.",
        "kept": "Pertanyaan yang tidak dapat dijawab dari sumber disimpan di server ini selama {days} hari: teksnya (paling "
        "banyak 500 karakter), "
        "bahasanya, alasan tidak terjawab, dan tanggalnya. Gunanya agar pengelola tahu sumber apa yang kurang. Jadi, jangan "
        "menulis data pribadi.",
        "votes": "Jika Anda menilai suatu jawaban, yang disimpan selama itu juga adalah nilainya, alasan yang Anda tulis, "
        "pertanyaannya, sumber "
        "yang dikutip, versi indeks, dan tanggalnya.",
        "nothing": "Pertanyaan dan penilaian tidak disimpan: pengelola mematikannya.",
        "memory": "Jawaban diingat di memori paling lama {minutes} menit, agar sambungan yang putus dapat dilanjutkan dan "
        "jawaban dapat dinilai.",
        "log": "Catatan server berisi waktu, jenis permintaan, lamanya, dan berhasil atau tidaknya, tanpa teks pertanyaan dan "
        "tanpa alamat IP.",
        "log_questions": "Catatan server berisi waktu, jenis permintaan, lamanya, dan juga teks pertanyaan, tanpa alamat IP.",
        "address": "Alamat IP hanya dihitung di memori, agar satu alamat tidak menghabiskan giliran yang lain. Program ini "
        "tidak menulisnya ke "
        "mana pun dan tidak memakai kuki. Server perantara di depannya, jika ada, mungkin mencatatnya.",
        "elsewhere": "Tidak ada yang dikirim ke pihak ketiga.",
    },
    "en": {
        "title": "What is kept",
        "conversation": "Your conversation lives in your browser only. Each question brings it to this server to be answered, "
        "and the server "
        "does not keep it.",
        "kept": "Questions that the sources could not answer are kept on this server for {days} days: their text (500 characters at most), "
        "language, the reason why there was no answer, and the date. They tell the maintainer which sources are missing. So "
        "please write no "
        "personal data.",
        "votes": "If you rate an answer, your rating, the reason you write, the question, the sources cited, the index version "
        "and the date are "
        "kept for as long.",
        "nothing": "Questions and ratings are not kept: the maintainer has turned that off.",
        "memory": "Answers are remembered in memory for {minutes} minutes at most, so that a broken connection can go on and an "
        "answer can be rated.",
        "log": "The server's log has the time, the kind of request, how long it took and whether it worked, without the text of "
        "questions and "
        "without IP addresses.",
        "log_questions": "The server's log has the time, the kind of request, how long it took, and also the text of questions, "
        "without IP addresses.",
        "address": "IP addresses are counted in memory only, so that one address does not use up everybody's turn. This program "
        "writes them "
        "nowhere and sets no cookies. A proxy in front of it, if there is one, may log them.",
        "elsewhere": "Nothing is sent to third parties.",
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
