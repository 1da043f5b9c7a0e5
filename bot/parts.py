"""Takes apart a question that asks for several things: the sides of a comparison, or questions in one.

Each part is a question that stands alone, in the order asked. It goes by the words, not by grammar: where they show no seam, a
question stays one, and a "dan" or "and" between anything but two questions or two sides is none.
"""

import re
from dataclasses import dataclass
from typing import Literal

from bot.compare import Side, sides_of
from bot.question import is_content

MOST = 3
"""More questions than these in one text are a pasted page, and it is read as one."""

LONGEST = 400
"""Characters; longer texts are pasted too."""

NAMES = 4
"""Names that a part takes over from the one before."""

_ASKS = (
    r"(?:how (?:many|much|long|often|far)|what (?:year|date|day|month|time)|(?:tahun|tanggal|bulan|hari) (?:berapa|apa)"
    r"|kapan(?:kah)?|di ?mana(?:kah)?|ke mana|dari mana|siapa(?:kah)?|berapa(?:kah)?|apa(?:kah)?|apaan|mengapa|kenapa|knp"
    r"|bagaimana(?:kah)?|gimana"
    r"|when|where|whom?|whose|how|why|what|which)(?: saja| aja)?"
)
_ASK = re.compile(rf"\b{_ASKS}\b", re.IGNORECASE)
_OPENS = re.compile(rf"(?:\w+ ){{0,2}}{_ASKS}\b", re.IGNORECASE)
_ALONE = re.compile(rf"\W*{_ASKS}\W*", re.IGNORECASE)
_MARK = re.compile(r"(?<=\?)\s+")
_SEAM = re.compile(
    rf"(?:\s*[,;]\s*|\s+)(?:dan|serta|lalu|terus|sekalian|and|then|plus)\s+(?:juga\s+|also\s+|then\s+)?(?={_ASKS}\b)|\s*[,;]\s*(?={_ASKS}\b)",
    re.IGNORECASE,
)
_BACK = re.compile(
    r"\b(?!hanya|tanya|punya|biasanya|sebenarnya|misalnya|akhirnya)\w{3,}nya\b|\b(?:itu|tersebut|dia|ia|beliau|mereka|situ|sana|it"
    r"|its|he|his|she|her|him|they|their|them|there)\b(?! saja)",
    re.IGNORECASE,
)
_THAT = re.compile(r"\bapa itu\b", re.IGNORECASE)
_WORD = re.compile(r"[@#]?\w+(?:[-'’/+]\w+)*")


@dataclass(frozen=True, slots=True)
class Part:
    """A question to be answered by itself; `label` names it where it has no answer.

    `shares` is whether it asks of the same thing as the others, so that one sentence may well answer them all; it then has to name the
    `subject`, if there is one. At most `sentences` are said of it.
    """

    question: str
    label: str
    shares: bool = False
    subject: str | None = None
    sentences: int = 2


@dataclass(frozen=True, slots=True)
class Parts:
    """Two or more parts."""

    kind: Literal["comparison", "several"]
    parts: tuple[Part, ...]


def take_apart(text: str, language: str) -> Parts | None:
    """The parts of a question, or None where it is one."""
    if len(text) > LONGEST:
        return None
    pieces = [piece for sentence in _sentences(text) for piece in _questions(sentence)]
    if len(pieces) == 1:
        sides = sides_of(text, language)
        return Parts("comparison", (_side(*sides), _side(*reversed(sides)))) if sides else None
    if len(pieces) > MOST:
        return None
    shares = [bool(_ALONE.fullmatch(piece)) for piece in pieces]
    whole = _filled(pieces)
    asked = [_with_subject(whole, at) for at in range(len(whole))]
    return Parts("several", tuple(Part(question, _label(question), any(shares)) for question in asked))


def _side(side: Side, other: Side) -> Part:
    """The part of `side`; an answer has to name what the other does not have ("Inggris" of "dengan Inggris" and "dengan Australia")."""
    own = [word for word in side.name.split() if word.lower() not in other.name.lower().split()]
    return Part(side.question, side.name, shares=True, subject=" ".join(own) or side.name, sentences=1)


def _sentences(text: str) -> list[str]:
    """The questions that marks part; what asks nothing ("RCDD 2019?", "Tolong dijawab.") stays with its neighbour."""
    found: list[str] = []
    for piece in _MARK.split(text.strip()):
        if found and not (_ASK.search(piece) and _ASK.search(found[-1])):
            found[-1] = f"{found[-1]} {piece}"
        else:
            found.append(piece)
    return found


def _questions(sentence: str) -> list[str]:
    """The questions that "dan" and "and" join: each of them begins with a word that asks, or is that word alone."""
    pieces = [piece.strip(" ,;") for piece in _SEAM.split(sentence)]
    if len(pieces) > 1 and all(_OPENS.match(piece) for piece in pieces):
        return pieces
    return [sentence]


def _filled(pieces: list[str]) -> list[str]:
    """Every piece with a predicate: "kapan" and "di mana RCDD digelar" ask for when RCDD was held."""
    full = next((piece for piece in pieces if not _ALONE.fullmatch(piece)), None)
    if full is None:
        return pieces
    rest = _ASK.sub("", full, count=1).strip(" ?.!")
    asks = [match[0] if (match := _ASK.search(piece)) else piece for piece in pieces]
    return [f"{asks[at]} {rest}" if _ALONE.fullmatch(piece) else piece.strip(" ?.!") for at, piece in enumerate(pieces)]


def _with_subject(pieces: list[str], at: int) -> str:
    """The piece as a question that stands alone: with the names of the nearest piece that has any, where it has none or points back."""
    piece = pieces[at]
    own = _names(piece)
    others = [*reversed(pieces[:at]), *pieces[at + 1 :]]
    names = next((found for other in others if (found := _names(other))), [])
    back = at > 0 and bool(_BACK.search(_THAT.sub("", piece)))
    content = [word for word in _WORD.findall(piece) if is_content(word)]
    if not names and at > 0 and (back or len(content) <= 1):
        names = [" ".join(word for word in _WORD.findall(pieces[0]) if is_content(word) or word.isdigit())]
    lacking = [name for name in names if name and name not in piece]
    if lacking and (back or not own):
        return f"{piece} ({', '.join(lacking[:NAMES])})?"
    return f"{piece}?"


def _names(text: str) -> list[str]:
    """Runs of names, acronyms and years; a capital that only opens the piece is no name."""
    names: list[str] = []
    end = -1
    for match in _WORD.finditer(text):
        word = match[0].lstrip("@#")
        opens = match.start() == 0 and not word[1:].isupper() and word == match[0]
        named = (word[0].isupper() and not opens and is_content(word)) or (word.isdigit() and len(word) == 4)
        if named and names and text[end : match.start()].strip() == "":
            names[-1] += " " + match[0]
        elif named:
            names.append(match[0])
        end = match.end() if named else -1
    return names


def _label(question: str) -> str:
    return question[:1].lower() + question[1:].rstrip("?") if not question[:2].isupper() else question.rstrip("?")
