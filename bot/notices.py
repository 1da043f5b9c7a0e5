"""What is said beside an answer (other language, a part missing, sources that differ, figures that age), and why a passage is no answer."""

import re
from collections.abc import Sequence

from bot.answer import Citation, Notice
from bot.phrases import date_in_words, phrase
from bot.premise import unconfirmed
from bot.question import Question
from bot.read import mentions
from corpus.numbers import years
from index.store import IndexVersion

_DATED = re.compile(r"\b\d{1,2}(?:\s*[–-]\s*\d{1,2})?\s+[A-Za-z]+\b(?=\s+\d{4})|\b\d{4}\b")
_FIGURE = re.compile(r"(?<![\w#@.,/-])(?:Rp|US\$|S\$|\$|€)?\d[\d.,]*(?![\w/])")
_NAMED = re.compile(r"\b(?:(?:[A-Z][\w.-]*|[Nn]omor|[Nn]umber|[Pp]asal|[Aa]rticle)\s+|ke-|G)\d+\b")


def notices(
    language: str, version: IndexVersion, citations: Sequence[Citation], missing: Sequence[str], differ: Sequence[Citation], more: int
) -> list[Notice]:
    """What the asker should know about these citations. `differ` are those that state other values of one thing."""
    told = []
    if any(citation.language != language for citation in citations):
        told.append(Notice(code="other_language", text=phrase(language, "other_language")))
    if missing:
        quoted = "; ".join(f"“{part}”" for part in missing)
        told.append(Notice(code="partly", text=phrase(language, "partly", parts=quoted)))
    if len(differ) > 1:
        told.append(
            Notice(code="sources_differ", text=phrase(language, "differ", sources="; ".join(_origin(one, language) for one in differ)))
        )
    if more:
        told.append(Notice(code="more", text=phrase(language, "more", count=str(more))))
    dates = [version.document(one.doc_id).as_of for one in citations if ages(one.quote)]
    if known := sorted({date for date in dates if date}):
        told.append(Notice(code="as_of", text=phrase(language, "as_of", date=date_in_words(known[0], language))))
    return told


def ages(sentence: str) -> bool:
    """Whether it states a figure and no year: who reads it cannot see of when it is. Figures of names ("Sesdilu 70") are none."""
    return not years(sentence) and bool(_FIGURE.search(_NAMED.sub(" ", _DATED.sub(" ", sentence))))


def _origin(citation: Citation, language: str) -> str:
    """`[2] The Jakarta Post, 27 January 2022`."""
    works = citation.sources or (None,)
    facts = [f"{work.publisher or work.title}{_comma(date_in_words(work.date, language))}" if work else citation.title for work in works]
    return f"[{citation.number}] {' / '.join(dict.fromkeys(facts))}"


def _comma(text: str) -> str:
    return f", {text}" if text else ""


def near_reason(asked: Question, passage: str, conflict: str | None) -> str:
    """Why `passage`, which came near, does not answer: another year, a name that it lacks, a thing that it does not say."""
    language = asked.language
    there = years(passage)
    if (lacking := sorted(asked.years - there)) and (there or conflict):
        return phrase(language, "other_year", word=", ".join(lacking), other=conflict or ", ".join(sorted(there)[:3]))
    wanted = [*sorted(asked.years), *sorted(asked.names)]
    held = [word for word in wanted if mentions(passage, word)]
    if without := next((word for word in wanted if word not in held), None):
        named = _in_order(asked.text, held)
        return phrase(language, "part", named=named, word=without) if held else phrase(language, "unmatched", word=without)
    if conflict:
        return phrase(language, "conflict", other=conflict)
    if word := unconfirmed(asked.text, passage):
        return phrase(language, "unconfirmed", word=word)
    return phrase(language, "near")


def _in_order(text: str, words: Sequence[str]) -> str:
    """The words as they stand in `text`; with commas where they do not stand together."""
    said, end = "", -1
    for at, word in sorted((text.find(word), word) for word in words):
        said += (" " if text[end:at] == " " and said else ", " if said else "") + word
        end = at + len(word)
    return said
