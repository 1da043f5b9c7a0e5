"""Finds what a question takes for granted and a passage does not say: that something was called off, failed, was closed, banned, …

Only verbs of that kind, in both languages, and only whether the passage has one of the same meaning. What they are said of is not
looked at, so a passage that says "failed" of something else confirms; and a false premise of another kind is not seen here.
"""

import re

_MEANINGS = [
    re.compile(rf"\b(?:{words})\b", re.IGNORECASE)
    for words in (
        r"(?:di|mem|pem|ter)?batal\w*|urung|(?:di|meng|peng)hentikan\w*|penghentian|berhenti|terhenti|(?:di|men|pen)?tutup\w*|penutupan|penutup|(?:di|mem|pem)?bubar\w*"
        r"|(?:di|meng|peng)hapus\w*|(?:di|men|pen)?cabut\w*|ditiadakan|tidak lagi|dilikuidasi|cancel\w*|call(?:ed|ing)? off"
        r"|scrap(?:ped|ping)?|abandon\w*|abolish\w*|abolition|dissol\w*"
        r"|discontinu\w*|shut(?:ting)?[ -]?down|shut|clos(?:e|ed|es|ing|ure)|terminat\w*|disband\w*|stop(?:ped|s|ping)?|halt\w*"
        r"|suspen\w*|revo\w*|no longer|ceas\w*",
        r"gagal\w*|kegagalan|menggagalkan|buntu|ambruk|fail\w*|collaps\w*|broke(?:n)? down|fell through|unsuccessful\w*|ineffective"
        r"|tidak (?:berhasil|mencapai|efektif)|belum (?:berhasil|mencapai)",
        r"(?:di|men|pen)?tolak\w*|(?:me|pe)nolak\w*|reject\w*|refus\w*|declin\w*|turn(?:ed)? down|object\w*|oppos\w*|keberatan",
        r"(?:me)?mundur\w*|mengundurkan|pengunduran|dipecat|pemecatan|diberhentikan|pemberhentian|dicopot|pencopotan|resign\w*|quit"
        r"|fired|dismiss\w*|sack(?:ed)?|step\w* down|oust\w*",
        r"(?:di|meng)?ganti(?:kan|nya|an)?|pengganti\w*|penggantian|berganti|replac\w*|supersed\w*|menarik diri|withdr\w*"
        r"|pull(?:ed)? out|succeed\w*",
        r"(?:di|men)?tunda\w*|penundaan|(?:di)?undur\w*|tertunda|postpon\w*|delay\w*|put off|reschedul\w*",
        r"(?:di|me)?larang\w*|pelarangan|(?:di|mem|pem)?blokir\w*|(?:di|mem|pem)?blok\w*|(?:di|mem|pem)?batasi|pembatasan|dimatikan|mematikan|matiin|ban|bann?(?:ed|s|ing)?|prohibit\w*|forb\w*|block\w*|restrict\w*"
        r"|cut off|shut\w*",
        r"(?:di|me|pe)?(?:retas|bajak)\w*|hack\w*|breach\w*|bocor\w*|kebocoran|leak\w*|compromised|lumpuh|ransomware|serangan|attack\w*",
        r"(?:di|meng)?gugat\w*|dihukum|dipenjara|ditangkap|ditahan|sued|lawsuit|convict\w*|jailed|imprison\w*|arrest\w*|detain\w*|prosecut\w*",
    )
]


def unconfirmed(question: str, passage: str) -> str | None:
    """The word of `question` that says so and has no counterpart in `passage`, in any of its meanings; None where all have one."""
    said: dict[int, tuple[str, list[re.Pattern[str]]]] = {}
    for meaning in _MEANINGS:
        if found := meaning.search(question):
            said.setdefault(found.start(), (found[0], []))[1].append(meaning)
    return next((word for word, meanings in said.values() if not any(meaning.search(passage) for meaning in meanings)), None)
