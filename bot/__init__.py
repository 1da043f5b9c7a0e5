"""A question and its conversation to an Answer whose every sentence is quoted, or a refusal."""

from bot.answer import Answer, Citation, NearPassage
from bot.bot import Bot, corpus_folder, index_folder, open_bot, open_embedder, rebuild
from bot.cite import MARK
from bot.config import Config, read_config
from bot.converse import Turn

__all__ = [
    "MARK",
    "Answer",
    "Bot",
    "Citation",
    "Config",
    "NearPassage",
    "Turn",
    "corpus_folder",
    "index_folder",
    "open_bot",
    "open_embedder",
    "read_config",
    "rebuild",
]
