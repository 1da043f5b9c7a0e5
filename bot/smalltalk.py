"""Greetings, thanks, farewells, and questions about the bot itself: what they are answered with, and what of them is no question.

Only a text that is nothing else is small talk. Where a question follows a greeting, the greeting is dropped and the question asked.
"""

import re
from dataclasses import dataclass

from bot.phrases import phrase

_GREETINGS = {
    "id": r"hal+o+|hai+|hei|hey|(?:pagi|siang|sore|malam)(?! ?(?:ini|itu|hari))|selamat (?:pagi|siang|sore|malam|datang)"
    r"|ass?alam+u?[ '’]?alaikum(?: w[ar. ]*w?[ab. ]*)?|permisi"
    r"|apa kabar|salam(?: kenal)?|punten|om swastiastu|shalom",
    "en": r"hi+|hello+|hey|hiya|greetings|good (?:morning|afternoon|evening|day)|how are you(?: doing)?(?: today)?|howdy",
}
_TALK = {
    "greeting": _GREETINGS,
    "thanks": {
        "id": r"(?:ok(?:e|ay)?,? )?(?:(?:te)?rima ?kasih|mak(?:a)?sih|trims|tq|thx|nuhun|hatur nuhun)(?: banyak| ya| yah?| sekali"
        r"| atas \w+(?: \w+)?)*(?: min| kak)?"
        r"|(?:oke?|baik|sip|mantap|siap)(?: deh| lah|lah)?(?:,? (?:te)?rima ?kasih|,? mak(?:a)?sih)?",
        "en": r"(?:ok(?:ay)?,? )?(?:many )?(?:thanks|thank you|thx|ty|cheers)(?: a lot| so much| very much| again"
        r"| for [\w ]{1,30})*|(?:ok(?:ay)?|great|nice|got it|perfect)",
    },
    "farewell": {
        "id": r"dadah?|sampai (?:jumpa|nanti|bertemu lagi)|selamat tinggal",
        "en": r"(?:good ?)?bye(?: bye)?|see you(?: later| soon)?|good night",
    },
    "ability": {
        "id": r"(?:kamu|anda|lo|lu|kau|bot ini|chatbot ini|ini) (?:itu )?(?:bisa|dapat|mampu) (?:apa|ngapain)(?: (?:saja|aja|sih))*"
        r"|bisa apa(?: (?:saja|aja|sih|kamu|anda))*"
        r"|apa(?: (?:saja|aja))? (?:yang )?(?:bisa|dapat|mampu) (?:kamu|anda|kau|bot ini) (?:lakukan|bantu|jawab|kerjakan)"
        r"|(?:kamu|anda) (?:bisa|dapat) (?:bantu|membantu|menjawab)(?: saya| aku)?(?: apa(?: (?:saja|aja))?)?"
        r"|(?:tolong )?bantu(?:an|in|lah)?(?: (?:saya|aku|dong))*|(?:bagaimana )?cara (?:pakai|memakai|menggunakan|kerja)(?:nya"
        r"| bot ini| kamu)?|(?:bagaimana|gimana) cara kerja(?:mu| kamu)"
        r"|(?:saya )?(?:boleh|bisa) (?:tanya|bertanya)(?: apa(?: (?:saja|aja))?)?|tanya apa (?:saja|aja)",
        "en": r"what (?:can|do|could) you (?:do|help (?:me )?with|answer|know)(?: for me)?|(?:please )?help(?: me)?(?: please)?"
        r"|how (?:do|does) (?:you|this|it) work"
        r"|what can i ask(?: you)?|(?:can|could) you help(?: me)?(?: with something)?|can i ask (?:you )?(?:a question|something)"
        r"|how do i use (?:this|you|it)",
    },
    "identity": {
        "id": r"(?:(?:kamu|anda|kau|lo|lu)(?: (?:ini|itu))? (?:siapa|apa)|siapa (?:kamu|anda|kau|dirimu|ini|nama ?mu|nama (?:kamu"
        r"|anda))|nama ?mu siapa|kamu namanya siapa)(?: (?:sih|ya|sebenarnya))*"
        r"|(?:apakah )?(?:kamu|anda) (?:ini )?(?:manusia|robot|bot|ai|orang|mesin|chatgpt)(?: atau (?:manusia|robot|bot|ai|orang"
        r"|mesin))?(?: ya| kah)?"
        r"|(?:siapa yang )?(?:membuat|bikin|mengembangkan) (?:kamu|anda)|(?:kamu|anda) (?:dibuat|dikembangkan)(?: oleh)? siapa",
        "en": r"who (?:are|r) (?:you|u)|what(?: exactly)? are you|what(?:'s|’s| is) your name|are you (?:a |an )?(?:human|robot|bot"
        r"|ai|person|machine|chatbot|chatgpt|real)(?: or (?:a |an )?\w+)?"
        r"|who (?:made|built|created|developed) you|(?:please )?introduce yourself|tell me about yourself",
    },
}
_PATTERNS = [(kind, language, re.compile(words, re.IGNORECASE)) for kind, both in _TALK.items() for language, words in both.items()]
_TO = (
    r"(?:[,.!~ ]+(?:tanya ?diplomasi|kak|min|admin|bot|gan|bang|pak|bu|mas|mbak|semua(?:nya)?|there|all|everyone|bro|ya|dong|sir"
    r"|madam|team|tim))*"
)
_ADDRESSED = re.compile(rf"{_TO}$", re.IGNORECASE)
_OPENER = re.compile(
    rf"^(?:(?:{'|'.join(_GREETINGS.values())}|terima ?kasih|makasih|thanks|thank you){_TO}\s*[,.!~:)\-–—]*\s+)+(?:(?:saya"
    rf"|aku) (?:mau|ingin) (?:tanya|bertanya)[,:.]?\s+)?",
    re.IGNORECASE,
)
_MOST_WORDS = 12
"""More words are no small talk."""


@dataclass(frozen=True, slots=True)
class Talk:
    """`kind` is one of greeting, thanks, farewell, ability and identity; `language` that of the words."""

    kind: str
    language: str

    def reply(self, language: str | None = None) -> str:
        """What is said to it, in `language` or in its own."""
        return phrase(language or self.language, f"talk_{self.kind}")


def small_talk(text: str) -> Talk | None:
    """What `text` is where it is nothing but small talk ("Halo, kamu bisa apa?" is what follows the greeting)."""
    if len(text.split()) > _MOST_WORDS:
        return None
    found = None
    for part in _parts(text):
        talk = _talk(part)
        if talk is None:
            return None
        found = talk if found is None or found.kind == "greeting" else found
    return found


def without_greeting(text: str) -> str:
    """`text` from where its question begins; unchanged where nothing would be left."""
    rest = _OPENER.sub("", text, count=1).strip()
    return rest if re.search(r"\w", rest) else text


def _parts(text: str) -> list[str]:
    """What the marks part; where a greeting runs into the rest without one, it is parted as well."""
    parts = [part.strip() for part in re.split(r"[.!?,;:~…]+|\s[-–—]\s", text)]
    found = []
    for part in parts:
        bare = _plain(part)
        if not bare:
            continue
        rest = without_greeting(bare)
        found += [bare] if rest == bare or _talk(bare) else [bare[: -len(rest)].strip(), rest]
    return found


def _talk(part: str) -> Talk | None:
    bare = _ADDRESSED.sub("", part).strip()
    if not bare:
        return Talk("greeting", "id") if re.fullmatch(r"(?i)tanya ?diplomasi|bot|min|kak", part.strip()) else None
    return next((Talk(kind, language) for kind, language, pattern in _PATTERNS if pattern.fullmatch(bare)), None)


def _plain(text: str) -> str:
    """Without marks at the edges and pictures."""
    return re.sub(r"[^\w\s'’/-]", "", text).strip(" -–—'’")
