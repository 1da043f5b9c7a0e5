"""Which sentences of a reading are said, by what the question asks for: a definition, a list, a cause, or a value on which sources differ.

It adds to what `bot.read` chose, or puts another sentence first; it never weakens the decision whether to answer. All that it chooses
from stands in the passages found: `Reading.found`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.question import Question
from bot.read import NEAR, Candidate, Reading, stems
from corpus.document import Document
from corpus.numbers import numbers, years
from index.store import IndexVersion

DEFINED_WITHIN = 12.0
"""How far below the best sentence one may score that defines the very subject of "what is": it is the answer by its form."""

LONGER = 5
"""Words that a definition's subject may have beside those asked for: more of them are another thing."""

ALIKE = 0.35
"""Share of the best sentence's words, figures aside, that one with another value has too: less is about something else."""

CAUSE_WITHIN = 2 * NEAR

ITEM_MARGIN = -8.0
"""Of a list that a paragraph tells, the least of the reader's margin for an item: of 45 lists to tune on .733 are right with it, .711
with -5, and .820 of all cited sentences are expected ones, .829 with -5."""

_WHAT = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:tolong |coba )?(?:jelaskan |sebutkan )?apa(?:kah)? (?:yang dimaksud (?:dengan|oleh)|(?:sih )?itu|(?:arti|definisi"
        r"|pengertian|makna)(?: dari)?|maksud(?:nya| dari)?)\s+(?P<of>.+)",
        r"(?:apa(?: itu)? )?(?:definisi|pengertian|arti)(?: dari)?\s+(?P<of>.+)",
        r"(?P<of>.+?)\s+(?:itu|tuh|adalah)\s+(?:apa(?:kah|an)?)(?:\s+(?:sih|ya|dong|sebenernya|sebenarnya))*",
        r"(?:(?:um|so|and)\s+)*what(?:'s|’s| exactly is| is| are| was| were)(?: exactly)?(?: meant by| the (?:definition"
        r"|meaning) of)?\s+(?P<of>.+)",
        r"what does\s+(?P<of>.+?)\s+(?:mean|stand for|refer to)",
        r"(?:please )?define\s+(?P<of>.+)",
    )
]
_DEFINES = re.compile(
    r"\s(?:adalah|ialah|merupakan|berarti|(?:didefinisikan|diartikan|dimaknai) sebagai|(?:mengacu|merujuk) (?:pada|kepada)|mencakup"
    r"|meliputi|is|are|was|were|means|refers to|stands for|consists? of)\s"
)
_LINK = re.compile(r"\s(?:milik|dalam|di|pada|oleh|yang|menurut|during|in|by|that|which|according)\s", re.IGNORECASE)
"""What follows these says more about a subject, and may be missing where it is defined."""

_ASIDE = re.compile(r"\(([^)]*)\)")
_RELATIVE = re.compile(r"\b(?:yang|which|that|who)$", re.IGNORECASE)
"""What follows says something of the last words, not of the subject."""

_WHY = re.compile(
    r"\b(?:mengapa|kenapa|knp|why|how come|for what reason|apa (?:alasan|sebab|penyebab|reason)\w*|alasan(?:nya)?|penyebab(?:nya)?)\b",
    re.IGNORECASE,
)
_CAUSE = re.compile(
    r"\b(?:karena|sebab|lantaran|akibat|alasan\w*|agar|supaya|guna|untuk|demi|disebabkan|dipicu|sehingga|because|since|due to"
    r"|owing to|in order to|so that|to|reason\w*"
    r"|as a result|explained|caused|prompted|after)\b",
    re.IGNORECASE,
)
_COUNT = re.compile(r"\b(?:[2-9]|1\d|20)\s(?!persen|per cent|juta|miliar|million|billion|tahun|years|hari|days)[a-z]{3,}")
_NAMES_THEM = re.compile(r"\b(?:yaitu|yakni|antara lain|namely|such as)\b|:", re.IGNORECASE)
_VALUE = re.compile(
    r"\b(?:berapa|jumlah|kapan|angka|tanggal|how (?:many|much|large|big|long)|number|when|(?:what|which) (?:date|day|year|figure)"
    r"|agree|sepakat|berbeda|beda|differ\w*)\b",
    re.IGNORECASE,
)
_SAYS = re.compile(
    r"\b(?:menurut|laporan|menyebut\w*|menulis|mencatat|melaporkan|memuat|berbeda|selisih|according to|report\w*|wrote|writes|gave"
    r"|gives|put|puts|quot\w+|counted|named|says?"
    r"|said|differ\w*|listed?|whereas|sedangkan)\b",
    re.IGNORECASE,
)
_OFFICIAL = re.compile(
    r"kementerian|kemlu|kemen|ministry|government|pemerintah|sekretariat|secretariat|kedutaan|embassy|konsulat|badan |bps\b|bssn"
    r"|\.go\.id|\.gov|\.int\b|united nations",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Choice:
    """Sentences to say, in order. `best` are rows whose exact answer is marked; `differ`, rows that state other values of one thing;
    `more`, items of a list that found no room."""

    candidates: tuple[Candidate, ...]
    best: frozenset[int]
    differ: tuple[int, ...] = ()
    more: int = 0


def choose(question: Question, reading: Reading, version: IndexVersion, most: int) -> Choice:
    """What is said of a reading that answers; at most `most` sentences, in reading order where nothing else is asked for."""
    best = reading.chosen[0]
    first = best.chunk.doc_id
    chosen = reading.chosen
    if is_definition(question, best, version):
        chosen = (best, *sorted(chosen[1:], key=lambda one: (one.chunk.doc_id != first, one.row)))
        return Choice(chosen, frozenset({best.row}))
    if others := other_values(question, reading, version):
        said = by_authority((best, *others), version)[:most]
        return Choice(said, frozenset({best.row}), tuple(one.row for one in said))
    more = 0
    if question.kind == "list":
        chosen, more = with_items(reading, version, most)
    elif _WHY.search(question.text):
        chosen = with_cause(reading, version)
    return Choice(tuple(sorted(chosen, key=lambda one: (one.chunk.doc_id != first, one.row))), frozenset({best.row}), more=more)


# --- definitions


def defined_first(question: Question, reading: Reading, version: IndexVersion) -> Reading:
    """Where "what is X" is asked, the sentence that begins with X and says what it is, before all others; else the reading as it is.

    A sentence of that form answers whatever the reader thinks of it, unless it is of another year or lacks a name of the question.
    """
    if not reading.chosen or not subject_of(question.text):
        return reading
    best = reading.chosen[0]
    defining = [
        one
        for one in reading.found
        if one.score >= best.score - DEFINED_WITHIN and not one.conflict and is_definition(question, one, version)
    ]
    if not defining:
        return reading
    first = max(defining, key=lambda one: (_names_all(question, one, version), _opens(one, version), one.score))
    rest = [one for one in reading.chosen if one.row != first.row and one.chunk.doc_id == first.chunk.doc_id]
    chosen = (first, *rest[:1])
    if not _names_all(question, first, version):
        return replace(reading, chosen=chosen)
    return replace(reading, chosen=chosen, probability=max(reading.probability, reading.threshold), conflict=None)


def subject_of(text: str) -> str | None:
    """What a question asks the definition of."""
    bare = text.strip(" ?.!")
    found = next((match for pattern in _WHAT if (match := pattern.fullmatch(bare))), None)
    return found["of"].strip() if found else None


def is_definition(question: Question, candidate: Candidate, version: IndexVersion) -> bool:
    """Whether the sentence begins with the subject asked for ("e-Residency" of "e-Residency milik Estonia"), and says what it is."""
    subject = subject_of(question.text)
    return subject is not None and _begins_with(_LINK.split(subject)[0], candidate, version)


def _names_all(question: Question, candidate: Candidate, version: IndexVersion) -> bool:
    """Whether it begins with all of the subject."""
    return _begins_with(subject_of(question.text) or "", candidate, version)


def _begins_with(subject: str, candidate: Candidate, version: IndexVersion) -> bool:
    """Whether what stands before the verb that defines is `subject`, or its full form with it in brackets."""
    text = text_of(candidate, version)
    verb = _DEFINES.search(text)
    if verb is None:
        return False
    language = version.language_of(candidate.chunk)
    before = text[: verb.start()]
    if _RELATIVE.search(before):
        return False
    asked, bare = stems(subject, language), stems(_ASIDE.sub(" ", before), language)
    asides = [stems(one, language) for one in _ASIDE.findall(before)]
    return bool(asked) and (asked in asides or (asked <= stems(before, language) and len(bare - asked) < LONGER))


def _opens(candidate: Candidate, version: IndexVersion) -> bool:
    """Whether it is the first sentence of its document: an article's first paragraph says what its subject is."""
    before = candidate.row - 1
    return before < 0 or version.sentences[before].doc_id != candidate.chunk.doc_id


# --- lists


def with_items(reading: Reading, version: IndexVersion, most: int) -> tuple[tuple[Candidate, ...], int]:
    """Where the best sentence is an item of a list, or leads one in, all its items that were read; and how many found no room."""
    best = reading.chosen[0]
    document = version.document(best.chunk.doc_id)
    run = _items(document, version.sentences[best.row].start)
    if not run:
        return (_counted(reading, version) or _beside(reading))[:most], 0
    first, last = run
    ordered = _between(reading, document.doc_id, first, last, version)
    return (tuple(ordered[:most]), max(0, len(ordered) - most)) if len(ordered) > 1 else (reading.chosen, 0)


def _counted(reading: Reading, version: IndexVersion) -> tuple[Candidate, ...]:
    """Where the best sentence says how many there are and not which, it and what follows it in its paragraph; else nothing."""
    best = reading.chosen[0]
    text = text_of(best, version)
    if not _COUNT.search(text) or _NAMES_THEM.search(text):
        return ()
    document, start = version.document(best.chunk.doc_id), version.sentences[best.row].start
    end = next((block.end for block in document.blocks if block.start <= start < block.end), start)
    return tuple(_between(reading, document.doc_id, start, end, version))


def _beside(reading: Reading) -> tuple[Candidate, ...]:
    """What was chosen, and what else of the best sentence's passage the reader takes for an answer, or nearly."""
    best, chosen = reading.chosen[0], {one.row for one in reading.chosen}
    here = (one for one in reading.found if one.chunk.chunk_id == best.chunk.chunk_id and one.row not in chosen and not one.conflict)
    return (*reading.chosen, *(one for one in here if one.margin >= ITEM_MARGIN))


def _between(reading: Reading, doc_id: str, start: int, end: int, version: IndexVersion) -> list[Candidate]:
    """The sentences read that begin there, in reading order, less those that name another year."""
    inside = {
        one.row: one for one in reading.found
        if one.chunk.doc_id == doc_id and start <= version.sentences[one.row].start < end and not one.conflict
    }  # fmt: skip
    return [inside[row] for row in sorted(inside)]


def _items(document: Document, start: int) -> tuple[int, int] | None:
    """The characters from the sentence that leads in to the end of the last item, around or after `start`."""
    blocks = document.blocks
    at = next((i for i, block in enumerate(blocks) if block.start <= start < block.end), None)
    if at is None:
        return None
    leads = blocks[at].kind == "paragraph" and at + 1 < len(blocks) and blocks[at + 1].kind == "item"
    if blocks[at].kind != "item" and not leads:
        return None
    first = at
    while first > 0 and blocks[first].kind == "item" and blocks[first - 1].kind == "item":
        first -= 1
    last = at + leads
    while last + 1 < len(blocks) and blocks[last + 1].kind == "item":
        last += 1
    return (start if leads else blocks[first].start), blocks[last].end


# --- causes


def with_cause(reading: Reading, version: IndexVersion) -> tuple[Candidate, ...]:
    """Effect and cause: where the best sentence names no cause, the best one of its passage that does stands beside it."""
    best = reading.chosen[0]
    if _CAUSE.search(text_of(best, version)):
        return reading.chosen
    beside = (one for one in reading.found if one.chunk.chunk_id == best.chunk.chunk_id and one.row != best.row and not one.conflict)
    cause = next((one for one in beside if one.score >= best.score - CAUSE_WITHIN and _CAUSE.search(text_of(one, version))), None)
    return (best, cause) if cause else reading.chosen


# --- conflicts


def other_values(question: Question, reading: Reading, version: IndexVersion) -> tuple[Candidate, ...]:
    """Sentences of the best one's document that give another value of what was asked, and say whose it is."""
    best = reading.chosen[0]
    if not _VALUE.search(question.text):
        return ()
    found = []
    for one in reading.found:
        near = one.row != best.row and one.chunk.doc_id == best.chunk.doc_id and not one.conflict and one.score >= best.score - 2 * NEAR
        if near and _differs(question, best, one, version):
            found.append(one)
    return tuple(found[:2])


def _differs(question: Question, best: Candidate, other: Candidate, version: IndexVersion) -> bool:
    language = version.language_of(best.chunk)
    one, two = text_of(best, version), text_of(other, version)
    if not (_SAYS.search(one) or _SAYS.search(two)) or not _SAYS.search(two):
        return False
    known = numbers(question.text, question.language)
    mine, theirs = numbers(one, language), numbers(two, language)
    when = years(one) & years(two)
    if not (mine - theirs - known - when) or not (theirs - mine - known - when):
        return False
    words, shared = _bare(one, language), _bare(two, language)
    asked = _bare(question.text, language)
    return len(words & shared) >= ALIKE * min(len(words), len(shared)) and len(asked & shared) >= len(asked & words) - 1


def _bare(text: str, language: str) -> set[str]:
    return {stem for stem in stems(text, language) if not stem.isdigit()}


def by_authority(candidates: Sequence[Candidate], version: IndexVersion) -> tuple[Candidate, ...]:
    """The more official first, then the newer; else as they were."""

    def rank(candidate: Candidate) -> tuple[bool, int]:
        works = version.document(candidate.chunk.doc_id).sources
        cited = [work for work in works if work.key in version.sentences[candidate.row].keys]
        official = any(_OFFICIAL.search(f"{work.publisher or ''} {work.url or ''}") for work in cited)
        newest = max((work.date or "" for work in cited if work.date != "n.d."), default="")
        return not official, -int((newest.replace("-", "") + "00000000")[:8])

    return tuple(sorted(candidates, key=rank))


def text_of(candidate: Candidate, version: IndexVersion) -> str:
    """The sentence itself."""
    sentence = version.sentences[candidate.row]
    return version.documents[sentence.doc_id].text[sentence.start : sentence.end]
