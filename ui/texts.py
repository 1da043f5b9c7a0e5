"""The words of the interface, in both languages."""

from bot.phrases import date_in_words as date_in_words

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
        "rate": "Apakah jawaban ini membantu?",
        "up": "Ya",
        "down": "Tidak",
        "why": "Apa yang kurang atau keliru? Boleh dikosongkan; jangan menulis data pribadi.",
        "send": "Kirim",
        "rated": "Terima kasih atas penilaiannya.",
        "rated_why": "Terima kasih, alasannya sudah kami simpan.",
        "rated_not": "Penilaian belum tersimpan. Coba lagi sebentar lagi.",
        "rated_late": "Jawaban ini sudah terlalu lama untuk dinilai. Silakan tanyakan lagi.",
        "rated_off": "Penilaian tidak disimpan: pengelola mematikannya.",
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
        "rate": "Was this answer helpful?",
        "up": "Yes",
        "down": "No",
        "why": "What is missing or wrong? You may leave this empty; please write no personal data.",
        "send": "Send",
        "rated": "Thank you for your rating.",
        "rated_why": "Thank you, your reason has been noted.",
        "rated_not": "Your rating could not be kept. Please try again in a moment.",
        "rated_late": "This answer is too old to be rated. Please ask again.",
        "rated_off": "Ratings are not kept: the maintainer has turned that off.",
    },
}

PRIVACY: dict[str, dict[str, str]] = {
    "id": {
        "title": "Apa yang disimpan",
        "conversation": "Percakapan Anda hanya ada di peramban Anda. Setiap pertanyaan membawanya ke server ini agar dapat "
        "dijawab, dan server "
        "tidak menyimpannya.",
        "kept": "Pertanyaan yang tidak dapat dijawab dari sumber disimpan di server ini selama {days} hari: teksnya (paling "
        "banyak {characters} karakter; jika menyambung pertanyaan sebelumnya, dengan nama yang dirujuknya), "
        "bahasanya, alasan tidak terjawab, dan tanggalnya. Gunanya agar pengelola tahu sumber apa yang kurang. Jadi, jangan "
        "menulis data pribadi.",
        "votes": "Jika Anda menilai suatu jawaban, yang disimpan selama itu juga adalah nilainya, alasan yang Anda tulis, "
        "pertanyaannya (juga paling banyak {characters} karakter) dan bahasanya, apakah terjawab, sumber yang dikutip, versi indeks, "
        "nomor acak jawaban itu, dan tanggalnya.",
        "nothing": "Pertanyaan dan penilaian tidak disimpan: pengelola mematikannya.",
        "memory": "Jawaban diingat di memori paling lama {minutes} menit, agar sambungan yang putus dapat dilanjutkan dan "
        "jawaban dapat dinilai.",
        "log": "Catatan server berisi waktu, jenis permintaan, lamanya, dan berhasil atau tidaknya; untuk jawaban juga nomor acaknya, "
        "bahasanya, dan apakah terjawab. Teks pertanyaan dan alamat IP tidak ada di sana.",
        "log_questions": "Catatan server berisi waktu, jenis permintaan, lamanya, dan berhasil atau tidaknya; untuk jawaban juga nomor "
        "acaknya, bahasanya, apakah terjawab, dan teks pertanyaannya. Alamat IP tidak ada di sana.",
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
        "kept": "Questions that the sources could not answer are kept on this server for {days} days: their text ({characters} characters "
        "at most; of a follow-up with the names that it refers to), language, the reason why there was no answer, and the date. They "
        "tell the maintainer which sources are missing. So please write no personal data.",
        "votes": "If you rate an answer, your rating, the reason you write, the question (its first {characters} characters) and its "
        "language, whether it was answered, the sources cited, the index version, a random number of that answer and the date are "
        "kept for as long.",
        "nothing": "Questions and ratings are not kept: the maintainer has turned that off.",
        "memory": "Answers are remembered in memory for {minutes} minutes at most, so that a broken connection can go on and an "
        "answer can be rated.",
        "log": "The server's log has the time, the kind of request, how long it took and whether it worked; of an answer also its "
        "random number, its language and whether there was one. The text of questions and IP addresses are not in it.",
        "log_questions": "The server's log has the time, the kind of request, how long it took and whether it worked; of an answer also "
        "its random number, its language, whether there was one, and the text of the question. IP addresses are not in it.",
        "address": "IP addresses are counted in memory only, so that one address does not use up everybody's turn. This program "
        "writes them "
        "nowhere and sets no cookies. A proxy in front of it, if there is one, may log them.",
        "elsewhere": "Nothing is sent to third parties.",
    },
}
EMBED_TEXTS: dict[str, dict[str, str]] = {
    "id": {
        "close": "Tutup",
        "about": "Tentang layanan ini",
        "back_to_answers": "Kembali",
        "about_independent": "Siapa",
        "about_kept": "Apa yang disimpan",
        "about_sources": "Sumber",
        "kept": "Percakapan ini hanya ada di halaman ini dan hilang saat halaman ditutup.",
        "kept_here": "Percakapan ini disimpan di peramban ini saja, sampai Anda memulai percakapan baru.",
        "kept_server": "Pertanyaan dikirim hanya ke server {host}, yang menjawabnya tanpa mencatat siapa Anda.",
        "sources_more": "Setiap kalimat jawaban dikutip persis dari salah satu teks ini. Angka di belakang kalimat membuka kutipannya.",
        "privacy": "Pemberitahuan privasi",
        "conversation": "Percakapan",
        "asked": "Pertanyaan Anda",
        "source_number": "Sumber {number}: {title}",
        "read_source": "Baca di sumbernya",
        "new_tab": "membuka tab baru",
        "copy": "Salin dengan sumber",
        "copied": "Tersalin",
        "not_copied": "Tidak dapat menyalin",
        "helpful": "Membantu",
        "unhelpful": "Tidak membantu",
        "thanks": "Terima kasih atas penilaiannya.",
        "related": "Pertanyaan terkait",
        "try_these": "Coba tanyakan",
        "limited": "Terlalu banyak pertanyaan dalam waktu singkat. Coba lagi dalam {seconds} detik.",
        "offline": "Layanan tidak dapat dihubungi. Periksa sambungan internet Anda.",
        "retry": "Coba lagi",
        "demo_title": "Contoh halaman dengan Tanya Diplomasi",
        "demo_text": "Halaman ini hanya tampil di komputer ini. Situs lain menempelkan satu baris:",
        "demo_corner": "Tombol di sudut membuka tanya jawab. Halaman juga dapat membukanya sendiri:",
        "demo_open": "Buka",
        "demo_ask": "Tanyakan “{question}”",
        "demo_inline": "Di dalam halaman",
        "demo_other": "English",
    },
    "en": {
        "close": "Close",
        "about": "About this service",
        "back_to_answers": "Back",
        "about_independent": "Who",
        "about_kept": "What is kept",
        "about_sources": "Sources",
        "kept": "This conversation lives on this page only and is gone when you close it.",
        "kept_here": "This conversation is kept in this browser only, until you start a new one.",
        "kept_server": "Questions go to the server {host} only, which answers them without noting who you are.",
        "sources_more": "Every sentence of an answer is quoted exactly from one of these texts. The number after it opens the quotation.",
        "privacy": "Privacy notice",
        "conversation": "Conversation",
        "asked": "Your question",
        "source_number": "Source {number}: {title}",
        "read_source": "Read it in the source",
        "new_tab": "opens a new tab",
        "copy": "Copy with sources",
        "copied": "Copied",
        "not_copied": "Could not copy",
        "helpful": "Helpful",
        "unhelpful": "Not helpful",
        "thanks": "Thank you for your rating.",
        "related": "Related questions",
        "try_these": "Try asking",
        "limited": "Too many questions in a short time. Please try again in {seconds} seconds.",
        "offline": "The service cannot be reached. Please check your internet connection.",
        "retry": "Try again",
        "demo_title": "A sample page with Tanya Diplomasi",
        "demo_text": "Only this computer shows this page. A site pastes one line:",
        "demo_corner": "The button in the corner opens the questions and answers. A page can also open them itself:",
        "demo_open": "Open",
        "demo_ask": "Ask “{question}”",
        "demo_inline": "Inside the page",
        "demo_other": "Bahasa Indonesia",
    },
}
"""The words of the widget, beside those of the chat."""

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
