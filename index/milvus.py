"""Versions in Milvus: each a collection of its own, and an alias on the live one, so that any number of servers share them.

    tanya_<version>     rows of (row, language, vector); written once, then searched exactly (FLAT)
    tanya               the alias; it follows the index folder's `current`, which is what our own servers go by

A server searches the collection of the version that it opened, never the alias, so that no answer mixes two. One index
has one Milvus database, or two would contend for the alias; name it in the address (http://host:19530/database).
"""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from corpus.errors import StoreUnavailable
from corpus.language import LANGUAGES
from index.dense import Dense, Found, Mask
from index.encoder import Vectors
from index.vectors import StoredVectors

ALIAS = "tanya"

BATCH = 1000
"""Rows of one insertion: 1.5 MB, where Milvus takes 64 MB at most and a slow network wants small steps."""

SPARE, MOST = 10, 16_384
"""Candidates beyond those wanted: their order is ours, by exact cosines and then by row, where Milvus leaves rounding and ties open.
It gives MOST at most."""

ANSWER, FILL = 5.0, 600.0
"""Seconds to wait for a search, within the time that a request has; and for an insertion, a flush or a load."""


class MilvusStore:
    """A Milvus server, or a file `*.db` of milvus-lite, which one process alone can use."""

    def __init__(self, address: str) -> None:
        """Connects. Raises StoreUnavailable."""
        self._shown = re.sub(r"//[^/]*@", "//…@", address)
        try:
            import pymilvus
        except ModuleNotFoundError:
            raise StoreUnavailable("TANYA_VECTOR_STORE=milvus needs pymilvus: pip install 'pymilvus>=3,<4'.") from None
        # It logs every error with its trace; ours have a name and go where they belong.
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
        with self.named_errors():
            self.client: Any = pymilvus.MilvusClient(address, timeout=ANSWER)

    def add(self, folder: Path, vectors: StoredVectors, mask: Mask) -> None:
        """Fill the version's collection, unless it is whole; one that a dead build left half full is filled anew."""
        name = collection_of(folder.name)
        with self.named_errors():
            if self._rows(name) == len(vectors):
                return
            self.client.drop_collection(name, timeout=FILL)
            self._create(name, vectors.shape[1])
            languages = np.full(len(vectors), "", object)
            for language in LANGUAGES:
                languages[mask(language)] = language
            self._insert(name, vectors, languages.tolist())
            # Loaded only now, so that every node that will answer has all rows at once.
            self.client.flush(name, timeout=FILL)
            self._index(name)
            self.client.load_collection(name, timeout=FILL)

    def open(self, folder: Path, vectors: StoredVectors, mask: Mask) -> Dense:
        """Searches the version's collection. StoreUnavailable also where that is missing or not whole."""
        name = collection_of(folder.name)
        with self.named_errors():
            rows = self._rows(name)
        if rows != len(vectors):
            there = f"{rows} of its {len(vectors)} passages" if rows is not None else "nothing of it"
            raise StoreUnavailable(
                f"Milvus at {self._shown} should have version {folder.name} and has {there}. "
                f"`tanya index rollback {folder.name}` fills it from the version's folder."
            )
        return MilvusDense(self, name, vectors, mask)

    def switch(self, name: str) -> None:
        """Point the alias to the version's collection."""
        with self.named_errors():
            point = self.client.alter_alias if self._live() else self.client.create_alias
            point(collection_name=collection_of(name), alias=ALIAS, timeout=ANSWER)

    def drop(self, name: str) -> None:
        """Drop the version's collection, and the alias if it is on that."""
        with self.named_errors():
            if self._live() == collection_of(name):  # Milvus drops no collection that has an alias
                self.client.drop_alias(ALIAS, timeout=ANSWER)
            self.client.drop_collection(collection_of(name), timeout=FILL)

    def faults(self, live: str) -> list[str]:
        """Whether the alias is elsewhere: a switch was cut off between Milvus and the folder."""
        with self.named_errors():
            named = self._live()
        if named == collection_of(live):
            return []
        return [f"the alias {ALIAS} in Milvus is on {named or 'nothing'}, not on {live}; `tanya index rollback {live}` puts it there"]

    @contextmanager
    def named_errors(self) -> Iterator[None]:
        """What Milvus, or the network, raises becomes StoreUnavailable."""
        from grpc import RpcError
        from pymilvus.exceptions import MilvusException

        try:
            yield
        except (MilvusException, RpcError) as error:
            said = error.message if isinstance(error, MilvusException) else str(error)
            raise StoreUnavailable(
                f"Milvus at {self._shown} cannot be used: {said.strip().rstrip('.')}. "
                "Check that it runs and that TANYA_MILVUS_ADDRESS is right; whatever was live still is."
            ) from error

    def _live(self) -> str | None:
        """The collection that the alias is on."""
        if not self.client.has_collection(ALIAS, timeout=ANSWER):
            return None
        return str(self.client.describe_alias(ALIAS, timeout=ANSWER)["collection_name"])

    def _rows(self, name: str) -> int | None:
        """How many rows a collection has; None where there is none. One without an index was never filled and has none that count."""
        if not self.client.has_collection(name, timeout=ANSWER):
            return None
        if not self.client.list_indexes(name, timeout=ANSWER):
            return -1
        self.client.load_collection(name, timeout=FILL)  # it is no more after a backup was restored
        return int(self.client.query(name, output_fields=["count(*)"], consistency_level="Strong", timeout=ANSWER)[0]["count(*)"])

    def _create(self, name: str, dimension: int) -> None:
        from pymilvus import DataType

        schema = self.client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("row", DataType.INT64, is_primary=True)
        schema.add_field("language", DataType.VARCHAR, max_length=16)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
        self.client.create_collection(name, schema=schema, timeout=FILL)

    def _insert(self, name: str, vectors: StoredVectors, languages: list[str]) -> None:
        for start in range(0, len(vectors), BATCH):
            rows = range(start, min(start + BATCH, len(vectors)))
            batch = [{"row": row, "language": languages[row], "vector": vectors[row]} for row in rows]
            self.client.insert(name, batch, timeout=FILL)

    def _index(self, name: str) -> None:
        kinds = self.client.prepare_index_params()
        kinds.add_index("vector", index_type="FLAT", metric_type="IP")
        self.client.create_index(name, kinds, timeout=FILL)


class MilvusDense:
    """Searches one collection, with exact cosines by the vectors of the version's folder."""

    kind = "exact, in Milvus"

    def __init__(self, store: MilvusStore, name: str, vectors: StoredVectors, mask: Mask) -> None:
        self._store, self._name, self._vectors, self._mask = store, name, vectors, mask

    def search(self, query: Vectors, k: int, language: str | None = None) -> Found:
        """As `Dense` says. Raises StoreUnavailable, and IndexDamaged where the folder's vectors cannot be read any more."""
        allowed = len(self._vectors) if language is None else int(self._mask(language).sum())
        if not allowed:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        with self._store.named_errors():
            hits = self._store.client.search(
                self._name,
                data=[np.ascontiguousarray(query[0], np.float32)],
                limit=min(k + SPARE, allowed, MOST),
                filter="" if language is None else f"language == {json.dumps(language)}",
                output_fields=["row"],
                search_params={"metric_type": "IP"},
                timeout=ANSWER,
            )[0]
        rows = np.array([hit["row"] for hit in hits], np.int64)
        # In 64 bits: equal vectors get equal cosines, which a product in 32 bits does not promise.
        scores = (self._vectors.take(rows).astype(np.float64) @ query[0]).astype(np.float32)
        order = np.lexsort((rows, -scores))[:k]
        return rows[order], scores[order]


def collection_of(name: str) -> str:
    """The collection of a version: Milvus takes letters, digits and underscores only."""
    return f"{ALIAS}_{re.sub(r'[^0-9A-Za-z_]', '_', name)}"
