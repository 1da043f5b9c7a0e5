"""A question and its conversation to an Answer whose every sentence is quoted, or a refusal."""

from bot.answer import Answer, Citation, NearPassage
from bot.assemble import corpus_folder, index_folder, open_bot, open_models, publication, rebuild
from bot.bot import Bot
from bot.cite import MARK
from bot.config import Config, read_config
from bot.converse import Turn
from bot.embeds import Embed, read_origin
from bot.live import LiveBot
from bot.publish import Publication, Report, publish
from bot.reader import Reader, SpanReader, WordReader
from bot.watch import watch_corpus

__all__ = [
    "MARK",
    "Answer",
    "Bot",
    "Citation",
    "Config",
    "Embed",
    "LiveBot",
    "NearPassage",
    "Publication",
    "Reader",
    "Report",
    "SpanReader",
    "Turn",
    "WordReader",
    "corpus_folder",
    "index_folder",
    "open_bot",
    "open_models",
    "publication",
    "publish",
    "read_config",
    "read_origin",
    "rebuild",
    "watch_corpus",
]
