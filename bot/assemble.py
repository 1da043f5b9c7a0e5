"""Joins the parts that the settings name: opens a bot on its index, builds that anew, and knows where texts and index lie."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import platformdirs

import corpus as packaged_corpus
from bot.bot import Bot
from bot.config import Config
from bot.publish import GOLDEN, Publication, Report, Watch, publish, record_answers, unasked
from bot.reader import Reader, SpanReader
from bot.suggest import Ask, read_suggestions, suggest
from corpus.errors import IndexMissing, IndexOutdated, TanyaError
from index.embed import DEFAULT_MODEL, E5Embedder, Embedder, SentenceTransformerEmbedder
from index.encoder import OpenVinoEncoder, open_torch_encoder
from index.milvus import MilvusStore
from index.retrieve import Retriever
from index.store import open_index, read_current
from index.vector_store import FAISS, VectorStore

LOG = logging.getLogger("tanya")

_NOT_FOLLOWED = "The version is live; golden questions or questions to suggest are missing: %s"


def open_bot(config: Config, watch: Watch | None = None) -> Bot:
    """A bot on the index of `config`; where there is none yet, or one of an older format, it is built first, `watch` being told.

    Raises what loading the model, reading the corpus and opening the index raise.
    """
    store = open_store(config)
    embedder, reader = open_models(config)
    try:
        version = open_index(index_folder(config), embedder.identity, store)
    except (IndexMissing, IndexOutdated) as error:
        if isinstance(error, IndexOutdated):
            LOG.warning("%s That is done now.", error)
        report = _publish(config, embedder, reader, watch, wait=True)
        if report.outcome == "aside":  # the old version stays live for whoever can open it
            raise type(error)(f"{error}\n{report.text()}") from error
        version = open_index(index_folder(config), embedder.identity, store)
    bot = Bot(Retriever(version, embedder), reader, config, read_suggestions(index_folder(config)).of(version))
    bot.warm()
    return bot


def open_store(config: Config) -> VectorStore:
    """What searches the vectors. Raises StoreUnavailable where it is a Milvus that does not answer."""
    return _milvus(config.milvus_address) if config.vector_store == "milvus" and config.milvus_address else FAISS


@cache
def _milvus(address: str) -> VectorStore:
    """One client for all versions that a server takes up: a connection for each would stay open."""
    return MilvusStore(address)


def open_models(config: Config) -> tuple[Embedder, Reader]:
    """The embedding model that `config` names, and the reader; they share an encoder where the former is the default one."""
    encoder = OpenVinoEncoder(config.threads) if config.engine == "openvino" else open_torch_encoder(config.cache, config.threads)
    own = config.embedding_model == DEFAULT_MODEL
    embedder = E5Embedder(encoder) if own else SentenceTransformerEmbedder(config.embedding_model, config.threads)
    return embedder, SpanReader(encoder)


def rebuild(
    config: Config, embedder: Embedder, reader: Reader, watch: Watch | None = None, force: bool = False, wait: bool = False
) -> Report:
    """Build a version from the corpus and make it live, unless it answers worse (see `bot.publish`); then do what follows.

    A file that cannot be read is left out, with a warning.
    """
    report = _publish(config, embedder, reader, watch, force, wait)
    index_dir = index_folder(config)
    try:
        live = read_current(index_dir).name
        if live != read_suggestions(index_dir).version or unasked(index_dir, live, publication(config).golden):
            version = open_index(index_dir, embedder.identity, open_store(config))
            follow_up(Bot(Retriever(version, embedder), reader, config), index_dir, watch)
    except TanyaError as error:
        LOG.warning(_NOT_FOLLOWED, error)
    return report


def follow_up(bot: Bot, index_dir: Path, watch: Watch | None = None, ended: Callable[[], bool] = lambda: False) -> None:
    """What is done once for a version, when it is live: golden questions that it was not asked, and a look for questions to suggest.

    As far as the disk takes it, and until it has `ended`.
    """
    name, tell = bot.version.manifest.version, watch or (lambda event, count: None)
    try:
        record_answers(index_dir, name, publication(bot.config).golden, _ask(bot), tell, ended)
        if read_suggestions(index_dir).version != name:
            suggest(index_dir, bot.version, _ask(bot), bot.retriever.embedder, tell, ended)
    except (OSError, TanyaError) as error:
        LOG.warning(_NOT_FOLLOWED, error)


def _publish(
    config: Config, embedder: Embedder, reader: Reader, watch: Watch | None = None, force: bool = False, wait: bool = False
) -> Report:
    planned = replace(publication(config, force, wait), store=open_store(config))
    report = publish(planned, embedder, lambda version: _ask(Bot(Retriever(version, embedder), reader, config)), watch)
    for failure in report.left_out:
        LOG.warning("Left out: %s", failure)
    return report


def _ask(bot: Bot) -> Ask:
    return lambda question, language: bot.ask(question, language=language)


def publication(config: Config, force: bool = False, wait: bool = False) -> Publication:
    """What `config` says of a build. The shipped questions are asked of the shipped corpus alone."""
    shipped = corpus_folder(config).resolve() in (Path("corpus/documents").resolve(), _packaged().resolve())
    return Publication(
        source=corpus_folder(config),
        index_dir=index_folder(config),
        golden=config.golden or (GOLDEN if shipped else None),
        chunk_tokens=config.chunk_tokens,
        keep=config.keep_versions,
        force=force,
        wait=wait,
    )


def corpus_folder(config: Config) -> Path:
    """The folder of source texts: as set, else ./corpus/documents, else the one that came with the package."""
    here = Path("corpus/documents")
    return config.corpus or (here if here.is_dir() else _packaged())


def is_packaged(folder: Path) -> bool:
    """Whether it is the folder of texts inside an installed package; a checkout's own is not."""
    return folder.resolve() == _packaged().resolve() and not (_packaged().parents[1] / "pyproject.toml").is_file()


def index_folder(config: Config) -> Path:
    """The folder of the built index: as set, else one of the user's, named after the corpus folder."""
    name = hashlib.sha256(str(corpus_folder(config).resolve()).encode()).hexdigest()[:16]
    return config.index or Path(platformdirs.user_data_dir("tanya-diplomasi")) / "indexes" / name


def _packaged() -> Path:
    return Path(packaged_corpus.__file__ or "").parent / "documents"
