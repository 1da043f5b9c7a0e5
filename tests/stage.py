"""A corpus about to be built, again and again from the same start: for tests that let something fail meanwhile."""

import shutil
from pathlib import Path

from bot import Publication, publish
from corpus.errors import IndexMissing
from index import HashEmbedder, open_index, verify
from tests.kill import make_bot

TEXTS = {"old": "The moon has no air. It is old.", "live": "The moon has no air. It is live.", "new": "The moon has no air. It is new."}


class Stage:
    """A corpus about to be built; `before` is the index to start from: with two versions, or none."""

    def __init__(self, folder: Path, first: bool) -> None:
        self.folder, self.before, self.index = folder, folder / "before", folder / "index"
        for text in () if first else ("old", "live"):
            self.publish(text, self.before)
        self.before.mkdir(exist_ok=True)
        self.states: set[str | None] = {None} if first else {"live"}
        self.tried = 0

    def publish(self, text: str, index: Path | None = None) -> None:
        (self.folder / "corpus" / "en").mkdir(parents=True, exist_ok=True)
        (self.folder / "corpus" / "en" / "moon.md").write_text(TEXTS[text])
        golden = self.folder / "golden.jsonl"
        golden.write_text('{"question": "the moon has no air", "language": "en", "quote": "no air"}')
        where = Publication(source=self.folder / "corpus", index_dir=index or self.index, golden=golden, keep=0)
        publish(where, HashEmbedder(), make_bot)

    def reset(self) -> None:
        shutil.rmtree(self.index, ignore_errors=True)
        shutil.copytree(self.before, self.index)

    def state(self) -> str | None:
        """Which text answers; None where there is no index yet. Fails where there is anything but a whole version."""
        try:
            version = open_index(self.index)
        except IndexMissing:
            return None
        assert verify(self.index) == []
        return version.document("en.moon").text.removesuffix(".").split()[-1]
