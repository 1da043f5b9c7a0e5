"""`tanya doctor`: are model, texts, index, disk and address of the settings as a server needs them, and if not, what to do?"""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from bot.assemble import corpus_folder, index_folder, open_models, open_store
from bot.config import Config
from corpus.errors import CorpusError, IndexMissing, ModelError, SearchIndexError
from corpus.load import load_corpus
from index.store import read_current, verify
from ui.embed_doctor import Finding

ROOM = 500_000_000
"""Bytes that should be free: a build beside the live version, with what is kept of older ones."""


def examine(config: Config) -> Iterator[Finding]:
    """What was found, each with its fix where something is to be mended."""
    yield _model(config)
    yield _texts(config)
    yield _index(config)
    yield from (_disk(topic, folder) for topic, folder in (("index folder", index_folder(config)), ("kept", config.kept.parent)))
    yield _address(config)


def _model(config: Config) -> Finding:
    try:
        embedder, _ = open_models(config)
        embedder.embed_queries(["diplomasi"])
    except ModelError as error:
        return Finding("model", f"{config.embedding_model} cannot be used.", str(error))
    return Finding("model", f"{config.embedding_model} on {config.engine} computes.")


def _texts(config: Config) -> Finding:
    folder = corpus_folder(config)
    try:
        read = load_corpus(folder)
    except CorpusError as error:
        return Finding("texts", f"{folder} gives none.", str(error))
    found = f"{len(read.documents)} documents in {folder}"
    return Finding("texts", f"{found}, {len(read.failures)} files left out.", "\n".join(map(str, read.failures)) or None)


def _index(config: Config) -> Finding:
    folder = index_folder(config)
    try:
        name = read_current(folder).name
        faults = verify(folder, None, open_store(config))
    except IndexMissing:
        return Finding("index", f"None in {folder} yet: the first start builds it.")
    except SearchIndexError as error:
        return Finding("index", f"{folder} cannot be used.", str(error))
    return Finding("index", f"{name} in {folder}, {len(faults)} faults.", "\n".join(faults) or None)


def _disk(topic: str, folder: Path) -> Finding:
    place = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    free = shutil.disk_usage(place).free
    if free < ROOM:
        return Finding(topic, f"{free / 1e6:.0f} MB are free in {place}.", f"Free {ROOM / 1e6:.0f} MB there, or name another folder.")
    return Finding(topic, f"{free / 1e9:.1f} GB are free in {place}.")


def _address(config: Config) -> Finding:
    try:
        with socket.create_server((config.host, config.port), family=socket.AF_INET6 if ":" in config.host else socket.AF_INET):
            return Finding("address", f"{config.host}, port {config.port}, is free.")
    except OSError as error:
        fix = "If that is your server, all is well; else end what listens there, or choose another with --port or TANYA_PORT."
        return Finding("address", f"{config.host}, port {config.port}, cannot be listened on ({error.strerror}).", fix)
