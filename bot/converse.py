"""Makes a question of a conversation stand alone, from the words of its last turns and no model.

1. What a conversation is about are the names, years and other rare words of its last question, then those of the ones before, each
   weighed by its rarity in the corpus (BM25's) and less the older it is, as far as the corpus has them in one passage.
2. A turn leans on that where it points back ("hasilnya", "it", "kalau …", "only"), corrects, asks on ("why?", "lebih lengkap dong"),
   means an item of the last answer ("yang kedua"), or asks too little for itself; one that names its own subject, says much, or
   announces another, stands.
3. Where that does not tell, the corpus does: whether its passages on the subject hold the question's words as well as any others do.

The client holds the conversation; nothing is kept here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
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
"""What a word weighs where there is no corpus to ask; the least that a common word has to, to be worth keeping; what a name weighs more."""

SHORT, LONG = 2, 5
"""Content words of a question too short to stand alone ("kapan?", "berapa putaran?"), and of one that says enough for itself: of 112
that leaned on a conversation none had so many."""

COVERED, COVERED_ALONE, COVERED_NAMED = 0.6, 0.8, 0.95
"""How much of what one passage holds of the question's words, weighed by rarity, a passage with the subject has to hold too: where
the question points back or goes on, where it does neither, and where it names something itself."""

_Terms = tuple[tuple[str, float], ...]
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
    r"(?:and|terus|trus|lalu|kalau|kalo|klo|kl|what about|how about|bagaimana dengan|gimana dengan"
    r"|yang|yg|dan|only|just|in|for|until|from|dari|lewat|untuk tahun|sampai|pada|di"
    r"|which|were|was|did|do|does|is|are)\b|\b(?:saja|aja|only)\W*$",
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
_DEFINED = re.compile(
    r"^\W*(?:apa(?:kah)? (?:itu|yang dimaksud(?: dengan)?)|apaan|siapa itu|who(?:'s| is)"
    r"|what(?:'s| is| are| was| were)(?! (?:the|its?|their|his|her|that|this|about))|what does(?= .* mean\W*$))\s+(?P<a>[^?]+?)\W*$"
    r"|^\W*(?P<b>[^?]+?) (?:(?:itu|tuh) )?(?:(?:se(?:benar|betul|bener)nya|arti(?:nya)?|maksudnya) )?(?:apa(?:an)?|siapa)"
    r"(?: (?:sih|ya|tuh|dong|lagi|artinya|maksudnya))*\W*$"
    r"|^\W*(?:(?:can|could) you )?(?:please )?(?:explain|tell me) what (?:the )?(?P<c>[^?]+?) (?:is|are|was|were|means?)\W*$",
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
_FILLER = frozenset(
    "oh eh oke ok hai halo hi hello makasih thanks nya trus gitu sih ya tuh donk dong pls please yg tak ga gak nggak".split()
)


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a conversation is about: terms, weightiest first, and the words that the last question asks with."""

    terms: _Terms = ()
    asks: str = ""
    said: str = ""


def standalone(question: str, history: Sequence[Turn], vocabulary: Vocabulary | None = None) -> str:
    """`question` as it would be asked without the conversation; the same text where it does not lean on one.

    Without a `vocabulary` only names and years are a subject.
    """
    subject, answer = _Subject(), ""
    turns = list(history)[-2 * TURNS :]
    for turn in turns:
        if turn.role == "assistant":
            answer = turn.content[:LONGEST]
        else:
            subject = _follow(turn.content[:LONGEST], subject, answer, vocabulary)
            answer = ""
    return _follow(question, subject, answer, vocabulary).said


def _follow(question: str, before: _Subject, answer: str, vocabulary: Vocabulary | None) -> _Subject:
    """The subject after `question`, with the standalone form of it."""
    language = question_language(question, question_language(before.said) if before.said else None)
    own = _terms(question, language, vocabulary)
    alone = _Subject(own, asks(question), _OTHER.sub("", question) or question)
    if not before.said or _OTHER.match(question):
        return alone
    if _MORE.match(question):
        return _Subject(before.terms, before.asks, phrase(language, "say_more", question=before.said))
    corrected = _CORRECTION.match(question)
    if corrected:
        question = question[corrected.end() :] or question
        own = _terms(question, language, vocabulary)
    item = _item(question, answer)
    kept = _kept(question, own, before, language, vocabulary)
    if item:
        kept = ((item, RARE * 2), *kept[: TERMS - 1])
    if _PERSON.search(question) and (person := _person(answer, kept)):
        kept = ((person, RARE * 2), *kept[: TERMS - 1])
    if not kept:
        return alone
    asked = asks(question) or ("" if not _YES_NO.match(question) else " ")
    words = [term for term, _ in kept]
    joined = _joined(question, [*([before.asks] if before.asks and not asked else []), *words])
    if not (corrected or item) and not _leans(question, own, kept, language, vocabulary):
        return alone
    merged = (
        {term: weight * FADED for term, weight in own if weight < NAME}
        | {term: weight if _is_name(term, vocabulary) else weight * FADED for term, weight in kept}
        | {term: weight + 1 for term, weight in own if _is_name(term, vocabulary)}
    )
    terms = tuple(sorted(merged.items(), key=lambda pair: -pair[1])[:TERMS])
    return _Subject(terms, asked.strip() or before.asks, joined)


def _leans(question: str, own: _Terms, kept: _Terms, language: str, vocabulary: Vocabulary | None) -> bool:
    """Whether `question` needs what was said before it."""
    names = [term for term, _ in own if _is_name(term, vocabulary)]
    named = bool(names)
    content = [word for word in _WORD.findall(question) if is_content(word) and word.lower() not in _FILLER]
    defined = None if _ON.match(question) else _DEFINED.match(question)
    if defined and not _points(defined["a"] or defined["b"] or defined["c"]) and (named or len(content) >= SHORT):
        return False
    goes_on = bool(_ON.search(question))
    points = _points(question) or goes_on
    if len(content) >= LONG and (named or not points):
        return False
    full = len(names) > 1 or (named and bool(_YEAR.search(question)))
    if full and (not points or len(content) > SHORT):
        return False
    if not goes_on and _has_subject(question, own, language, vocabulary):
        return False
    if not named and (points or len(content) <= SHORT):
        return True
    if vocabulary is None:
        return points and not named
    with_subject, alone = vocabulary.covered(own, [kept[0][0]], language), vocabulary.covered(own, [], language)
    return alone > 0 and with_subject >= alone * (COVERED if points else COVERED_NAMED if named else COVERED_ALONE)


def _has_subject(question: str, own: _Terms, language: str, vocabulary: Vocabulary | None) -> bool:
    """Whether a rare name stands before whatever points back in `question`, so that it points at that."""
    back = _BACK.search(question)
    places = [
        question.find(term) for term, _ in own if _is_name(term, vocabulary) and _weight(term.split()[0], language, vocabulary) >= RARE
    ]
    return bool(places) and (back is None or min(places) < back.start())


def _points(text: str) -> bool:
    return bool(_BACK.search(text))


def _terms(text: str, language: str, vocabulary: Vocabulary | None) -> _Terms:
    """Names, years and rare words of `text` with their weights, weightiest first; those of one name stay together."""
    found: dict[str, float] = {}
    covered: list[tuple[int, int]] = []
    for match in _NAME.finditer(text):
        words = match[0].split()
        while words and not is_content(words[0]) and not words[0].isdigit():
            words.pop(0)
        opens = not text[: match.start()].strip(" \"'(") and len(words) == 1 and not words[0].isupper()
        if words and not (opens and not (vocabulary and vocabulary.is_name(words[0]))):
            found[" ".join(words)] = max(_weight(word, language, vocabulary) for word in words) + NAME
            covered.append(match.span())
    for match in _WORD.finditer(text):
        word = _bare(match[0])
        inside = any(start <= match.start() < end for start, end in covered)
        if inside or vocabulary is None or not is_content(word) or word.lower() in _FILLER:
            continue
        weight = _weight(word, language, vocabulary)
        if vocabulary.is_name(word):
            found[word] = weight + NAME
        elif weight >= TELLING:
            found[word] = weight
    return tuple(sorted(found.items(), key=lambda pair: -pair[1]))


def _is_name(term: str, vocabulary: Vocabulary | None) -> bool:
    word = next((one.lstrip("#") for one in term.split() if not one.isdigit()), "")
    return word[:1].isupper() or bool(word and vocabulary and vocabulary.is_name(word))


def _bare(word: str) -> str:
    return word[:-3] if len(word) > 6 and word.endswith("nya") else word


def _weight(word: str, language: str, vocabulary: Vocabulary | None) -> float:
    return vocabulary.rarity(word.lstrip("#"), language) if vocabulary else RARE


def _kept(question: str, own: _Terms, before: _Subject, language: str, vocabulary: Vocabulary | None) -> _Terms:
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
        if vocabulary is not None:
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
    for listed in _LISTED.finditer(re.sub(r"\s*\[\d+\]", "", answer)):
        items = [item.strip(' .“”"') for item in _COMMA.split(listed["items"]) if item.strip(" .")]
        if len(items) >= 3 and number < len(items):
            return items[number]
    return None


def _person(answer: str, kept: _Terms) -> str | None:
    """The first person-like name of `answer` that is not spoken of already, without its title."""
    answer = _TITLE.sub("", answer)
    said = " ".join(term for term, _ in kept)
    return next((name for name in _FULL_NAME.findall(answer) if name.split()[-1] not in said and len(name.split()) <= 4), None)
