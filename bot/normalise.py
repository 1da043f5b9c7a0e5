"""A question as typed on a phone, in the words that the corpus would use: before it is read, and without changing what it asks.

Pictures and lead-ins go ("halo kak, mau nanya"), colloquial and short Indonesian is written out, slips of the fingers are mended in
words that the corpus does not have and that are one slip away from exactly one that it has. Of a long text only the question at its
end is asked; the rest is what was said before it.
"""

import re
import unicodedata
from collections.abc import Container

from bot.question import asks, is_content, question_language
from index.vocabulary import Vocabulary

LONG = 300
"""Characters from which a text that asks only at its end is a pasted one."""

COLLOQUIAL = {
    "gimana": "bagaimana", "gmn": "bagaimana", "gmana": "bagaimana", "gimn": "bagaimana", "knp": "kenapa", "knapa": "kenapa",
    "napa": "kenapa", "brp": "berapa", "brapa": "berapa", "kpn": "kapan", "kpan": "kapan", "dmn": "di mana", "dimana": "di mana",
    "dmana": "di mana", "sp": "siapa", "spa": "siapa", "sapa": "siapa", "syapa": "siapa", "ap": "apa", "apaan": "apa", "yg": "yang",
    "dgn": "dengan", "dg": "dengan", "utk": "untuk", "tuk": "untuk", "jd": "jadi", "jg": "juga", "krn": "karena", "karna": "karena",
    "tp": "tapi", "sdh": "sudah", "udh": "sudah", "udah": "sudah", "dah": "sudah", "blm": "belum", "gak": "tidak", "ga": "tidak",
    "gk": "tidak", "nggak": "tidak", "ngga": "tidak", "enggak": "tidak", "tdk": "tidak", "tak": "tidak", "bgt": "sekali", "dr": "dari",
    "dri": "dari", "klo": "kalau", "kalo": "kalau", "kl": "kalau", "trus": "terus", "trs": "terus", "sm": "sama", "ama": "sama",
    "org": "orang", "thn": "tahun", "th": "tahun", "tgl": "tanggal", "bln": "bulan", "skrg": "sekarang", "hrs": "harus", "bs": "bisa",
    "bnyk": "banyak", "bnyak": "banyak", "bnykan": "banyakan", "sblm": "sebelum", "stlh": "setelah", "slm": "selama", "prnh": "pernah",
    "tsb": "tersebut", "ttg": "tentang", "tntg": "tentang", "mnrt": "menurut", "dpt": "dapat", "taun": "tahun", "negri": "negeri",
    "knpa": "kenapa", "msh": "masih", "dlm": "dalam", "pd": "pada", "spt": "seperti", "kyk": "seperti", "bikin": "membuat",
    "bkin": "membuat", "ngomong": "berkata", "bilang": "berkata", "diluncurin": "diluncurkan", "diadain": "diadakan", "dibikin": "dibuat",
    "hp": "ponsel", "medsos": "media sosial", "sosmed": "media sosial", "ig": "Instagram", "fb": "Facebook", "yt": "YouTube",
    "kemlu": "kementerian luar negeri", "kemenlu": "kementerian luar negeri", "menlu": "menteri luar negeri",
    "wamenlu": "wakil menteri luar negeri", "menkominfo": "menteri komunikasi dan informatika", "jubir": "juru bicara",
    "dubes": "duta besar", "kedubes": "kedutaan besar", "jokowi": "Joko Widodo",
}  # fmt: skip
"""Colloquial, shortened and Malay words, and how the articles say it."""

_KEYS = {
    key: set(row)
    for key, row in {
        "q": "wa", "w": "qeas", "e": "wrsd", "r": "etdf", "t": "ryfg", "y": "tugh", "u": "yihj", "i": "uojk", "o": "ipkl", "p": "ol",
        "a": "qwsz", "s": "awedxz", "d": "serfcx", "f": "drtgvc", "g": "ftyhbv", "h": "gyujnb", "j": "huikmn", "k": "jiolm", "l": "kop",
        "z": "asx", "x": "zsdc", "c": "xdfv", "v": "cfgb", "b": "vghn", "n": "bhjm", "m": "njk",
    }.items()
}  # fmt: skip
"""Neighbours on a keyboard."""

LEAST, LEAST_NAME = 5, 7
"""Letters of a word that is mended; a name is a stranger more often than a slip."""

LONG_WORD = 7
"""Letters from which one that is missing is put in; with two more, one too many or the key beside it is mended, too."""

CLEAR = 5
"""How many times as often as any other its neighbour stands in the corpus."""

_LEAD_IN = re.compile(
    r"^\W*(?:(?:halo|hai|hi|hello|hey|hei|assalamualaikum|min|kak|bang|mas|mbak|gan|permisi|maaf|jadi|so|ok|oke|please|tolong)\b[\s,.!]*)*"
    r"(?:(?:saya|aku|gue|gw|i)\b\s*)?(?:(?:mau|ingin|pengen|boleh|izin|want to|would like to|wanted to|'d like to)\s+(?:numpang\s+)?"
    r"(?:tanya|nanya|bertanya|tahu|ask|know)\b(?:\s+(?:dong|donk|nih|sih|ya|soal|tentang|about|you))*[\s,.:]*)",
    re.IGNORECASE,
)
_MALAY_WHEN = re.compile(r"^bila(?:kah)?\b(?=.*\?|\W*\w+ \w+\W*$)", re.IGNORECASE)
_VOWELS = frozenset("aeiou")
_ENDINGS = ("nya", "kan", "in", "an", "i", "lah", "s", "es", "ed", "d", "ing", "ly")
"""What another form of a word of the corpus may end in, in either language."""

_TOKEN = re.compile(r"#?\w+(?:[-'’/.]\w+)*")
_END = re.compile(r"(?<=[.!?…])[\"”’)]*\s+|\n+")


def split_pasted(text: str) -> tuple[str, str]:
    """(what was pasted before it, the question) of a long `text` that asks at its end alone; else ("", text)."""
    parts = [part for part in _END.split(text.strip()) if part.strip()]
    if len(text) < LONG or len(parts) < 2:
        return "", text
    last = parts[-1].strip()
    if not (last.endswith("?") or asks(last)):
        return "", text
    return text[: text.rindex(last)].strip(), last


def plain(text: str, vocabulary: Vocabulary, acronyms: Container[str] = ()) -> str:
    """`text` without pictures and lead-in, its colloquial words written out and its slips mended; the same text where nothing is left.

    Names of the corpus get their capitals where all is typed small, `acronyms` all of them.
    """
    shown = "".join(" " if unicodedata.category(one) in ("So", "Sk", "Mn") else one for one in text)
    shown = re.sub(r"\s+", " ", shown).strip()
    led = _LEAD_IN.sub("", shown)
    if any(is_content(word) for word in _TOKEN.findall(led)):
        shown = led
    indonesian = question_language(shown) == "id"
    if indonesian:
        shown = _MALAY_WHEN.sub("kapan", shown)
    written = _TOKEN.sub(lambda match: _word(match[0], indonesian, vocabulary), shown)
    if written.islower():
        written = _TOKEN.sub(lambda match: _name(match[0], vocabulary, acronyms), written)
    return written or text


def _name(word: str, vocabulary: Vocabulary, acronyms: Container[str]) -> str:
    if not is_content(word):  # "itu" is no International Telecommunication Union
        return word
    if word.upper() in acronyms:
        return word.upper()
    return word.capitalize() if word.isalpha() and vocabulary.is_name(word) else word


def _word(word: str, indonesian: bool, vocabulary: Vocabulary) -> str:
    if indonesian and (said := COLLOQUIAL.get(word.lower())):
        return said if word[0].isupper() else said.lower()
    name = word[0].isupper()
    if (
        len(word) < (LEAST_NAME if name else LEAST)
        or not (word.isalpha() and word.isascii())
        or word[1:] != word[1:].lower()
        or not is_content(word)
    ):
        return word
    mended = mend(word.lower(), vocabulary)
    return (mended.capitalize() if name else mended) if mended else word


def mend(word: str, vocabulary: Vocabulary) -> str | None:
    """The one word of the corpus that `word` is a slip of; None where the corpus has `word`, or several such, or none."""
    if vocabulary.count(word) or any(word.endswith(end) and vocabulary.count(word.removesuffix(end)) for end in _ENDINGS):
        return None
    near = sorted(((vocabulary.count(one), one) for one in _slips(word) if is_content(one) and vocabulary.count(one)), reverse=True)
    if not near or (len(near) > 1 and near[0][0] < CLEAR * near[1][0]):
        return None
    return near[0][1]


def _slips(word: str) -> set[str]:
    """What may have been meant, first and last letter kept: in any word two letters swapped, or a vowel left out between consonants; the
    rest, which turns short words into other words ("write", "wrote"), in long ones alone.
    """
    ends = [(word[:i], word[i:]) for i in range(1, len(word) - 1)]
    found = {a[:-1] + b[0] + a[-1] + b[1:] for a, b in ends if len(a) > 1}
    found |= {a + vowel + b for a, b in ends for vowel in _VOWELS if not {a[-1], b[0]} & _VOWELS}
    if len(word) >= LONG_WORD:
        found |= {a + letter + b for a, b in ends for letter in _KEYS}
    if len(word) > LONG_WORD + 1:
        found |= {a + b[1:] for a, b in ends} | {a + letter + b[1:] for a, b in ends for letter in _KEYS[b[0]]}
    return found - {word}
