"""Documents to vectors on disk, and a question to the passages nearest to it."""

from index.build import build_index, text_to_embed
from index.embed import DEFAULT_MODEL, Embedder, HashEmbedder, SentenceTransformerEmbedder, SharedEncoder, TokenVectors, Vectors
from index.hit import Hit
from index.lexical import words
from index.retrieve import Retriever
from index.store import IndexVersion, Manifest, open_index, read_manifest
from index.unpack import unpack_model

__all__ = [
    "DEFAULT_MODEL",
    "Embedder",
    "HashEmbedder",
    "Hit",
    "IndexVersion",
    "Manifest",
    "Retriever",
    "SentenceTransformerEmbedder",
    "SharedEncoder",
    "TokenVectors",
    "Vectors",
    "build_index",
    "open_index",
    "read_manifest",
    "text_to_embed",
    "unpack_model",
    "words",
]
