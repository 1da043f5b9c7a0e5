"""A question and its conversation to an Answer whose every sentence is quoted, or a refusal."""

from bot.answer import Answer, Citation, NearPassage
from bot.bot import Bot, corpus_folder, index_folder, open_bot, open_embedder, open_reader, rebuild
from bot.cite import MARK
from bot.config import Config, read_config
from bot.converse import Turn
from bot.embeds import Embed, read_origin
from bot.reader import Reader, SpanReader, WordReader

__all__ = [
    "MARK",
    "Answer",
    "Bot",
    "Citation",
    "Config",
    "Embed",
    "NearPassage",
    "Reader",
    "SpanReader",
    "Turn",
    "WordReader",
    "corpus_folder",
    "index_folder",
    "open_bot",
    "open_embedder",
    "open_reader",
    "read_config",
    "read_origin",
    "rebuild",
]
