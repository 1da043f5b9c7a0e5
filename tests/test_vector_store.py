"""One contract for what searches vectors, FAISS or Milvus (milvus-lite: the real engine in one process, which proves no replication)."""

import gc
import importlib.util
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bot import Bot, Config, WordReader, publish, read_config
from bot.assemble import open_store
from bot.live import LiveBot
from corpus.errors import BuildFailed, SettingsInvalid, StoreUnavailable
from index import HashEmbedder, Retriever, open_index, read_current, rollback, tidy, verify
from index.dense import pack_dense
from index.disk import write_file
from index.encoder import Vectors
from index.milvus import ALIAS, ANSWER, MilvusStore, collection_of
from index.store import BUILDING, TRASH, VERSIONS, clear_leftovers
from index.vector_store import FAISS, FaissStore, VectorStore
from index.vectors import StoredVectors, pack_vectors
from tests.conftest import Writer, lacking
from tests.faults import FailingDisk, standing_in
from tests.test_publish import MOON, Site, make_bot

ROOT = Path(__file__).parent.parent


def need_milvus() -> None:
    for name in ("pymilvus", "milvus_lite"):
        if importlib.util.find_spec(name) is None:
            lacking(f"needs {name} (pip install 'pymilvus[milvus-lite]')")


@pytest.fixture(scope="module")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> MilvusStore:
    """One engine for all: its start takes seconds."""
    need_milvus()
    return MilvusStore(str(tmp_path_factory.mktemp("milvus") / "tanya.db"))


@pytest.fixture(params=["faiss", "milvus"])
def store(request: pytest.FixtureRequest) -> VectorStore:
    found: VectorStore = FAISS if request.param == "faiss" else request.getfixturevalue("milvus")
    return found


def unit_rows(count: int, seed: int) -> Vectors:
    rows = np.random.default_rng(seed).standard_normal((count, 32), np.float32)
    found: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found


def written(folder: Path, vectors: Vectors) -> StoredVectors:
    """A version's folder, as far as a store looks into it."""
    folder.mkdir()
    write_file(folder / "chunks.npy", pack_vectors(vectors))
    write_file(folder / "chunks.faiss", pack_dense(vectors, unit_rows(10, 9)))
    return StoredVectors(folder / "chunks.npy")


def every_third(count: int) -> Callable[[str], NDArray[np.bool_]]:
    """Rows 0, 3, 6, … are Indonesian, all others English."""
    return lambda language: (np.arange(count) % 3 == 0) == (language == "id") if language in ("id", "en") else np.zeros(count, np.bool_)


def live_in(milvus: MilvusStore) -> str:
    return str(milvus.client.describe_alias(ALIAS)["collection_name"])


@pytest.mark.parametrize("count", [1, 7, 1500])
def test_a_search_gives_what_exact_search_gives(store: VectorStore, tmp_path: Path, count: int) -> None:
    vectors = unit_rows(count, 1)
    if count > 1000:
        vectors[[900, 40, 41]] = vectors[7]
    folder, mask = tmp_path / f"exact-{count}", every_third(count)
    stored = written(folder, vectors)
    store.add(folder, stored, mask)
    dense = store.open(folder, stored, mask)
    for query in (*unit_rows(4, 3), vectors[min(7, count - 1)]):
        cosines = (vectors.astype(np.float64) @ query).astype(np.float32)
        for language in (None, "id", "en"):
            allowed = np.flatnonzero(mask(language)) if language else np.arange(count)
            wanted = allowed[np.argsort(-cosines[allowed], kind="stable")][:20]
            rows, scores = dense.search(query[None], 20, language)
            assert rows.tolist() == wanted.tolist()
            assert np.allclose(scores, cosines[wanted], atol=1e-6)
            assert (rows.dtype.name, scores.dtype.name) == ("int64", "float32")
    assert dense.search(vectors[:1], 20, "xx")[0].tolist() == []


def test_a_store_holds_nothing_as_well_as_something(store: VectorStore, tmp_path: Path) -> None:
    stored = written(tmp_path / "empty", unit_rows(0, 1))
    store.add(tmp_path / "empty", stored, every_third(0))
    assert store.open(tmp_path / "empty", stored, every_third(0)).search(unit_rows(1, 1), 5)[0].tolist() == []


def test_versions_are_searched_apart_whichever_is_live(store: VectorStore, tmp_path: Path) -> None:
    opened = []
    for name, seed in (("apart-1", 1), ("apart-2", 2)):
        stored = written(tmp_path / name, unit_rows(50, seed))
        store.add(tmp_path / name, stored, every_third(50))
        store.switch(name)
        assert store.faults(name) == []
        opened.append((store.open(tmp_path / name, stored, every_third(50)), unit_rows(50, seed)))
    for name in ("apart-1", "apart-2", "apart-1"):
        store.switch(name)
        for dense, vectors in opened:
            assert dense.search(vectors[8:9], 1)[0].tolist() == [8]
    store.drop("apart-2")
    store.drop("apart-2")
    assert opened[0][0].search(opened[0][1][8:9], 1)[0].tolist() == [8]
    store.drop("apart-1")


def test_many_threads_search_one_version(store: VectorStore, tmp_path: Path) -> None:
    vectors, wrong = unit_rows(60, 4), list[int]()
    stored = written(tmp_path / "threads", vectors)
    store.add(tmp_path / "threads", stored, every_third(60))
    dense = store.open(tmp_path / "threads", stored, every_third(60))

    def search(first: int) -> None:
        wrong.extend(row for row in range(first, 60, 4) if dense.search(vectors[row : row + 1], 1)[0].tolist() != [row])

    threads = [threading.Thread(target=search, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_version_goes_live_is_left_and_is_removed(store: VectorStore, site: Site) -> None:
    first = site.publish(store=store, keep=1)
    site.write("en/moon.md", MOON + " It is round.")
    second = site.publish(store=store, keep=1)
    assert site.live == second.version
    assert verify(site.index, store=store) == []
    assert rollback(site.index, store=store).version == site.live == first.version
    assert verify(site.index, store=store) == []
    rollback(site.index, second.version, store)
    site.write("en/moon.md", MOON + " It is far.")
    third = site.publish(store=store, keep=1)
    assert {path.name for path in (site.index / VERSIONS).iterdir()} == {second.version, third.version}
    gc.collect()  # what pymilvus leaves in cycles may hold a version until then
    assert tidy(site.index, 0, store) == [second.version]
    hits = [Retriever(open_index(site.index, store=one), HashEmbedder()).search("how far is it", 5, "en") for one in (FAISS, store)]
    assert [hit.chunk for hit in hits[0]] == [hit.chunk for hit in hits[1]]
    assert np.allclose([hit.dense for hit in hits[0]], [hit.dense for hit in hits[1]], atol=1e-6)
    if isinstance(store, MilvusStore):
        assert live_in(store) == collection_of(third.version)
        assert not any(store.client.has_collection(collection_of(gone.version)) for gone in (first, second))


@pytest.fixture
def site(write: Writer, tmp_path: Path) -> Site:
    return Site(write, tmp_path)


def test_a_server_takes_up_a_version_and_an_answer_keeps_its_own(milvus: MilvusStore, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.publish(store=milvus)
    monkeypatch.setattr("bot.live.open_store", lambda config: milvus)
    old = Bot(Retriever(open_index(site.index, store=milvus), HashEmbedder()), WordReader(), Config(index=site.index))
    live = LiveBot(old, site.index)
    site.write("en/moon.md", "The moon has no water. It is round. Twelve people walked on the moon.")
    new = site.publish(store=milvus)
    live.look()
    assert live().version.manifest.version == new.version
    assert "no water" in live().ask("the moon has no water", language="en").answer
    assert "no air" in old.ask("the moon has no air", language="en").answer


ASKED = (
    ("Who walked on the moon?", "en"),
    ("Why does the tide rise, and who walked on the moon?", "en"),
    ("Why does the tide fall?", "en"),
    ("Who flew to the sun?", "en"),
    ("Apa kata orang tentang bulan?", "id"),
)


def test_whole_answers_are_the_same_from_both_stores(milvus: MilvusStore, site: Site) -> None:
    site.write("id/bulan.md", "Bulan tidak punya udara. Kata orang bulan itu jauh.")
    site.publish(store=milvus)
    bots = [
        Bot(Retriever(open_index(site.index, store=store), HashEmbedder()), WordReader(), Config(index=site.index))
        for store in (FAISS, milvus)
    ]
    said = [
        [bot.ask(question, language=language).model_dump(exclude={"answer_id", "timings_ms"}) for question, language in ASKED]
        for bot in bots
    ]
    assert said[0] == said[1]
    assert {answer["refused"] for answer in said[0]} == {True, False}
    assert sum(len(answer["citations"]) for answer in said[0]) > len(ASKED) / 2


def test_one_client_serves_all_versions_that_a_server_takes_up(milvus: MilvusStore, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def connect(address: str) -> MilvusStore:
        made.append(address)
        return milvus

    monkeypatch.setattr("bot.assemble.MilvusStore", connect)
    config = read_config(vector_store="milvus", milvus_address="http://milvus.example:19530")
    assert open_store(config) is open_store(config) is milvus
    assert made == ["http://milvus.example:19530"]


def test_a_version_set_aside_leaves_nothing_in_milvus(milvus: MilvusStore, site: Site) -> None:
    first = site.publish(store=milvus)
    site.write("en/moon.md", "The moon is a stone.")
    aside = site.publish(store=milvus)
    assert (aside.outcome, site.live, live_in(milvus)) == ("aside", first.version, collection_of(first.version))
    assert not milvus.client.has_collection(collection_of(aside.version))
    assert verify(site.index, aside.version, milvus) == []


def test_what_milvus_lost_is_filled_from_the_folder(milvus: MilvusStore, site: Site) -> None:
    version = site.publish().version  # with FAISS: the way from one store to the other is the same
    with pytest.raises(StoreUnavailable, match=f"tanya index rollback {version}"):
        open_index(site.index, store=milvus)
    assert "nothing of it" in verify(site.index, store=milvus)[0]
    for loss in (lambda: None, lambda: milvus.drop(version), lambda: milvus.client.delete(collection_of(version), ids=[0])):
        loss()
        rollback(site.index, version, milvus)
        assert (site.live, verify(site.index, store=milvus)) == (version, [])
    milvus.client.drop_alias(ALIAS)
    assert "alias tanya in Milvus is on nothing" in verify(site.index, store=milvus)[0]


def test_what_a_dead_build_left_in_milvus_is_removed(milvus: MilvusStore, tmp_path: Path) -> None:
    (tmp_path / BUILDING).mkdir()
    folder = tmp_path / BUILDING / "dead"
    milvus.add(folder, written(folder, unit_rows(5, 1)), every_third(5))
    clear_leftovers(tmp_path, milvus)
    assert not milvus.client.has_collection(collection_of("dead"))
    assert not folder.exists()


class Forgetful(FaissStore):
    """Remembers what it took in, and refuses to drop it until it is let."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.refuses = True

    def add(self, folder: Path, vectors: StoredVectors, mask: Callable[[str], NDArray[np.bool_]]) -> None:
        self.held.add(folder.name)

    def drop(self, name: str) -> None:
        if self.refuses:
            raise StoreUnavailable("no")
        self.held.discard(name)


def refused(site: Site, store: VectorStore, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build to which `store` says no at that step."""

    def refuse(*whatever: object) -> None:
        raise StoreUnavailable("no")

    with monkeypatch.context() as patch:
        patch.setattr(store, step, refuse)
        with pytest.raises(StoreUnavailable):
            site.publish(store=store)


@pytest.mark.parametrize("step", ["open", "switch"])  # before and after its folder is moved
def test_a_version_that_cannot_be_dropped_is_dropped_by_the_next_build(site: Site, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    store = Forgetful()
    first = site.publish(store=store)
    site.write("en/moon.md", MOON + " It is round.")

    refused(site, store, step, monkeypatch)
    assert len(store.held) == 2
    assert [path.name for path in (site.index / VERSIONS).iterdir()] == [first.version]
    store.refuses = False
    second = site.publish(store=store)
    assert store.held == {first.version, second.version}
    assert [path for place in (BUILDING, TRASH) for path in (site.index / place).glob("*")] == []


@pytest.mark.parametrize("step", ["add", "open", "switch"])
def test_a_build_that_milvus_refuses_does_not_go_live(milvus: MilvusStore, site: Site, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    first = site.publish(store=milvus)
    site.write("en/moon.md", MOON + " It is round.")

    refused(site, milvus, step, monkeypatch)
    assert (site.live, live_in(milvus)) == (first.version, collection_of(first.version))
    assert [path.name for path in (site.index / VERSIONS).iterdir()] == [first.version]
    assert verify(site.index, store=milvus) == []
    assert site.publish(store=milvus).outcome == "live"


def test_the_alias_stays_where_the_disk_refuses_the_switch(milvus: MilvusStore, site: Site) -> None:
    first = site.publish(store=milvus).version
    site.write("en/moon.md", MOON + " It is round.")
    second = site.publish(store=milvus).version
    disk = FailingDisk(10**9, for_good=False)
    with standing_in(disk):
        rollback(site.index, first, milvus)
    for step in range(1, disk.steps + 1):
        rollback(site.index, second, milvus)
        with standing_in(FailingDisk(step, for_good=True)), pytest.raises(BuildFailed):
            rollback(site.index, first, milvus)
        assert live_in(milvus) == collection_of(site.live), step


OTHER = """
import sys
from pathlib import Path
from index import HashEmbedder, Retriever, open_index
from index.milvus import MilvusStore
version = open_index(Path(sys.argv[1]), store=MilvusStore(sys.argv[2]))
hits = Retriever(version, HashEmbedder()).search("the moon has no air", 3)
print(version.manifest.version, *[hit.chunk.chunk_id for hit in hits])
"""


def test_two_programs_share_a_server_and_its_end_is_named(site: Site, tmp_path: Path) -> None:
    need_milvus()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    command = ["server", "--data-dir", str(tmp_path / "engine.db"), "--host", "127.0.0.1", "--port", address.rpartition(":")[2]]
    server = subprocess.Popen([sys.executable, "-m", "milvus_lite", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        store = reached(address)
        first = site.publish(store=store)
        version = open_index(site.index, store=store)
        mine = Retriever(version, HashEmbedder()).search("the moon has no air", 3)
        other = subprocess.run(
            [sys.executable, "-c", OTHER, str(site.index), address], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
        )
        assert other.stdout.split() == [first.version, *(hit.chunk.chunk_id for hit in mine)]
    finally:
        server.kill()
        server.wait()
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match="TANYA_MILVUS_ADDRESS"):
        version.nearest(HashEmbedder().embed_queries(["the moon"]), 3)
    assert time.monotonic() - began < 6 * ANSWER
    site.write("en/moon.md", MOON + " It is round.")
    with pytest.raises(StoreUnavailable):
        publish(site.publication(store=store), HashEmbedder(), make_bot)
    assert read_current(site.index).name == first.version
    assert [path.name for path in (site.index / VERSIONS).iterdir()] == [first.version]
    assert verify(site.index) == []


def reached(address: str) -> MilvusStore:
    for _ in range(120):
        try:
            return MilvusStore(address)
        except StoreUnavailable:
            time.sleep(0.5)
    raise AssertionError("the server did not start")


def test_an_address_without_a_server_is_named_without_its_password() -> None:
    need_milvus()
    with pytest.raises(StoreUnavailable, match=r"http://…@127\.0\.0\.1:9 cannot be used.*TANYA_MILVUS_ADDRESS") as raised:
        MilvusStore("http://root:secret@127.0.0.1:9")
    assert "secret" not in str(raised.value)


def test_milvus_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(StoreUnavailable, match="pip install 'pymilvus>=3,<4'"):
        MilvusStore("http://127.0.0.1:19530")


def test_milvus_is_asked_for_by_name_and_address(monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_store(read_config(milvus_address="http://127.0.0.1:19530")) is FAISS
    monkeypatch.setenv("TANYA_VECTOR_STORE", "milvus")
    with pytest.raises(SettingsInvalid, match=r"milvus_address: .* needs it"):
        read_config()
    for wrong in ("127.0.0.1:19530", "ftp://a", "a folder"):
        with pytest.raises(SettingsInvalid, match="milvus_address"):
            read_config(milvus_address=wrong)
