"""Text in one form, whatever file it came from."""

import hashlib
import unicodedata


def normalise(text: str) -> str:
    """NFC, one kind of line end, and no control or invisible characters."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = text.replace("\N{NO-BREAK SPACE}", " ").replace("\t", " ")
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))


def text_hash(text: str) -> str:
    """Twelve hexadecimal digits that stand for `text`."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
