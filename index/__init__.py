"""Documents to vectors on disk, and a question to the passages nearest to it."""

from index.build import build_index, text_to_embed
from index.embed import DEFAULT_MODEL, E5Embedder, Embedder, HashEmbedder, SentenceTransformerEmbedder, TokenVectors
from index.encoder import Encoder, OpenVinoEncoder, TorchEncoder, Vectors, open_torch_encoder
from index.hit import Hit
from index.lexical import words
from index.retrieve import Retriever
from index.store import IndexVersion, Manifest, open_index, read_manifest
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
    "Retriever",
    "SentenceTransformerEmbedder",
    "TokenVectors",
    "TorchEncoder",
    "Vectors",
    "build_index",
    "open_index",
    "open_torch_encoder",
    "read_manifest",
    "text_to_embed",
    "unpack_model",
    "words",
]
