"""Acronyms and what they stand for, as a text itself says it: "Digital Command Center (DCC)", "warga negara Indonesia (WNI)"."""

import re
from collections.abc import Iterable

_PAIR = re.compile(r"(?<![\w-])((?:[\w-]+ ){1,12})\(([A-Z][A-Za-z]*[A-Z])\)")
"""Only from the start of a word: a text of one endless word would else be read from each of its letters."""

_SMALL = frozenset("of on for and the in to di ke dan untuk bagi pada dari yang".split())
"""Words that may stand in a full form without a letter in the acronym."""


def full_forms(texts: Iterable[str]) -> dict[str, frozenset[str]]:
    """Acronym -> its full forms: the words before its bracket whose first letters spell it."""
    found: dict[str, set[str]] = {}
    for text in texts:
        for words, acronym in _PAIR.findall(text):
            if form := _spelling(words.split(), acronym.lower()):
                found.setdefault(acronym, set()).add(form)
    return {acronym: frozenset(forms) for acronym, forms in found.items()}


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
