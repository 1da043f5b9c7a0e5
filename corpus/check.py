"""Validates a corpus: every rule is one function from documents to Findings, and its code names the rule.

    unreadable      a file that could not become a document
    front-matter    a field is missing, unknown, or not written as it must be
    language        the declared language is not the one the text is in
    footnote        a mark without its source, a source without a mark, a sentence without a source
    parity          two articles of one slug differ in sources, or in the numbers and dates beside them
    duplicate       two documents of one language say nearly the same
    dangling        a sentence opens with a pronoun, and says nothing when quoted alone
    copied          a run of words that also stands in a text of `--against DIR`
    instruction     text that speaks to a language model instead of a reader
    invisible       characters that a reader cannot see, or a hidden comment

The rules hold for this project's own articles; a corpus of pasted pages fails some of them and still works.
"""

import datetime
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path, PurePosixPath

from corpus.document import Document, Sentence
from corpus.errors import CorpusMissing
from corpus.language import LANGUAGES, language_odds
from corpus.load import FIELDS, Corpus
from corpus.numbers import numbers
from corpus.split import split_sentences

REQUIRED = ("title", "language", "author", "publisher", "date", "as_of", "license", "sources")
REQUIRED_OF_SOURCE = ("publisher", "date", "language")

RUN_WORDS = 12
"""A run this long in common with another text is no coincidence, names of bodies and treaties aside."""

DUPLICATE_SHARE = 0.4
"""Share of five-word runs in common; two articles on one subject stay far below, a lightly edited copy above."""

_PARTIAL_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2]))?$")
_WORD = re.compile(r"\w+")
_DANGLING = {
    "id": re.compile(
        r"(?:Ia|Dia|Beliau|Mereka|Keduanya|Ini|Itu|Hal (?:ini|itu|tersebut)|Tersebut|Di sana|Di sini|Selain itu|Karena itu"
        r"|Oleh karena itu|Dengan demikian|Sementara itu|Namun|Akan tetapi|\w+ (?:ini|itu|tersebut))\b"
    ),
    "en": re.compile(
        r"(?:It|Its|He|His|She|Her|They|Their|Them|This|That|These|Those(?! who\b| \w+ly\b| present\b)|Such"
        r"|Both(?! .{1,80} and\b)|There it|However|Moreover|Also|In addition|Besides|Therefore|Thus|Meanwhile"
        r"|The (?:latter|former|same|programme|program|event|conference|meeting|document|article)"
        r"(?! (?:on|of|for|by|in|at|between|that|which)\b))\b(?=[ ,'’])"
    ),
}
_INSTRUCTION = re.compile(
    r"\b(?:ignore|disregard|forget|abaikan|lupakan)\b.{0,40}\b(?:instructions?|prompts?|rules|instruksi|perintah|aturan)\b"
    r"|\b(?:system prompt|you are (?:now )?(?:an? )?(?:ai|assistant|chatbot)|as an ai|(?:kamu|anda) adalah (?:asisten|ai))\b"
    r"|<\|?(?:im_start|im_end|system|assistant|user)\|?>|\[/?INST\]|###\s*(?:system|instruction)",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"<!--|display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: the rule, the document (or file) and what to mend."""

    code: str
    where: str
    message: str


def check_corpus(corpus: Corpus, folder: Path, against: Path | None = None) -> list[Finding]:
    """All findings, ordered by rule and document. Raises CorpusMissing where `against` is not there."""
    documents = corpus.documents
    findings = [Finding("unreadable", "", str(failure)) for failure in corpus.failures]
    for rule in (_front_matter, _language, _footnotes, _dangling, _instruction):
        findings += [finding for document in documents for finding in rule(document)]
    findings += [finding for document in documents for finding in _invisible(document, folder)]
    findings += _parity(documents)
    findings += _duplicates(documents)
    if against is not None:
        findings += _copied(documents, against)
    return findings


def _front_matter(document: Document) -> Iterator[Finding]:
    def fault(message: str) -> Finding:
        return Finding("front-matter", document.doc_id, message)

    yield from (fault(f"`{key}` is missing") for key in REQUIRED if not getattr(document, key) or key not in document.meta)
    yield from (fault(f"`{key}` is not a known field") for key in document.meta if key not in FIELDS)
    for name in ("date", "updated", "as_of"):
        if (value := getattr(document, name)) and not _is_date(value):
            yield fault(f"`{name}` is {value!r}, not YYYY-MM-DD")
    for source in document.sources:
        yield from (fault(f"source `{source.key}` has no {key}") for key in REQUIRED_OF_SOURCE if not getattr(source, key))
        if source.date and source.date != "n.d." and not (_PARTIAL_DATE.match(source.date) or _is_date(source.date)):
            yield fault(f"source `{source.key}`: date {source.date!r} is neither YYYY[-MM[-DD]] nor n.d.")
        if source.url and not re.match(r"https?://\S+$", source.url):
            yield fault(f"source `{source.key}`: {source.url!r} is no web address")


def _is_date(value: str) -> bool:
    try:
        return bool(datetime.date.fromisoformat(value))
    except ValueError:
        return False


def _language(document: Document) -> Iterator[Finding]:
    detected, odds = language_odds(document.text)
    if detected != document.language:
        yield Finding("language", document.doc_id, f"declared {document.language}, reads as {detected} ({odds:.2f})")


def _footnotes(document: Document) -> Iterator[Finding]:
    known, used = {source.key for source in document.sources}, {key for note in document.notes for key in note.keys}
    yield from (Finding("footnote", document.doc_id, f"[^{key}] has no source") for key in sorted(used - known))
    yield from (Finding("footnote", document.doc_id, f"source `{key}` is never used") for key in sorted(known - used))
    for sentence in split_sentences(document):
        if not sentence.keys:
            yield Finding("footnote", document.doc_id, f"no source: {_words(document, sentence)}")


def _dangling(document: Document) -> Iterator[Finding]:
    pattern = _DANGLING.get(document.language)
    for sentence in split_sentences(document) if pattern else ():
        if pattern and pattern.match(document.text[sentence.start : sentence.end].lstrip("“\"'‘")):
            yield Finding("dangling", document.doc_id, f"stands on another sentence: {_words(document, sentence)}")


def _instruction(document: Document) -> Iterator[Finding]:
    for match in _INSTRUCTION.finditer(document.text):
        yield Finding("instruction", document.doc_id, f"speaks to a model: {match[0]!r}")


def _invisible(document: Document, folder: Path) -> Iterator[Finding]:
    raw = (folder / document.path).read_text(encoding="utf-8-sig")
    for character in sorted(set(raw)):
        if unicodedata.category(character) in ("Cf", "Co", "Cc") and character not in "\n\r\t":
            yield Finding("invisible", document.doc_id, f"{raw.count(character)} × U+{ord(character):04X}")
    for match in _HIDDEN.finditer(raw):
        yield Finding("invisible", document.doc_id, f"hidden by {match[0]!r}")


def _parity(documents: Iterable[Document]) -> Iterator[Finding]:
    pairs: dict[str, dict[str, Document]] = defaultdict(dict)
    for document in documents:
        path = PurePosixPath(document.path)
        if path.parts[0] == document.language:
            pairs[path.relative_to(document.language).as_posix()][document.language] = document
    for pair in pairs.values():
        for missing in [language for language in LANGUAGES if language not in pair]:
            yield Finding("parity", next(iter(pair.values())).doc_id, f"has no article in {missing!r} beside it")
        if len(pair) == len(LANGUAGES):
            yield from _differences(pair["id"], pair["en"])


def _differences(indonesian: Document, english: Document) -> Iterator[Finding]:
    works, other_works = ({source.key: (source.title, source.date, source.url) for source in one.sources} for one in (indonesian, english))
    for key in sorted(works.keys() & other_works.keys()):
        if works[key] != other_works[key]:
            yield Finding("parity", indonesian.doc_id, f"source `{key}` is another work than in {english.doc_id}")
    ours, theirs = _evidence(indonesian), _evidence(english)
    for mine, other, document, against in ((ours, theirs, indonesian, english), (theirs, ours, english, indonesian)):
        for evidence in mine.keys() - other.keys():
            key, figures = evidence
            said = f"[^{key}] with {', '.join(sorted(figures)) or 'no number'}"
            yield Finding("parity", document.doc_id, f"{said}, not in {against.doc_id}: {_words(document, mine[evidence])}")


def _evidence(document: Document) -> dict[tuple[str, frozenset[str]], Sentence]:
    """(source key, numbers and dates) -> a sentence that joins them."""
    found = {}
    for sentence in split_sentences(document):
        figures = numbers(document.text[sentence.start : sentence.end], document.language)
        found.update({(key, figures): sentence for key in sentence.keys})
    return found


def _duplicates(documents: Iterable[Document]) -> Iterator[Finding]:
    runs = {document: _runs(document.text, 5) for document in documents}
    for one, two in combinations(runs, 2):
        shorter = min(len(runs[one]), len(runs[two]))
        share = len(runs[one] & runs[two]) / shorter if shorter else 0.0
        if one.language == two.language and share > DUPLICATE_SHARE:
            yield Finding("duplicate", one.doc_id, f"shares {share:.0%} of its five-word runs with {two.doc_id}")


def _copied(documents: Iterable[Document], against: Path) -> Iterator[Finding]:
    if not against.exists():
        raise CorpusMissing(f"Nothing to compare with at {against}.")
    files = sorted(path for path in ([against] if against.is_file() else against.rglob("*")) if path.is_file())
    if not files:
        raise CorpusMissing(f"There is no file in {against} to compare with.")
    owners = {run: path.name for path in files for run in _runs(path.read_text("utf-8", errors="replace"), RUN_WORDS)}
    for document in documents:
        titles = {run for source in document.sources for run in _runs(source.title, RUN_WORDS)}
        for run in sorted((_runs(document.text, RUN_WORDS) & owners.keys()) - titles):
            yield Finding("copied", document.doc_id, f"{RUN_WORDS} words as in {owners[run]}: {' '.join(run)}")


def _runs(text: str, length: int) -> set[tuple[str, ...]]:
    words = [word.lower() for word in _WORD.findall(text)]
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


def _words(document: Document, sentence: Sentence) -> str:
    text = document.text[sentence.start : sentence.end]
    return text if len(text) <= 90 else text[:90].rsplit(" ", 1)[0] + " …"
