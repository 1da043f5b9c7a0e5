"""Documents to vectors on disk, and a question to the passages nearest to it."""

from index.build import Plan, build_index, build_version, plan_build, text_to_embed
from index.embed import DEFAULT_MODEL, Embedder, HashEmbedder, SentenceTransformerEmbedder, SharedEncoder, TokenVectors, Vectors
from index.hit import Hit
from index.lexical import words
from index.lock import build_lock
from index.retrieve import Retriever
from index.store import IndexVersion, Manifest, list_versions, open_index, read_current, read_manifest, rollback, tidy, verify
from index.unpack import unpack_model

__all__ = [
    "DEFAULT_MODEL",
    "Embedder",
    "HashEmbedder",
    "Hit",
    "IndexVersion",
    "Manifest",
    "Plan",
    "Retriever",
    "SentenceTransformerEmbedder",
    "SharedEncoder",
    "TokenVectors",
    "Vectors",
    "build_index",
    "build_lock",
    "build_version",
    "list_versions",
    "open_index",
    "plan_build",
    "read_current",
    "read_manifest",
    "rollback",
    "text_to_embed",
    "tidy",
    "unpack_model",
    "verify",
    "words",
]
