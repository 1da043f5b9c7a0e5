"""Makes a follow-up question stand alone, from the words of the conversation and no model.

A question leans on the conversation when it names nothing itself (no name, acronym or year) and either points back
("hasilnya", "it", "those") or is very short. Then the names of the last question that had any are put after it. The
client holds the conversation; nothing is kept here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.question import is_content

SHORT = 2
"""Content words of a question too short to stand alone ("kapan?", "where?")."""

NAMES = 5
"""More names than these are a list, and no subject."""

TURNS = 6
"""Older turns are another subject more often than not."""

_NAME = re.compile(r"\b(?:[A-Z][\w-]*|\d{4})(?:\s+(?:(?:of|on|and|for|the|dan)\s+)*(?:[A-Z][\w-]*|\d{4}))*")
_BACK = re.compile(
    r"\b\w{3,}nya\b|\b(?:itu|ini|tersebut|tadi|dia|ia|beliau|mereka|situ|sana|terus|lalu|lanjut|it|its|he|his|she|her|they|their|them|that|this|those|these|there|then)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+(?:[-'’]\w+)*")


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation."""

    role: Literal["user", "assistant"]
    content: str


def standalone(question: str, history: Sequence[Turn]) -> str:
    """`question` as it would be asked without the conversation; the same text where it does not lean on one."""
    earlier = [turn.content for turn in history[-TURNS:] if turn.role == "user"]
    if not earlier or _names(question) or not _leans(question):
        return question
    for said in reversed(earlier):
        if names := _names(said):
            return f"{question.rstrip(' ?.!')} ({', '.join(names)})?"
    return question


def _leans(question: str) -> bool:
    content = [word for word in _WORD.findall(question) if is_content(word)]
    return bool(_BACK.search(question)) or len(content) <= SHORT


def _names(text: str) -> list[str]:
    """Names, acronyms and years of `text`; a capital that only opens the sentence is no name."""
    names = []
    for match in _NAME.finditer(text):
        words = match[0].split()
        opens_only = match.start() == 0 and len(words) == 1 and not (words[0].isupper() and len(words[0]) > 1)
        while words and not is_content(words[0]) and not words[0].isdigit():
            words.pop(0)
        if words and not opens_only:
            names.append(" ".join(words))
    return names[:NAMES]
