"""Acronyms and short forms, and what they stand for, as a text itself says it.

"Digital Command Center (DCC)", "warga negara Indonesia (WNI)", and of syllables "Kementerian Luar Negeri (Kemlu)".
"""

import re
from collections.abc import Iterable

_PAIR = re.compile(r"(?<![\w-])((?:[\w-]+ ){1,12})\(([A-Z][A-Za-z]+)\)")
"""Only from the start of a word: a text of one endless word would else be read from each of its letters."""

_SMALL = frozenset("of on for and the in to di ke dan untuk bagi pada dari yang".split())
"""Words that may stand in a full form without a letter in the acronym."""

MOST_WORDS = 5
"""Of the full form of a short form of syllables."""


def full_forms(texts: Iterable[str]) -> dict[str, frozenset[str]]:
    """Acronym or short form -> its full forms: the words before its bracket whose first letters, or beginnings, spell it."""
    found: dict[str, set[str]] = {}
    for text in texts:
        for words, short in _PAIR.findall(text):
            spelling = _spelling if short[-1].isupper() else _blend
            if form := spelling(words.split(), short.lower()):
                found.setdefault(short, set()).add(form)
    return {short: frozenset(forms) for short, forms in found.items()}


def _spelling(words: list[str], letters: str) -> str | None:
    """The last of `words` that spell `letters` with their first ones."""
    left = letters
    for start in range(len(words) - 1, -1, -1):
        if words[start] in _SMALL:
            continue
        if words[start][0].lower() != left[-1]:
            return None
        left = left[:-1]
        if not left:
            return " ".join(words[start:])
    return None


def _blend(words: list[str], letters: str) -> str | None:
    """The last of `words`, two at least, whose beginnings make up `letters`; the very last one may give none ("Negeri" in "Kemlu")."""
    for start in range(len(words) - 2, max(-1, len(words) - 1 - MOST_WORDS), -1):
        form = words[start:]
        lower = [word.lower() for word in form if word not in _SMALL]
        if form[0] not in _SMALL and len(lower) > 1 and (_begun(lower, letters) or (len(lower) > 2 and _begun(lower[:-1], letters))):
            return " ".join(form)
    return None


def _begun(words: list[str], letters: str) -> bool:
    """Whether `letters` are beginnings of all `words`, one after another."""
    if not words:
        return not letters
    word = words[0]
    return any(letters.startswith(word[:size]) and _begun(words[1:], letters[size:]) for size in range(min(len(word), len(letters)), 0, -1))
