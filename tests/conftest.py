"""Fixtures, and the rule for tests that need what a machine may lack: skip and say so, or fail under TANYA_TEST_REQUIRE_ALL=1."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from bot import Bot, Config, WordReader, open_bot, read_config
from corpus import Document, load_corpus
from index import E5Embedder, HashEmbedder, OpenVinoEncoder, Retriever, build_index, open_index

CHROMIUM = Path("/usr/bin/chromium")
NGINX = Path("/usr/sbin/nginx")
REQUIRE_ALL = os.environ.get("TANYA_TEST_REQUIRE_ALL") == "1"
DOCUMENTS = Path(__file__).parent.parent / "corpus" / "documents"


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("browser") and not CHROMIUM.exists():
        lacking(f"needs Chromium at {CHROMIUM} (apt-get install chromium)")
    if item.get_closest_marker("nginx") and not NGINX.exists():
        lacking(f"needs nginx at {NGINX} (apt-get install nginx-light)")


def lacking(reason: str) -> NoReturn:
    """Skip, or fail where nothing may be skipped."""
    if REQUIRE_ALL:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No setting of the machine reaches a test."""
    for name in list(os.environ):
        if name.startswith("TANYA_") and not name.startswith("TANYA_TEST_") and name != "TANYA_CACHE":
            monkeypatch.delenv(name)
    monkeypatch.setenv("TANYA_KEPT", str(tmp_path_factory.mktemp("kept") / "kept.sqlite"))


@pytest.fixture
def write(tmp_path: Path) -> "Writer":
    """Writes corpus files and loads them."""
    return Writer(tmp_path / "corpus")


class Writer:
    """A corpus folder in the making."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def document(self, text: str, name: str = "en/a.md") -> Document:
        self(name, text)
        return next(document for document in load_corpus(self.folder).documents if document.path == name)


def shipped_documents() -> tuple[Document, ...]:
    """The documents that ship with the program."""
    return load_corpus(DOCUMENTS).documents


def toy_bot(folder: Path, index: Path) -> Bot:
    """A bot on a corpus folder whose model counts words."""
    embedder = HashEmbedder()
    build_index(load_corpus(folder).documents, index, embedder)
    return Bot(Retriever(open_index(index, embedder.identity), embedder), WordReader(), Config(corpus=folder, index=index))


@pytest.fixture(scope="session")
def shipped_bot(tmp_path_factory: pytest.TempPathFactory) -> Bot:
    """The real model on the shipped corpus."""
    kept = tmp_path_factory.mktemp("kept") / "kept.sqlite"
    return open_bot(read_config(corpus=DOCUMENTS, index=tmp_path_factory.mktemp("index"), kept=kept))


@pytest.fixture(scope="session")
def server(shipped_bot: Bot) -> Iterator[str]:
    """The address of the whole application, really served."""
    import uvicorn

    from ui.serve import Site

    config = uvicorn.Config(Site(shipped_bot), host="127.0.0.1", port=0, log_level="error")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.05)
    port = running.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    running.should_exit = True
    thread.join(10)


@pytest.fixture(scope="session")
def embedder() -> E5Embedder:
    """The real model, on the engine of the product."""
    return E5Embedder(OpenVinoEncoder())
