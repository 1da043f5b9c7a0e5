"""Documents to vectors on disk, and a question to the passages nearest to it."""

from index.build import Plan, build_index, build_version, plan_build, text_to_embed
from index.embed import DEFAULT_MODEL, E5Embedder, Embedder, HashEmbedder, SentenceTransformerEmbedder, TokenVectors
from index.encoder import Encoder, OpenVinoEncoder, TorchEncoder, Vectors, open_torch_encoder
from index.hit import Hit
from index.lexical import words
from index.lock import build_lock
from index.retrieve import Retriever
from index.store import IndexVersion, Manifest, list_versions, open_index, read_current, read_manifest, rollback, tidy, verify
from index.unpack import unpack_model

__all__ = [
    "DEFAULT_MODEL",
    "E5Embedder",
    "Embedder",
    "Encoder",
    "HashEmbedder",
    "Hit",
    "IndexVersion",
    "Manifest",
    "OpenVinoEncoder",
    "Plan",
    "Retriever",
    "SentenceTransformerEmbedder",
    "TokenVectors",
    "TorchEncoder",
    "Vectors",
    "build_index",
    "build_lock",
    "build_version",
    "list_versions",
    "open_index",
    "open_torch_encoder",
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
