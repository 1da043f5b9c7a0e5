"""Kills a process that builds, again and again, while readers ask: `python -m tests.kill 200`.

After each kill the index has to open, be whole in every hash, offset and row, and be the version that was live before
or the one that was being built; and no reader may have met an error or an answer of two versions.
"""

import multiprocessing
import os
import random
import re
import signal
import sys
import tempfile
import threading
import time
from multiprocessing.synchronize import Event
from pathlib import Path

from bot import Bot, Config, LiveBot, Publication, WordReader, publish
from bot.suggest import Ask
from corpus.errors import IndexMissing
from index import HashEmbedder, IndexVersion, Retriever, open_index, verify

LONGEST = 3.0
"""At first a builder is killed within this many times what one build takes here."""

LONGER, SHORTER = 1.2, 0.9
"""That time is changed by these after a builder that made no version live, and after one that did, so that two of three do, however busy
the machine is: a builder that starts alone may take several times what a build was measured to take."""

LEAST_SEEN = 0.1
"""Versions found live, for each kill. Far fewer than two of three, and none was tested."""

READERS = 2
"""Threads that ask all the time."""


def make_bot(version: IndexVersion) -> Ask:
    bot = Bot(Retriever(version, HashEmbedder()), WordReader(), Config())
    return lambda question, language: bot.ask(question, language=language)


def edit(folder: Path, number: int) -> None:
    """The corpus says which edit it is, in a file that is replaced in one step."""
    (folder / "en").mkdir(parents=True, exist_ok=True)
    draft = folder / "en" / ".moon.md"
    draft.write_text(f"The moon has no air number{number}. Twelve people walked on the moon number{number}.")
    draft.replace(folder / "en" / "moon.md")


def build_for_ever(corpus: str, index: str, first: int, started: Event) -> None:
    """Edit and publish until killed."""
    started.set()
    number = first
    while True:
        edit(Path(corpus), number)
        publish(Publication(source=Path(corpus), index_dir=Path(index), keep=1), HashEmbedder(), make_bot)
        number += 1


def number_of(version: IndexVersion) -> set[str]:
    return set(re.findall(r"number\d+", version.document("en.moon").text))


def ask_for_ever(live: LiveBot, ended: threading.Event, answers: list[int], errors: list[str]) -> None:
    """Ask until ended; what goes wrong is written down."""
    while not ended.is_set():
        live.look()
        bot = live()
        try:
            answer = bot.ask("Who walked on the moon?", language="en")
        except Exception as error:
            errors.append(repr(error))
            return
        said = set(re.findall(r"number\d+", " ".join([answer.answer, *(near.quote for near in answer.nearest)])))
        if said != number_of(bot.version) or answer.index_version != bot.version.manifest.version:
            errors.append(f"{answer.index_version} said {said}")
        answers.append(1)
        time.sleep(0.005)


def seconds_of_a_build(folder: Path) -> float:
    """What a build takes, after a first one that loads what it needs."""
    for number in range(2):
        began = time.monotonic()
        edit(folder / "corpus", number)
        publish(Publication(source=folder / "corpus", index_dir=folder / "index"), HashEmbedder(), make_bot)
    return time.monotonic() - began


def kill_loop(kills: int, folder: Path, seed: int = 1) -> dict[str, int]:
    """Kill `kills` builders and count what was seen. Raises AssertionError at the first thing that is wrong."""
    index = folder / "index"
    moments = random.Random(seed)
    longest = LONGEST * seconds_of_a_build(folder / "trial")
    answers: list[int] = []
    errors: list[str] = []
    versions: set[str] = set()
    ended, readers = threading.Event(), list[threading.Thread]()
    try:
        for kill in range(kills):
            kill_one(folder / "corpus", index, 1000 * (kill + 1), moments.uniform(0, longest))
            try:
                version = open_index(index)
            except IndexMissing:
                assert not versions, "there was an index, and now there is none"
                longest *= LONGER
                continue
            assert verify(index) == []
            longest *= LONGER if version.manifest.version in versions else SHORTER
            versions.add(version.manifest.version)
            assert max(versions) == version.manifest.version, "an older version came back"
            if not readers:
                live = LiveBot(Bot(Retriever(version, HashEmbedder()), WordReader(), Config()), index)
                readers = [threading.Thread(target=ask_for_ever, args=(live, ended, answers, errors), daemon=True) for _ in range(READERS)]
                for reader in readers:
                    reader.start()
            assert errors == []
    finally:
        ended.set()
        for reader in readers:
            reader.join()
    assert errors == []
    assert len(versions) > LEAST_SEEN * kills, "nearly all builders were killed before they could build: nothing was tested"
    return {"kills": kills, "answers": len(answers), "versions_found_live": len(versions)}


def kill_one(corpus: Path, index: Path, first: int, seconds: float) -> None:
    """Start a builder and kill it that long after it began."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "faiss", "bm25s", "langchain_text_splitters"])
    started = context.Event()
    builder = context.Process(target=build_for_ever, args=(str(corpus), str(index), first, started), daemon=True)
    builder.start()
    assert started.wait(120)
    time.sleep(seconds)
    assert builder.pid
    os.kill(builder.pid, signal.SIGKILL)
    builder.join()
    assert builder.exitcode == -signal.SIGKILL, "the builder ended by itself"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        print(kill_loop(int(sys.argv[1]) if len(sys.argv) > 1 else 20, Path(place)))
