"""Which of the two languages a text is in."""

from functools import lru_cache

from py3langid.langid import LanguageIdentifier

LANGUAGES = ("id", "en")


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file("data/model.npz.xz", norm_probs=True)
    identifier.set_languages(list(LANGUAGES))
    return identifier


def detect_language(text: str) -> str:
    """`id` or `en`, whichever is more likely for `text`."""
    return language_odds(text)[0]


def language_odds(text: str) -> tuple[str, float]:
    """The likelier language and its probability, 0.5 to 1."""
    language, probability = _identifier().classify(text)
    return str(language), float(probability)
