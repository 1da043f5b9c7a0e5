"""The bot of a running server: it takes up a new index version by itself, and drops the old one when its last answer ends.
What follows a build, where nobody has done it (the first start builds, and answers at once), it does (`bot.assemble.follow_up`).

Whoever answers asks for the bot once and keeps it until the answer is complete; so no answer mixes two versions. The old
version's memory, files and lease go with the last reference to it.
"""

import contextlib
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bot.assemble import follow_up, open_store
from bot.bot import Bot
from bot.suggest import KEPT, read_suggestions
from corpus.errors import SearchIndexError
from index.retrieve import Retriever
from index.store import CURRENT, open_index, read_current

LOG = logging.getLogger("tanya")

LOOK = 1.0
"""Seconds between two looks at which version is live: one `stat`. A new one answers within this and its loading time."""

AGAIN = 10
"""Looks after which a version that could not be opened is tried again, though nothing said that it changed."""


class LiveBot:
    """Calling it gives the bot that answers now."""

    def __init__(self, bot: Bot, index_dir: Path) -> None:
        """Begins with `bot`, which answers from the index in `index_dir`; it looks for new versions once started."""
        self._bot, self._index_dir = bot, index_dir
        self._seen: tuple[int, ...] | None = None
        self._failed = 0
        self._ended = threading.Event()
        self._looking = threading.Lock()

    def __call__(self) -> Bot:
        """The bot that answers now: to be asked for once an answer."""
        return self._bot

    def start(self) -> Callable[[], None]:
        """Look for new versions until the function that is returned is called."""
        threads = [threading.Thread(target=work, name="index", daemon=True) for work in (self._watch, self._follow_up)]
        for thread in threads:
            thread.start()

        def stop() -> None:
            self._ended.set()
            for thread in threads:
                thread.join()

        return stop

    def look(self) -> None:
        """Take up the live version if it is another one; where it cannot be opened, the one at hand goes on answering."""
        with self._looking:
            mark = _mark(self._index_dir)
            retry = self._failed and self._failed % AGAIN == 0
            self._failed += bool(self._failed)
            if mark == self._seen and not retry:
                return
            old = self._bot
            try:
                if mark != self._seen and read_current(self._index_dir).name == old.version.manifest.version:
                    self._bot = replace(old, suggestions=read_suggestions(self._index_dir).of(old.version))
                    self._seen, self._failed = mark, 0
                    return
                version = open_index(self._index_dir, old.retriever.embedder.identity, open_store(old.config))
            except (SearchIndexError, OSError) as error:
                if mark != self._seen:
                    LOG.warning("A new index version cannot be taken up, the old one goes on answering: %s", error)
                self._failed = 1
            else:
                self._failed = 0
                if version.manifest.version != old.version.manifest.version:
                    suggestions = read_suggestions(self._index_dir).of(version)
                    self._bot = Bot(Retriever(version, old.retriever.embedder), old.reader, old.config, suggestions)
            self._seen = mark

    def _follow_up(self) -> None:
        bot = self._bot
        follow_up(bot, self._index_dir, ended=lambda: self._ended.is_set() or self._bot.version is not bot.version)

    def _watch(self) -> None:
        while not self._ended.wait(LOOK):
            self.look()


def _mark(index_dir: Path) -> tuple[int, ...]:
    """Differs whenever another version was made live, or other questions are suggested."""
    marks: tuple[int, ...] = ()
    for name in (CURRENT, KEPT):
        with contextlib.suppress(OSError):
            status = (index_dir / name).stat()
            marks += status.st_ino, status.st_mtime_ns, status.st_ctime_ns
    return marks
