"""The encoder's layers as an OpenVINO graph, its weights as they are or rounded to 8 bits a row.

Inputs: `vectors` (batch, tokens, hidden), the tokens' embeddings with those of their positions; `mask` (batch, 1, 1, tokens),
0 for a token and far below for padding. Output: (batch, tokens, hidden).
"""

from typing import Any

import numpy as np
import openvino
import openvino.opset13 as op
from numpy.typing import NDArray

from index.encoder import Changes
from index.packed import Packed

_EIGHT_BITS = 127


def build_graph(packed: Packed, changes: Changes, eight_bits: bool) -> openvino.Model:
    """The graph of the weights in `packed`, each with what `changes` adds."""
    return _Graph(packed, changes, eight_bits).model()


class _Graph:
    def __init__(self, packed: Packed, changes: Changes, eight_bits: bool) -> None:
        self._packed, self._changes, self._sizes, self._eight_bits = packed, changes, packed.sizes, eight_bits

    def model(self) -> openvino.Model:
        vectors = op.parameter(openvino.PartialShape([-1, -1, self._sizes.hidden]), openvino.Type.f32, name="vectors")
        mask = op.parameter(openvino.PartialShape([-1, 1, 1, -1]), openvino.Type.f32, name="mask")
        states = self._normalised(vectors, "embeddings.LayerNorm")
        for i in range(self._sizes.layers):
            states = self._layer(states, mask, f"encoder.layer.{i}.")
        return openvino.Model([states], [vectors, mask], "encoder")

    def _layer(self, states: Any, mask: Any, name: str) -> Any:
        attended = self._linear(self._attention(states, mask, name + "attention.self."), name + "attention.output.dense")
        states = self._normalised(op.add(attended, states), name + "attention.output.LayerNorm")
        inner = op.gelu(self._linear(states, name + "intermediate.dense"), "erf")
        return self._normalised(op.add(self._linear(inner, name + "output.dense"), states), name + "output.LayerNorm")

    def _attention(self, states: Any, mask: Any, name: str) -> Any:
        width = self._sizes.hidden // self._sizes.heads
        apart, together = _whole([0, 0, self._sizes.heads, width]), _whole([0, 0, self._sizes.hidden])
        swap = _whole([0, 2, 1, 3])
        parts = [op.transpose(op.reshape(self._linear(states, name + part), apart, True), swap) for part in ("query", "key", "value")]
        return op.reshape(op.transpose(op.scaled_dot_product_attention(*parts, mask), swap), together, True)

    def _linear(self, states: Any, name: str) -> Any:
        weight = self._weight(name + ".weight")
        constant = _rounded(weight) if self._eight_bits else op.constant(weight)
        return op.add(op.matmul(states, constant, False, True), op.constant(self._weight(name + ".bias")))

    def _normalised(self, states: Any, name: str) -> Any:
        centred = op.mvn(states, _whole([-1]), True, self._sizes.epsilon, "inside_sqrt")
        return op.add(op.multiply(centred, op.constant(self._weight(name + ".weight"))), op.constant(self._weight(name + ".bias")))

    def _weight(self, name: str) -> NDArray[np.float32]:
        weight = self._packed.tensor(name)
        return weight + self._changes[name] if name in self._changes else weight


def _rounded(weight: NDArray[np.float32]) -> Any:
    scale = np.maximum(np.abs(weight).max(axis=1, keepdims=True), 1e-12) / _EIGHT_BITS
    return op.multiply(op.convert(op.constant(np.round(weight / scale).astype(np.int8)), "f32"), op.constant(scale))


def _whole(numbers: list[int]) -> Any:
    return op.constant(np.array(numbers, np.int64))
