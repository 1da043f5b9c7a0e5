"""What a question asks for, read from its words alone: language, kind, and the words an answer must account for."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from corpus.errors import QuestionInvalid, QuestionTooLong
from corpus.language import LANGUAGES, language_odds
from corpus.numbers import years
from corpus.text import normalise

Kind = Literal["when", "list", "broad", "fact"]

SURE = 0.8
"""Below this odds the words do not tell the language, and the conversation's language, if any, decides."""

_WHEN = re.compile(
    r"\b(?:kapan(?:kah)?|(?:tahun|tanggal|bulan|hari) (?:berapa|apa)|when|(?:what|which) (?:year|date|day|month))\b", re.IGNORECASE
)
_BROAD = re.compile(
    r"\b(?:jelaskan|ceritakan|uraikan|bagaimana(?:kah)?|gimana|contoh|isi"
    r"|(?:per)?banding(?:an|kan)?|dibanding(?:kan)?|perbedaan|beda(?:nya)?|masing-masing|kedua"
    r"|lebih (?:lengkap|lanjut|banyak)|explain|describe|tell me|how (?:does|do|did|has|is|are|was|were)"
    r"|more about|overview|examples?|compar\w+|differ\w*|versus|vs|both)\b",
    re.IGNORECASE,
)
"""Asks for more than one sentence may say."""

_LIST = re.compile(
    r"\b(?:(?:apa|siapa|mana|ngapain)(?:[ -]?(?:2|apa|siapa|mana))? (?:saja(?:kah)?|aja)|sebutkan|sebutin|daftar|list|name (?:all|the)"
    r"|(?:what|which|who)(?: \w+){0,2} (?:are|were)|(?:what|which)(?: \w+)? (?:kinds?|types?|sorts?) of|who \w+ what"
    r"|(?:what|which|whose)(?: (?!(?:is|was|does|did|do|that)\b)[\w-]+){0,3} (?!(?:does|this)\b)[\w-]{3,}(?<!s)s(?: \w+)?"
    r" (?:do|does|did|have|has|had|can|could|will|to|should))\b",
    re.IGNORECASE,
)
"""Asks for all that there are: an English one by a plural, an Indonesian one by a doubling or "saja"."""

_ASKS = re.compile(
    r"\b(?:(?:tahun|tanggal|hari) berapa|apa saja|kapan|kpn|di ?mana|dimana|siapa|kenapa|knp|mengapa|berapa|brp|bagaimana|gimana"
    r"|apa(?:kah)?|what (?:year|date|day)|how (?:many|much|long|often)|when|where|who|why|which|how|what)\b",
    re.IGNORECASE,
)
_FUNCTION_WORDS = {
    "id": frozenset(
        """
        ada adakah adalah agar akan aku anda antara apa apakah apaan apakan atas atau bagaimana bagaimanakah bagi bahwa banyak
        beberapa belum berapa berapakah bisa bisakah boleh buat bukan cara coba dalam dan dapat dari daripada deh dengan di
        dia dimana dong dulu gak gimana hal hanya harus ia ialah ini itu iya jadi jelaskan juga kah kalau kalian kami kamu
        kapan kapankah karena ke kemana kenapa kepada kita knp kok lagi lah lain lalu lebih macam maksud mana manakah masih
        mau melalui memang mengapa menjadi menurut mereka minta mohon nah namun nya oleh orang pada para pernah perlu pun pula
        punya saat saja sajakah salah saya sebagai sebutkan sebuah secara sedang sejak seorang seperti serta siapa siapakah
        sih soal suatu sudah supaya tahu tanpa tapi telah tentang terhadap terjadi terkait tersebut tetapi tidak tolong untuk
        untuknya yaitu yakni yang ceritakan kasih dimaksud termasuk tahun tanggal bulan hari kali itulah dulunya
        """.split()
    ),
    "en": frozenset(
        """
        a about according actually after all also am an and any are as asked at be because been before being between both but
        by can could define definition describe did do does doing done during each etc ever every explain few for from get
        give given gives had has have having he her here him his how i if in into is it its just kind know like list made make
        many me mean meaning meant mentioned might more most much my name named of off on once one only or other our out over
        own please same say says shall she should show since so some such tell than that the their them then there these they
        this those through to too under until up upon us used using very via want was we were what when where which while who
        whom whose why will with within without would year date day month you your happen happened
        """.split()
    ),
}
_WORD = re.compile(r"\w+(?:[-'’]\w+)*")
_ACRONYM = re.compile(r"\b[A-Z][A-Z0-9]{1,}\b")
_NAMES = re.compile(r"\b(?:[A-Z]\w*|\d+)\b")


@dataclass(frozen=True, slots=True)
class Question:
    """A question and what was read from it; spans are of `text`, `after` is the answer that it follows on, if it leans on one."""

    text: str
    language: str
    kind: Kind
    content: tuple[tuple[int, int], ...]
    names: frozenset[str]
    years: frozenset[str]
    acronyms: frozenset[str]
    after: str = ""


def read_question(text: str, limit: int, language: str | None = None, conversation: str | None = None) -> Question:
    """Read a question of at most `limit` characters; `language` overrules what its words say, `conversation` breaks a tie.

    Raises QuestionInvalid where there is nothing to answer, QuestionTooLong where it is too much.
    """
    if len(text) > limit:
        raise QuestionTooLong(f"The question has {len(text):,} characters, at most {limit:,} are read. Ask a shorter one.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise QuestionInvalid("The question is no valid Unicode: half of a character is missing. Send UTF-8.")
    text = re.sub(r"\s+", " ", normalise(text)).strip()
    if not any(unicodedata.category(character)[0] in "LN" for character in text):
        raise QuestionInvalid("The question has no words. Ask something.")
    if language is not None and language not in LANGUAGES:
        raise QuestionInvalid(f"The language {language!r} is not spoken here: one of {', '.join(LANGUAGES)}.")
    asked_in = language or question_language(text, conversation)
    return Question(
        text=text,
        language=asked_in,
        kind=_kind(text),
        content=tuple(match.span() for match in _WORD.finditer(text) if is_content(match[0])),
        names=frozenset(match[0] for match in _WORD.finditer(text) if is_content(match[0]) and _is_name(match[0], match.start() == 0)),
        years=years(text),
        acronyms=frozenset() if text.isupper() else frozenset(_ACRONYM.findall(text)),
    )


def _kind(text: str) -> Kind:
    kinds: tuple[tuple[Kind, re.Pattern[str]], ...] = (("when", _WHEN), ("list", _LIST), ("broad", _BROAD))
    return next((kind for kind, pattern in kinds if pattern.search(text)), "fact")


def asks(text: str) -> str:
    """The words that `text` asks with ("kapan", "how many"); empty where it has none."""
    return match[0].lower() if (match := _ASKS.search(text)) else ""


def question_language(text: str, conversation: str | None = None) -> str:
    """The language a question is asked in: that of its grammar; else of its other words, names and numbers aside."""
    votes = {language: sum(word.lower() in words for word in _WORD.findall(text)) for language, words in _FUNCTION_WORDS.items()}
    if votes["id"] != votes["en"]:
        return max(votes, key=lambda language: votes[language])
    voters = _NAMES.sub(" ", text[:1].lower() + text[1:])
    detected, odds = language_odds(voters if voters.strip(" ?!.,") else text)
    return detected if odds >= SURE or conversation is None else conversation


def is_content(word: str) -> bool:
    """Whether an answer must account for `word`: it is neither grammar nor the question's own frame, nor a number."""
    return not word.isdigit() and not any(word.lower() in words for words in _FUNCTION_WORDS.values()) and len(word) > 1


def _is_name(word: str, opens: bool) -> bool:
    """A capital makes a name, but for the one that opens the question."""
    return word[0].isupper() and (not opens or word[1:].isupper())
