"""What searches the chunk vectors of a version: FAISS within this program, or a Milvus that many programs share.

A version's folder holds all of it whatever the store, so a store can be filled from it anew and nothing else needs a
backup. Who changes an index tells the store in this order: `add` a version, ask it by what `open` gives, `switch` to it,
`drop` what is not kept. FAISS reads the folder itself and has nothing to do but to open it.
"""

from pathlib import Path
from typing import Protocol

from index.dense import Dense, FaissDense, Mask
from index.vectors import StoredVectors


class VectorStore(Protocol):
    """Where versions are searched; each is known by its name, that of its folder. All raise StoreUnavailable."""

    def add(self, folder: Path, vectors: StoredVectors, mask: Mask) -> None:
        """Take in the version's vectors, unless all of them are there. It is found by nobody who does not ask for it."""

    def open(self, folder: Path, vectors: StoredVectors, mask: Mask) -> Dense:
        """What searches that version and no other, whichever is live."""

    def switch(self, name: str) -> None:
        """Name an added version as the live one, in one step."""

    def drop(self, name: str) -> None:
        """Forget a version, if it is there."""

    def faults(self, live: str) -> list[str]:
        """What is wrong with the store, `live` being the live version; empty if nothing is."""


class FaissStore:
    """Searches the index file of the version's folder."""

    def add(self, folder: Path, vectors: StoredVectors, mask: Mask) -> None:
        """The folder has it all."""

    def open(self, folder: Path, vectors: StoredVectors, mask: Mask) -> Dense:
        """See FaissDense, also for what it raises."""
        return FaissDense(folder / "chunks.faiss", vectors, mask)

    def switch(self, name: str) -> None:
        """The index folder's `current` says it."""

    def drop(self, name: str) -> None:
        """It goes with its folder."""

    def faults(self, live: str) -> list[str]:
        """None that the folder does not have."""
        return []


FAISS: VectorStore = FaissStore()
