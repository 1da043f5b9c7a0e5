"""Reads a comparison: its two sides, each with the question that has to be answered of it.

    apa beda RCDD dan ICDD                    -> Apa itu RCDD? / Apa itu ICDD?
    bandingkan jumlah peserta A dengan B      -> Berapa jumlah peserta A? / Berapa jumlah peserta B?
    which came first, A or B                  -> When was A held? / When was B held?
    Sesdilu 70 vs Sesparlu 68 participants    -> Sesdilu 70 participants? / Sesparlu 68 participants?
    did more return in 2020 or in 2021        -> How many return in 2020? / How many return in 2021?

What stands before the first side ("jumlah peserta") is asked of both, and so is what stands after the second from "menurut",
"in terms of" and the like on.
"""

import re
from dataclasses import dataclass

from bot.question import asks, is_content
from corpus.numbers import years

LONGEST = 250
"""Characters; the patterns try every way to part a text, which takes too long of a longer one."""

_CUE = re.compile(r"\s(?:dan|sama|dengan|atau|apa|and|or|with|to|from|vs\.?|versus|(?:di)?banding(?:kan)?|ato|&)\s", re.IGNORECASE)
_FILLERS = re.compile(r"\b(?:sebenernya|sebenarnya|sih|dong|ya|tolong|coba|please|um|eh|can you|could you)\s+", re.IGNORECASE)
_FRAMES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:(?:apa(?:kah)?|bagaimana|gimana|jelaskan|sebutkan)\s+)?(?:saja\s+|sih\s+)?(?:yang\s+)?(?:(?:per)?beda(?:an)?(?:nya)?|membedakan|perbandingan)"
        r"\s+(?P<rest>.+)",
        r"(?:bandingkan|membandingkan|compare|comparison (?:of|between))\s+(?P<rest>.+)",
        r"(?:(?:what(?:'s|’s| is| are| was| were)|explain"
        r"|describe)\s+)?(?:the\s+)?(?:main\s+)?differences?\s+(?:in\s+(?P<head>.+?)\s+)?(?:between|of)\s+(?P<rest>.+)",
        r"how\s+(?:do|does|did|is|are|was|were)\s+(?P<rest>.+?)\s+(?:differ|different|compare)(?P<tail>\s+(?:in|on|as to"
        r"|with regard to)\s+.+)?",
        r"how\s+(?:do|does|did|is|are|was|were)\s+(?P<a>.+?)\s+(?:differ(?:ent)?\s+from|compare\s+(?:to|with))\s+(?P<b>.+?)(?P<tail>\s+in\s+.+)?",
        r"(?:how\s+(?:did|has|have)|bagaimana(?:kah)?)\s+(?P<head>.+?)\s+(?:changed?|grown?|developed?|develop|berubah|berkembang)"
        r"\s+(?:between|from|antara|dari|sejak)\s+(?P<a>.+?)\s+(?:and|to|dan|ke|hingga|sampai)\s+(?P<b>.+)",
        r"(?P<left>.+?)\s+(?:vs\.?|versus|(?:jika |kalau )?dibanding(?:kan)?(?:\s+dengan)?|compared\s+(?:to"
        r"|with))\s+(?P<right>.+?)(?:\s+(?:gimana|bagaimana|apa)\b.*)?",
    )
]
_WHICH = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:yang\s+)?mana(?:kah)?\s+(?:yang\s+)?(?:lebih|paling)\s+(?P<measure>\w+)(?P<aspect>[^,]*?)(?:,\s*(?:antara\s+)?|\s+antara\s+|\s+)"
        r"(?P<a>(?:(?<=, )|(?<=antara )|(?=(?-i:[A-Z@#]))).+?)\s+(?:atau|dan|apa)\s+(?P<b>.+)",
        r"(?:yang\s+)?mana(?:kah)?\s+(?:yang\s+)?(?:lebih|paling)\s+(?P<measure>\w+)(?P<aspect>)\s+(?P<a>\S+(?:\s+\d{4})?)\s+(?:atau|dan|apa)\s+(?P<b>.+)",
        r"lebih\s+(?P<measure>\w+)\s+(?:yang\s+)?mana(?P<aspect>)[,:]?\s+(?:antara\s+)?(?P<a>.+?)\s+(?:atau|dan|apa)\s+(?P<b>.+)",
        r"(?:antara\s+)?(?P<a>.+?)\s+(?:atau|dan|sama)\s+(?P<b>.+?)[,:]?\s+(?:yang\s+)?mana\s+(?:yang\s+)?(?:lebih|paling)\s+(?P<measure>\w+)(?P<aspect>.*)",
        r"(?:antara\s+)?(?P<a>.+?)\s+(?:atau|dan|sama)\s+(?P<b>.+?)[,:]?\s+lebih\s+(?P<measure>\w+)\s+(?:yang\s+)?mana(?P<aspect>)",
        r"(?:which|what|who)(?:\s+(?:one|of the two))?\s+(?:is|was|are|were|came|has|had|have|got|took place|happened"
        r"|started)?\s*(?:the\s+)?"
        r"(?P<measure>first|earlier|later|earliest|older|oldest|newer|more|most|larger|largest|bigger|biggest|higher|fewer|smaller)"
        r"(?P<aspect>[^,:]*)[,:]\s*(?P<a>.+?)\s+or\s+(?P<b>.+)",
    )
]
_ALTERNATIVES = re.compile(r"\s(?:or|atau|ato|apa|vs\.?|versus)\s", re.IGNORECASE)
_BOTH = re.compile(r"\s(?:dan|and|sama|dengan|&)\s", re.IGNORECASE)
_MANA = re.compile(r"\b(?:(?:yang|yg)\s+)?mana(?:kah)?\b(?:\s+(?:yang|yg)\b)?", re.IGNORECASE)
_CUE_TIME = re.compile(
    r"\b(?:(?:lebih\s+)?(?:dulu(?:an)?|dahulu|awal)|first(?=\s*(?:[,:]|$))|earlier|later|sooner)\b",
    re.IGNORECASE,
)
_CUE_AMOUNT = re.compile(
    r"\b(?:(?:(?:lebih|paling)\s+)?(?:banyak|besar|gede|sedikit|kecil)|(?:gede|banyak|besar|dikit|kecil)an|more|fewer|most|larger|bigger|smaller|greater)\b",
    re.IGNORECASE,
)
_CUE_RANK = re.compile(
    r"\b(?:(?:lebih|paling)\s+\w+|tinggian|unggulan|higher|lower|better|worse|ahead|faster|stronger|older|newer)\b", re.IGNORECASE
)
_APA = re.compile(r"(?:\s+itu)?\s+apa(?:\s+(?:saja|aja|sih|ya|dong))*$", re.IGNORECASE)
_OPENER = re.compile(
    r"^(?:which|who|what|did|do|does|has|have|is|are|was|were|apakah)\b(?:\s+(?:one|was|were|is|are|had|has|came|did))?\s*", re.IGNORECASE
)
_TIME = frozenset("dulu duluan dahulu awal lama tua baru cepat first earlier later earliest older oldest newer".split())
_AMOUNT = frozenset("banyak besar sedikit kecil tinggi rendah more most larger largest bigger biggest higher fewer smaller".split())
_AMOUNT_HEAD = re.compile(r"(?:perkiraan )?(?:jumlah|banyaknya|angka|total|besarnya|nilai|number|amount|size)\b", re.IGNORECASE)
_BETWEEN = re.compile(r"(?:^|\s)(?:antara|between)\s+", re.IGNORECASE)
_JOINT = re.compile(r"\s+(dengan|vs\.?|versus|dan|sama|and|with|to)\s+", re.IGNORECASE)
_STRONG = frozenset({"dengan", "vs", "vs.", "versus", "with"})
_SHARED = re.compile(
    r",?\s+(?:menurut|dalam hal|dari (?:segi|sisi)|soal|terkait|in terms of|according to|regarding|when it comes to|in (?:their"
    r"|its))\s+.+$",
    re.IGNORECASE,
)
_PAIR = re.compile(
    r"(?P<head>.+?)\s+(?P<a>(?P<word>[^\W\d]+)\s+(?=[^,?]{0,60}(?-i:[A-Z@#\d]))[^,?]+?)\s+(?:dan|and)\s+(?P<b>(?P=word)\s+(?=[^,?]{0,60}(?-i:[A-Z@#\d]))[^,?]+)",
    re.IGNORECASE,
)
_ONE_THING = re.compile(
    r"\b(?:antara|between|hubungan|kaitan|kerja ?sama|relation\w*|link\w*|cooperation|(?:both|kedua|keduanya))\b|^(?:apakah"
    r"|benarkah|do|does|did|is|are|was|were|has|have)\b",
    re.IGNORECASE,
)
_FIRM = re.compile(r"^[@#(\[“\"]*(?:[A-Z\d]|e-[A-Z])")
_ASPECT = re.compile(
    r"^(?:in terms of|in|on|as to|with regard to|regarding|when it comes to|dalam hal|dari segi|dari sisi|soal"
    r"|terkait)\s+(?:their\s+|its\s+)?",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"^(?:the|an?)\s+", re.IGNORECASE)
_PREPOSITIONS = frozenset("of in by at for on to from during between the".split())
_JOINER = frozenset("of on for the and di untuk bagi".split())


@dataclass(frozen=True, slots=True)
class Side:
    """What is compared, and what is asked of it."""

    name: str
    question: str


@dataclass(frozen=True, slots=True)
class _Sides:
    head: str
    first: str
    second: str
    tail: str = ""


def sides_of(text: str, language: str) -> tuple[Side, Side] | None:
    """The two sides of a comparison, in the order asked; None where the text compares no two things."""
    if len(text) > LONGEST or not _CUE.search(text):
        return None
    bare = _FILLERS.sub("", text.strip(" ?.!")).strip()
    for pattern in _WHICH:
        if found := pattern.fullmatch(bare):
            names = (found["a"].strip(" ,"), found["b"].strip(" ,"))
            one, other = (Side(name, _which(found["measure"].lower(), found["aspect"], name, language)) for name in names)
            return one, other
    if weighed := _weighed(bare, language):
        return weighed
    bare = _APA.sub("", bare)
    for pattern in _FRAMES:
        if (found := pattern.fullmatch(bare)) and (sides := _read(found.groupdict())):
            return _asked(sides, language)
    if (found := _PAIR.fullmatch(bare)) and is_content(found["word"]) | found["word"].isdigit() | (found["word"] == "tahun"):
        second, tail = _without_tail(found["b"])
        if not _ONE_THING.search(found["head"]):
            return _asked(_Sides(found["head"], found["a"], second, tail), language, as_it_stands=True)
    return None


def _weighed(bare: str, language: str) -> tuple[Side, Side] | None:
    """The sides of "more X in A or B", "X, A apa B gedean mana": what is weighed and its measure may stand before or after them."""
    measures = ((_CUE_TIME, "Kapan", "When was"), (_CUE_AMOUNT, "Berapa", "How many"), (_CUE_RANK, "", ""))
    found = next(((cue, words) for cue, *words in measures if cue.search(bare)), None)
    if found is None:
        return None
    cue, words = found
    plain = " ".join(_MANA.sub(" ", cue.sub(" ", bare)).split())
    joints = [*_ALTERNATIVES.finditer(plain)] or [*_BOTH.finditer(plain)] * bool(_MANA.search(bare))
    if not joints:
        return None
    again = (one for one in joints if plain[one.end() :].split()[0].lower() in plain[: one.start()].lower().split())
    joint = next(again, joints[-1])
    clauses = [" ".join(clause.split()) for clause in plain.split(",")]
    joined = f" {joint[0].strip()} "
    at = next((i for i, clause in enumerate(clauses) if joined in clause), None)
    if at is None:
        return None
    left, _, right = clauses[at].partition(joined)
    shared = cue is not _CUE_TIME or right.split()[0].lower() in left.lower().split()
    sides = _shared_out(left, *_without_tail(right)) if shared else _Sides("", left, right)
    others = " ".join(clause for i, clause in enumerate(clauses) if i != at)
    head = _OPENER.sub("", " ".join(f"{others} {sides.head}".split()))
    ask = words[language == "en"]

    def side(said: str) -> Side:
        return Side(_ARTICLE.sub("", said), " ".join(f"{ask} {head} {said} {sides.tail}".split()) + "?")

    return side(sides.first), side(sides.second)


def _read(found: dict[str, str | None]) -> _Sides | None:
    head, tail = (found.get("head") or "").strip(), (found.get("tail") or "").strip()
    if first := found.get("a"):
        second, more = _without_tail(found.get("b") or "")
        return _Sides(head, first.strip(), second, tail or more)
    if left := found.get("left"):
        return _shared_out(left, *_without_tail(found.get("right") or ""))
    rest = found.get("rest") or ""
    if between := _BETWEEN.search(rest):
        head, rest = head or rest[: between.start()].strip(), rest[between.end() :]
        left_right = _at_joint(rest)
        if left_right is None:
            return None
        second, more = _without_tail(left_right[1])
        return _Sides(head, left_right[0], second, tail or more)
    left_right = _at_joint(rest)
    if left_right is None:
        return None
    right, more = _without_tail(left_right[1])
    sides = _shared_out(left_right[0], right, tail or more)
    return _Sides(head or sides.head, sides.first, sides.second, sides.tail)


def _at_joint(rest: str) -> tuple[str, str] | None:
    """What stands on both sides of the word that joins them: of several such words the one whose sides look most alike."""
    joints = list(_JOINT.finditer(rest))
    if not joints:
        return None

    def likeness(joint: re.Match[str]) -> tuple[int, int]:
        left, right = rest[: joint.start()], rest[joint.end() :]
        alike = _shape(left.split()[-1]) == _shape(_without_tail(right)[0].split()[-1])
        again = right.split()[0].lower() in left.lower().split()
        return (joint[1].lower() in _STRONG) + alike + again, -joint.start()

    best = max(joints, key=likeness)
    return rest[: best.start()].strip(), rest[best.end() :].strip()


def _shape(word: str) -> str:
    bare = word.strip('()[]“”",')
    return "number" if bare[:1].isdigit() else "name" if bare[:1].isupper() else "word"


def _without_tail(right: str) -> tuple[str, str]:
    """The side, and what is said after it of both."""
    found = _SHARED.search(right)
    return (right[: found.start()].strip(), found[0].strip(" ,")) if found else (right.strip(), "")


def _shared_out(left: str, right: str, tail: str) -> _Sides:
    """What stands before the first side belongs to both, as does what stands after a second one of names."""
    before, after = left.split(), right.split()
    if not before or not after:
        return _Sides("", left, right, tail)
    opener = after[0].lower()
    again = [i for i, word in enumerate(before) if word.lower() == opener]
    if again:
        at = again[-1]
    elif any(_FIRM.match(word) for word in after):
        at = _run_of_names(before, len(after))
    else:
        at = max(0, len(before) - len(after))
    if at == 0 and not tail and _FIRM.match(after[0]):
        end = next((i for i, word in enumerate(after) if not _FIRM.match(word) and word.lower() not in _JOINER), len(after))
        right, tail = " ".join(after[:end]), " ".join(after[end:])
    return _Sides(" ".join(before[:at]), " ".join(before[at:]), right, tail)


def _run_of_names(words: list[str], length: int) -> int:
    """Where the names at the end of `words` begin; if there are none, `length` words from the end. A bare year is a side of its own."""
    if length == 1 and words[-1].strip("()").isdigit():
        return len(words) - 1
    at = len(words)
    while at > 0 and (_FIRM.match(words[at - 1]) or (at < len(words) and words[at - 1].lower() in _JOINER)):
        at -= 1
    while at < len(words) and words[at].lower() in _JOINER:
        at += 1
    return at if at < len(words) else max(0, len(words) - length)


def _asked(sides: _Sides, language: str, as_it_stands: bool = False) -> tuple[Side, Side]:
    def side(said: str) -> Side:
        name = _ARTICLE.sub("", said)
        if as_it_stands or asks(sides.head):
            question = f"{sides.head} {name} {sides.tail}"
        elif not sides.head and _AMOUNT_HEAD.match(name):
            question = f"{'Berapa' if language == 'id' else 'What was the'} {name} {sides.tail}"
        elif not sides.head and not sides.tail:
            question = f"Apa itu {name}" if language == "id" else f"What is {name}"
        elif not sides.head:
            question = _of(name, sides.tail, language)
        elif language == "id":
            question = f"{'Berapa' if _AMOUNT_HEAD.match(sides.head) else 'Apa'} {sides.head} {name} {sides.tail}"
        else:
            question = f"What was {sides.head} {_preposition(sides.head, name)} {name} {sides.tail}"
        return Side(name, " ".join(question.split()) + "?")

    return side(sides.first), side(sides.second)


def _preposition(head: str, name: str) -> str:
    """What links an aspect and a side in English, unless the question does itself."""
    if head.split()[-1].lower() in _PREPOSITIONS:
        return ""
    return "in" if years(name) else "of"


def _of(name: str, tail: str, language: str) -> str:
    aspect = _ASPECT.sub("", tail)
    if aspect == tail:
        return f"{name} {tail}"
    return f"Apa {aspect} {name}" if language == "id" else f"What is the {aspect} of {name}"


def _which(measure: str, aspect: str, name: str, language: str) -> str:
    """What has to be known of a side before anyone can say which of the two is first, or has more."""
    said = re.sub(r"nya$", "", " ".join(aspect.split()))
    if measure in _TIME:
        return f"Kapan {name} {said or 'diadakan'}?" if language == "id" else f"When was {name} {said or 'held'}?"
    if measure in _AMOUNT and said:
        return f"Berapa {said} {name}?" if language == "id" else f"How many {said} did {name} have?"
    if measure in _AMOUNT:
        return f"Berapa jumlah {name}?" if language == "id" else f"How large was {name}?"
    return f"Seberapa {measure} {said} {name}?" if language == "id" else f"How {measure} {said} is {name}?"
