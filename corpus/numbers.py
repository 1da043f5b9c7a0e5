"""Numbers and dates of a sentence in one form, so that two languages or two wordings can be compared.

`4.300` in Indonesian and `4,300` in English are both "4300"; `34,9` and `34.9` are "34.9"; a month beside a digit is
"month:9" in either language. Numbers written as words are not seen.
"""

import re

from corpus.clean import MONTHS

_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*")
_MONTH_NAME = "|".join(sorted(MONTHS, key=len, reverse=True))
_MONTH = re.compile(rf"(?:\d{{1,2}}\s+)?\b({_MONTH_NAME})\b(?:\s+\d{{1,2}},?)?(?:\s+\d{{4}})?", re.IGNORECASE)
_YEAR = re.compile(r"(?<![\w.,])(?:1[5-9]|20)\d\d(?!\w|[.,]\d)")
_GROUPED = {"id": re.compile(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?$"), "en": re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?$")}


def numbers(text: str, language: str) -> frozenset[str]:
    """The numbers and months of `text`, read as `language` writes them."""
    found = {_plain(match[0], language) for match in _NUMBER.finditer(text)}
    months = {MONTHS[match[1].lower()] for match in _MONTH.finditer(text) if re.search(r"\d", match[0])}
    return frozenset(found | {f"month:{month}" for month in months})


def years(text: str) -> frozenset[str]:
    """The years that `text` names, 1500 to 2099, in digits."""
    return frozenset(_YEAR.findall(text))


def _plain(number: str, language: str) -> str:
    group, point = (".", ",") if language == "id" else (",", ".")
    if _GROUPED["id" if language == "id" else "en"].fullmatch(number):
        number = number.replace(group, "")
    return number.replace(point, ".").lstrip("0") or "0"
