"""Takes the furniture off a web page that somebody copied and pasted as plain text.

A pasted page is prose in the middle of menus, counters, buttons, forms and notices. No list of one site's
words can know them all, so the rules look at shape first and at words second:

1. A line is *prose* when it is long and ends as a sentence does, *furniture* when it says what only a page
   says about itself (share, report, comment, page numbers, notices of responsibility, picture credits),
   and *loose* otherwise: a heading, a name, a date, a label.
2. A text is a pasted page only if it holds several furniture lines; any other text is left whole.
3. The article is the run of lines with the largest sum, where prose counts its words and every other line
   costs something. Furniture inside the run is dropped, loose lines in it stay (they are headings).
4. Title, author and dates are looked for above the article: the title is the loose line that shares most
   words with the article, the author a byline or the name that the page repeats, a date what is written as one.

Limits: furniture that is long, well-formed prose right beside the article (a teaser of another article) is
kept; a page without any prose is not recognised and stays whole.
"""

import re
from collections import Counter
from dataclasses import dataclass

PROSE_WORDS = 10
"""Shorter sentences are as often captions and notices as prose; they stay only between longer ones."""

BUTTON_WORDS = 15
"""A longer line that begins like a button ("Lapor diri …") is a sentence."""

NOTICE_WORDS = 40
"""An article may itself speak of privacy policies; a notice is shorter than a paragraph of one."""

LOOSE_COST = 8.0
"""Above the length of most menus' gaps: an author's one-line biography cannot bridge to the article."""

FURNITURE_COST = 25.0
"""One button costs as much as a long sentence gains, so the run does not reach over a toolbar."""

FURNITURE_LINES = 3
"""Fewer could stand in honest prose; a real page has a dozen."""

_UI = r"""
 mohon\ tunggu | tutup$ | selanjutnya$ | sebelumnya$ | selengkapnya$
  | lihat\ (foto|semua|konten|juga|lainnya|selengkapnya|.*\ selengkapnya$) | lapor(kan)?\ \w+ | bagikan\b | beri\ komentar
  | (belum\ ada|tulis|kirim|\d+)\ komentar | komentar(\ \(?\d*\)?)?$ | berkomentarlah\b | jadilah\ yang\ pertama
  | halaman\s*:?[\s\d]*$ | baca\ (juga|selengkapnya|artikel) | simak\ (juga|berita|video) | artikel\ (terkait|lainnya)
  | berita\ (terkait|terpopuler|lainnya) | (ter)?populer$ | rekomendasi( \ untuk\ anda)?$ | ikuti\ (kami|berita)
  | (masuk|daftar|login|log\ in|sign\ (in|up)|register)(\s*[/|]\s*\w+)?$ | beranda$ | cari$ | menu$ | iklan$ | advertisement
  | kirim$ | batal$ | alasan$ | salin\ (tautan|link) | sumber\ gambar | (foto|gambar|editor|reporter)\s*: | home(\s*[>/|].*)?$
  | skip\ to | share(d|\ this|\ on)?\b.{0,30}$ | tweet$ | e-?mail$ | print$ | save$ | close$ | next(\ page)?$
  | prev(ious)?(\ page)?$ | loading\b.{0,12}$ | (leave|post|add|write)\ a\ (comment|reply) | (no|\d+)\ comments?\b
  | comments?(\ \(?\d+\)?)?$ | be\ the\ first\ to | report\ (this|content|account|abuse) | read\ (more|also|next)
  | (see|watch|listen)\ (more|also|all) | related\b.{0,60}$ | you\ may\ also | most\ (read|popular) | trending$ | recommended
  | subscribe\b | newsletter | follow\ us | (photo|image|picture)(\ credit|\ source)?\s*: | page\s+\d+ | view\ (photo|all|more)
  | back\ to\ top | kembali\ ke\ atas | copy\ link | tags?\s*: | label\s*: | topik\s*: | © | \(c\)\ \d{4} | copyright\b
  | hak\ cipta | all\ rights\ reserved
"""
_STARTS = re.compile(rf"^\W*(?:{_UI})", re.IGNORECASE | re.VERBOSE)
_NOTICE = re.compile(
    r"mohon tunggu|tanggung ?jawab (?:bloger|blogger|penulis|komentator|pengguna)|tidak (?:mewakili|mencerminkan) pandangan"
    r"|sumber gambar|sumber foto|all rights reserved|hak cipta dilindungi|do(?:es)? not (?:necessarily )?(?:represent|reflect) the views"
    r"|(?:menggunakan|we use|uses?|accept) cookies?|syarat dan ketentuan|terms (?:of|and) (?:use|service|conditions)"
    r"|kebijakan privasi|privacy policy"
    r"|berlangganan (?:sekarang|newsletter|buletin)|sign up for|unduh aplikasi|download (?:our|the) app",
    re.IGNORECASE,
)
_COUNTER = re.compile(
    r"^[\W\d_]+$|^[\d.,]+\s*(?:k|rb|jt|m)?\s*(?:views?|shares?|likes?|suka|dilihat|kali|dibaca|menit|min(?:ute)?s?(?: read)?)?\W*$",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]*$")
MONTHS = {
    name: number
    for number, names in enumerate(
        [
            "januari january jan", "februari february feb", "maret march mar", "april apr", "mei may", "juni june jun",
            "juli july jul", "agustus august agu aug", "september sep sept", "oktober october okt oct",
            "november nopember nov", "desember december des dec",
        ],
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_DATE = re.compile(
    rf"\b(?P<d>\d{{1,2}})\s+(?P<m>{_MONTH})\.?,?\s+(?P<y>\d{{4}})\b|\b(?P<m2>{_MONTH})\.?\s+(?P<d2>\d{{1,2}}),?\s+(?P<y2>\d{{4}})\b"
    r"|\b(?P<y3>\d{4})-(?P<m3>\d\d)-(?P<d3>\d\d)\b|\b(?P<d4>\d{1,2})/(?P<m4>\d{1,2})/(?P<y4>\d{4})\b",
    re.IGNORECASE,
)
_UPDATED = re.compile(r"diperbar\w+|pembaruan|terakhir diubah|updated?|last modified|modified|revised", re.IGNORECASE)
_BYLINE = re.compile(r"^(?:oleh|penulis|ditulis oleh|by|author|written by)\b\s*[:\-]?\s*(?P<name>\S.*)$", re.IGNORECASE)
_NAME = re.compile(r"^(?:[A-Z][\w'’.\-]*\s+){1,3}[A-Z][\w'’.\-]*$")
_WORD = re.compile(r"\w{3,}")


@dataclass(frozen=True, slots=True)
class Page:
    """What is left of a pasted page: its article, line by line, and what its head says."""

    lines: tuple[str, ...]
    title: str | None
    author: str | None
    date: str | None
    updated: str | None


def clean_page(text: str) -> Page | None:
    """The article of a pasted web page, or None where `text` is no such page and should be kept whole."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    kinds = [_kind(line) for line in lines]
    if kinds.count("furniture") < FURNITURE_LINES or "prose" not in kinds:
        return None
    start, end = _best_run([_worth(line, kind) for line, kind in zip(lines, kinds, strict=True)])
    article = tuple(line for line, kind in zip(lines[start:end], kinds[start:end], strict=True) if kind != "furniture")
    head = lines[:start]
    loose = [line for line, kind in zip(head, kinds[:start], strict=True) if kind == "loose" and not _DATE.search(line)]
    title = _title(loose, article)
    date, updated = _dates(head)
    return Page(article, title, _author(head, loose, title), date, updated)


def _kind(line: str) -> str:
    words = len(line.split())
    if (words <= BUTTON_WORDS and _STARTS.match(line)) or (words <= NOTICE_WORDS and _NOTICE.search(line)) or _COUNTER.match(line):
        return "furniture"
    return "prose" if words >= PROSE_WORDS and _SENTENCE_END.search(line) else "loose"


def _worth(line: str, kind: str) -> float:
    if kind == "prose":
        return float(len(line.split()))
    return -FURNITURE_COST if kind == "furniture" else -LOOSE_COST


def _best_run(worth: list[float]) -> tuple[int, int]:
    """The run [start, end) with the largest sum (Kadane)."""
    best, best_run, total, start = 0.0, (0, 0), 0.0, 0
    for i, value in enumerate(worth):
        if total <= 0:
            total, start = 0.0, i
        total += value
        if total > best:
            best, best_run = total, (start, i + 1)
    return best_run


def _title(loose: list[str], article: tuple[str, ...]) -> str | None:
    counts = Counter(word for line in article for word in _WORD.findall(line.lower()))
    best = max(loose, key=lambda line: _shared(line, counts), default=None)
    return best if best is not None and _shared(best, counts) > 0 and len(best.split()) >= 3 else None


def _shared(line: str, counts: Counter[str]) -> int:
    return sum(1 for word in set(_WORD.findall(line.lower())) if counts[word])


def _author(head: list[str], loose: list[str], title: str | None) -> str | None:
    for line in head:
        if (byline := _BYLINE.match(line)) and _NAME.match(name := byline["name"].split("|")[0].split(",")[0].strip()):
            return name
    names = [line for line in loose if line != title and _NAME.match(line)]
    repeated = [name for name in names if sum(line.startswith(name) for line in head) > 1]
    return repeated[0] if repeated else None


def _dates(head: list[str]) -> tuple[str | None, str | None]:
    date = updated = None
    for line in head:
        for match in _DATE.finditer(line):
            before = line[: match.start()].rstrip(" :-|")
            last_words = " ".join(before.split()[-2:])
            if _UPDATED.search(last_words):
                updated = updated or _iso(match)
            else:
                date = date or _iso(match)
    return date, updated


def _iso(match: re.Match[str]) -> str:
    parts = {key[0]: value for key, value in match.groupdict().items() if value}
    month = MONTHS.get(parts["m"].lower()) or int(parts["m"])
    return f"{int(parts['y']):04}-{month:02}-{int(parts['d']):02}"
