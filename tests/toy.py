"""A toy server, or `tanya mcp` with a toy bot, in a process of its own: `python -m tests.toy serve|mcp FOLDER SECONDS`, its looks taking
that long."""

import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import ui.cli
from bot import read_config
from bot.reader import Passage, Reader, Span
from tests.doors import moon_bot


class TiredReader:
    def __init__(self, reader: Reader, seconds: float) -> None:
        self._reader, self._seconds = reader, seconds

    def read(self, question: str, passages: Sequence[Passage]) -> list[list[Span]]:
        Path("reading").touch()
        time.sleep(self._seconds)
        return self._reader.read(question, passages)


def main(door: str, folder: Path, seconds: float) -> None:
    bot = moon_bot(folder)
    config = read_config(kept=folder / "kept.sqlite")
    bot = dataclasses.replace(bot, reader=TiredReader(bot.reader, seconds), config=config)
    if door == "mcp":
        ui.cli._open_bot = lambda config: dataclasses.replace(bot, config=config)
        ui.cli.main(["mcp"], standalone_mode=False)
        return
    from ui.serve import run

    run(bot, lambda: read_config(kept=folder / "kept.sqlite"))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
