"""Makes a question of a conversation stand alone, from the words of its last turns and no language model.

1. What a conversation is about are the names, years and other rare words of its last question, then those of the ones before, each
   weighed by its rarity in the corpus (BM25's) and less the older it is, as far as the corpus has them in one passage.
2. A turn leans on that where it corrects, asks for more ("lebih lengkap dong"), or means an item of the last answer ("yang kedua"); it
   stands where it announces another subject.
3. Of any other turn a regression decides: on whether it points back ("hasilnya", "it") or goes on ("terus", "what about"), how much it
   says itself, and how near the corpus is to it, and its subject's passages beside the nearest.

The client holds the conversation; nothing is kept here.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bot.phrases import phrase
from bot.question import asks, is_content, question_language
from index.vocabulary import Vocabulary

TURNS = 10
"""Questions that are looked back on."""

LONGEST = 2000
"""Characters of an earlier message that are looked at."""

TERMS = 5
"""More of them would drown the question."""

FADED = 0.6
"""Of its weight a term keeps from one turn to the next."""

RARE, TELLING, NAME = 3.0, 0.5, 4.0
"""What half of a thing spoken of by its number or pronoun weighs; the least that a common word has to, to be worth keeping; what a name
weighs more."""

EVIDENCE = ("points back", "goes on", "content words", "names", "year", "question word", "cosine", "lead")
"""What tells whether a turn leans on the one before: the last two are its cosine with the passage nearest to it, and how much farther it is
from the nearest of those on the subject."""

WEIGHTS, BIAS = (1.4, 1.55, -1.3, -0.45, -0.75, -0.95, -33.0, -57.0), 35.1
"""Fitted (`python -m tests.eval.fit_conversation`) on 150 conversations, but for a bias of 35.6: with half a point less .967 of 184 topic
changes get nothing added, for .946, and .838 of 450 turns that lean have their document first, for .847."""

MOST_WORDS, MOST_NAMES = 6, 2
"""Of a turn, that are counted."""

Nearness = Callable[[str, str], tuple[float, float]]
"""Of a question and a subject: the question's cosine with the passage nearest to it, and with the nearest of those on the subject."""

Terms = tuple[tuple[str, float], ...]
"""Terms and their weights, weightiest first."""

_WORD = re.compile(r"#?\w+(?:[-'’/]\w+)*")
_NAME = re.compile(r"#?\b[A-Z][\w'’-]*(?:\s+(?:(?:of|on|and|for|the|dan)\s+)*(?:[A-Z][\w'’-]*|(?:1[5-9]|20)\d\d))*|\b(?:1[5-9]|20)\d\d\b")
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_BACK = re.compile(
    r"\b(?:(?!tanya|punya|hanya|biasanya|sebenarnya|kiranya|banyaknya|misalnya|akhirnya|artinya)\w{3,}nya"
    r"|itu|tersebut|tadi|dia|ia|beliau|mereka|situ|sana|disana|disitu|tuh"
    r"|it|its|he|his|she|her|they|their|them|that|those|these|there|then|one|ones)\b",
    re.IGNORECASE,
)
_ON = re.compile(
    r"^\W*(?:(?:oh|eh|oke?|ok|hmm+|gitu|nah)\b\W*)*"
    r"(?:and|terus|trus|lalu|kalau|kalo|klo|kl|what about|how about|bagaimana dengan|gimana dengan|dan|only|just)\b"
    r"|\b(?:saja|aja|only)\W*$",
    re.IGNORECASE,
)
_CORRECTION = re.compile(
    r"^\W*(?:(?:eh|no|nope|bukan|sorry|maaf|salah|not that|bukan itu)\b\W*)*"
    r"(?:maksud(?:ku|nya| saya| aku| gue| gw)?|i mean|i meant|i was asking about)\b\W*",
    re.IGNORECASE,
)
_YES_NO = re.compile(r"^\W*(?:did|do|does|was|were|is|are|can|could|has|have|will|apakah|ada|bisa|boleh|wajib)\b", re.IGNORECASE)
_MORE = re.compile(
    r"^\W*(?:(?:tolong|please|bisa|can you|coba|dong|ya)\b\W*)*"
    r"(?:(?:jelaskan |jelasin |ceritakan )?(?:yang )?(?:lebih|lbh) (?:lengkap|lanjut|detail|rinci|jelas|banyak)(?:nya)?"
    r"|tell me more|(?:give me |some )?more (?:details?|info(?:rmation)?)|more|elaborate|go on|details?|for example"
    r"|lanjut(?:kan|in)?|jelaskan|jelasin|contohnya)"
    r"(?:\W+(?:dong|donk|ya|please|deh|lagi|pls|apa|about (?:it|that|this)|tentang (?:itu|ini)))*\W*$",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"^\W*(?:(?:ok|oke|okay|thanks|makasih|terima kasih|thank you|baik)\b\W*)*"
    r"(?:different question|another question|new (?:question|topic)|by the way|btw"
    r"|ganti topik|topik lain|pertanyaan lain|hal lain|soal lain)\b\W*",
    re.IGNORECASE,
)
_NTH = {
    **{word: number for number, ones in enumerate((
        ("pertama", "kesatu", "satu", "first", "1st"), ("kedua", "dua", "second", "2nd"), ("ketiga", "tiga", "third", "3rd"),
        ("keempat", "empat", "fourth", "4th"), ("kelima", "lima", "fifth", "5th"), ("keenam", "sixth", "6th"),
    )) for word in ones},
    "terakhir": -1, "last": -1,
}  # fmt: skip
_ORDINAL = re.compile(
    rf"\b(?:(?:yang|yg|nomor|no\.?|poin) (?P<a>{'|'.join(_NTH)})"
    rf"|the (?P<b>{'|'.join(_NTH)})(?: one| point| item)?(?=\W*$|,|\s+(?:is|was|one)\b))\b",
    re.IGNORECASE,
)
_LISTED = re.compile(
    r"(?::|\b(?:yaitu|yakni|meliputi|mencakup|adalah|ialah|namely|are|were|covers?|includes?)\b)\s*(?P<items>[^.:]*,[^.:]*)"
)
_COMMA = re.compile(r";\s*|,\s*(?:dan|and|serta|then|lalu)?\s*|\s+(?:dan|and|serta)\s+")
_PLACE = re.compile(r"\b(di|dari|ke|in|from|at|to|pada|untuk|for|with|dengan)\s+(?:tahun\s+)?([A-Z\d]\w*|\w+)", re.IGNORECASE)
_PERSON = re.compile(r"\b(?:dia|ia|beliau|he|she|his|her|him)\b", re.IGNORECASE)
_FULL_NAME = re.compile(r"\b[A-Z][a-z]+(?: [A-Z][a-z]+){1,3}\b")
_TITLE = re.compile(
    r"\b(?:(?:Wakil |Vice |Deputy )?(?:Foreign Minister|Menteri Luar Negeri|Presiden|President|Director General|Direktur Jenderal"
    r"|Ambassador|Duta Besar|Minister|Menteri)"
    r"|Kementerian Luar Negeri|Foreign Ministry)\b"
)
_MARK = re.compile(r"\s*\[\d+\]")
"""Of a citation: what the bot says without one is no answer."""

_FILLER = frozenset(
    "oh eh oke ok hai halo hi hello makasih thanks nya trus gitu sih ya tuh donk dong pls please yg tak ga gak nggak".split()
)


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What a conversation is about after a question: terms, weightiest first, the words it asks with, how it is said standing alone, the
    last answer, where it leans on that, and what told whether it does, where that had to be weighed."""

    terms: Terms = ()
    asks: str = ""
    said: str = ""
    after: str = ""
    evidence: tuple[float, ...] = ()


def follow(question: str, history: Sequence[Turn], vocabulary: Vocabulary, nearness: Nearness) -> Subject:
    """The subject after `question`: that of each question of `history` that is looked back on follows on the one before it."""
    subject, answer = Subject(), ""
    for turn in [*history[-2 * TURNS :], Turn("user", question)]:
        if turn.role == "assistant":
            answer = turn.content[:LONGEST]
        else:
            subject = _follow(turn.content[:LONGEST], subject, answer, vocabulary, nearness)
            answer = ""
    return subject


def _follow(question: str, before: Subject, answer: str, vocabulary: Vocabulary, nearness: Nearness) -> Subject:
    """The subject after `question`, with the standalone form of it."""
    language = question_language(question, question_language(before.said) if before.said else None)
    own = _terms(question, language, vocabulary)
    alone = Subject(own, asks(question), _OTHER.sub("", question) or question)
    if not before.said or _OTHER.match(question):
        return alone
    after = _MARK.sub("", answer) if _MARK.search(answer) else before.after
    if _MORE.match(question):
        return Subject(before.terms, before.asks, phrase(language, "say_more", question=before.said), after)
    corrected = _CORRECTION.match(question)
    if corrected:
        question = question[corrected.end() :] or question
        own = _terms(question, language, vocabulary)
    item = _item(question, after)
    kept = _kept(question, own, before, language, vocabulary)
    if item:
        kept = ((item, RARE * 2), *kept[: TERMS - 1])
    if _PERSON.search(question) and (person := _person(answer, kept)):
        kept = ((person, RARE * 2), *kept[: TERMS - 1])
    if not kept:
        return alone
    told = () if corrected or item else evidence(question, own, before, vocabulary, nearness)
    if told and BIAS + sum(weight * one for weight, one in zip(WEIGHTS, told, strict=True)) <= 0:
        return replace(alone, evidence=told)
    asked = asks(question) or ("" if not _YES_NO.match(question) else " ")
    joined = _joined(question, [*([before.asks] if before.asks and not asked else []), *(term for term, _ in kept)])
    merged = (
        {term: weight * FADED for term, weight in own if weight < NAME}
        | {term: weight if _is_name(term, vocabulary) else weight * FADED for term, weight in kept}
        | {term: weight + 1 for term, weight in own if _is_name(term, vocabulary)}
    )
    terms = tuple(sorted(merged.items(), key=lambda pair: -pair[1])[:TERMS])
    return Subject(terms, asked.strip() or before.asks, joined, after, told)


def evidence(question: str, own: Terms, before: Subject, vocabulary: Vocabulary, nearness: Nearness) -> tuple[float, ...]:
    """EVIDENCE of whether `question`, whose terms are `own`, needs what was said before it."""
    content = sum(is_content(word) and word.lower() not in _FILLER for word in _WORD.findall(question))
    cosine, on_subject = nearness(question, before.said)
    return (
        bool(_BACK.search(question)),
        bool(_ON.search(question)),
        min(content, MOST_WORDS),
        min(sum(_is_name(term, vocabulary) for term, _ in own), MOST_NAMES),
        bool(_YEAR.search(question)),
        bool(asks(question)),
        cosine,
        cosine - on_subject,
    )


def _terms(text: str, language: str, vocabulary: Vocabulary) -> Terms:
    """Names, years and rare words of `text` with their weights, weightiest first; those of one name stay together."""
    found: dict[str, float] = {}
    covered: list[tuple[int, int]] = []
    for match in _NAME.finditer(text):
        words = match[0].split()
        while words and not is_content(words[0]) and not words[0].isdigit():
            words.pop(0)
        opens = not text[: match.start()].strip(" \"'(") and len(words) == 1 and not words[0].isupper()
        if words and not (opens and not vocabulary.is_name(words[0])):
            found[" ".join(words)] = max(_weight(word, language, vocabulary) for word in words) + NAME
            covered.append(match.span())
    for match in _WORD.finditer(text):
        word = _bare(match[0])
        inside = any(start <= match.start() < end for start, end in covered)
        if inside or not is_content(word) or word.lower() in _FILLER:
            continue
        weight = _weight(word, language, vocabulary)
        if vocabulary.is_name(word):
            found[word] = weight + NAME
        elif weight >= TELLING:
            found[word] = weight
    return tuple(sorted(found.items(), key=lambda pair: -pair[1]))


def _is_name(term: str, vocabulary: Vocabulary) -> bool:
    word = next((one.lstrip("#") for one in term.split() if not one.isdigit()), "")
    return word[:1].isupper() or bool(word and vocabulary.is_name(word))


def _bare(word: str) -> str:
    return word[:-3] if len(word) > 6 and word.endswith("nya") else word


def _weight(word: str, language: str, vocabulary: Vocabulary) -> float:
    return vocabulary.rarity(word.lstrip("#"), language)


def _kept(question: str, own: Terms, before: Subject, language: str, vocabulary: Vocabulary) -> Terms:
    """What of the old subject goes with `question`: nothing it replaces, and nothing that never stands beside its own words."""
    places = {match[1].lower(): match[2].lower() for match in _PLACE.finditer(question)}
    replaced = {
        match[2].lower() for match in _PLACE.finditer(before.said) if places.get(match[1].lower(), match[2].lower()) != match[2].lower()
    }
    said = {term.lower() for term, _ in own}
    year = bool(_YEAR.search(question))
    kept: list[tuple[str, float]] = []
    anchors = [term for term, _ in own if _is_name(term, vocabulary)]
    for term, weight in before.terms:
        text = " ".join(word for word in term.split() if not (year and _YEAR.fullmatch(word)))
        words = text.lower().split()
        if not words or text.lower() in said or any(word in replaced for word in words):
            continue
        if not any(vocabulary.count(_plain(word), language) for word in words):
            continue
        if anchors and not (text := _beside(anchors, text, language, vocabulary)):
            continue
        kept.append((text, weight))
    return tuple(kept[:TERMS])


def _beside(anchors: Sequence[str], text: str, language: str, vocabulary: Vocabulary) -> str:
    """The words of the name `text` that the corpus has beside one of the `anchors`, the rarest left out first."""
    words = text.split()
    while words and not any(vocabulary.together([anchor, *words], language) for anchor in anchors):
        words.remove(max(words, key=lambda word: vocabulary.rarity(_plain(word), language)))
    return " ".join(words) if len(words) > 1 or len(text.split()) == 1 else ""


def _plain(word: str) -> str:
    return word.lstrip("#")


def _joined(question: str, words: Sequence[str]) -> str:
    return f"{question.strip().rstrip(' ?.!,')} ({', '.join(dict.fromkeys(words))})?"


def _item(question: str, answer: str) -> str | None:
    """The item of the list in `answer` that `question` means by its number."""
    if not (match := _ORDINAL.search(question)):
        return None
    number = _NTH[(match["a"] or match["b"]).lower()]
    for listed in _LISTED.finditer(answer):
        items = [item.strip(' .“”"') for item in _COMMA.split(listed["items"]) if item.strip(" .")]
        if len(items) >= 3 and number < len(items):
            return items[number]
    return None


def _person(answer: str, kept: Terms) -> str | None:
    """The first person-like name of `answer` that is not spoken of already, without its title."""
    answer = _TITLE.sub("", answer)
    said = " ".join(term for term, _ in kept)
    return next((name for name in _FULL_NAME.findall(answer) if name.split()[-1] not in said and len(name.split()) <= 4), None)
