"""Builds whenever the corpus has changed on disk and has come to rest."""

import threading
from collections.abc import Callable

from bot.assemble import corpus_folder, rebuild
from bot.config import Config
from bot.publish import Report, Watch
from bot.reader import Reader
from corpus.errors import CorpusError, TanyaError
from corpus.load import corpus_fingerprint
from index.embed import Embedder

LOOK = 1.0
"""Seconds between two looks at the corpus: names, sizes and times of its files. Two equal looks mean that it is at rest."""

AGAIN = 60.0
"""Seconds after which a build is tried again that something else than the texts stood in the way of: the disk, another build, a
mistake in the golden questions."""


def watch_corpus(
    config: Config,
    embedder: Embedder,
    reader: Reader,
    tell: Callable[[Report | TanyaError | OSError], None],
    ended: threading.Event,
    watch: Watch | None = None,
) -> None:
    """Build once at the start, then after each change, until `ended`; `tell` gets every report, and what went wrong."""
    folder, built, last = corpus_folder(config), "", ""
    while not ended.wait(LOOK):
        now = corpus_fingerprint(folder)
        at_rest, last = now == last, now
        if now == built or not at_rest:
            continue
        built = now
        try:
            tell(rebuild(config, embedder, reader, watch, wait=True))
        except CorpusError as error:  # the next change may mend it
            tell(error)
        except (TanyaError, OSError) as error:
            tell(error)
            built = ""
            ended.wait(AGAIN)
