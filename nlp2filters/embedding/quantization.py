"""Quantization of the embedding model's weights: a byte instead of four for each number of its matrices.

Rows of word vectors, and the columns of every other matrix, have a scale each. Only sums, products and roundings that
IEEE 754 defines are used, so every machine makes the same bytes of the same weights. The activations are quantized by
the graph, by word piece: see `tools/build_minilm_graph.py`.
"""

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

WORDS = "embeddings.word_embeddings.weight"
# Processors without VNNI add two products of an activation (up to 255) and a weight in 16 bits, and cut what is larger.
MAX_FACTOR = 64
MAX_LEVEL = 127
SAFETENSORS_TYPES = {"float32": "F32", "int8": "I8"}

Tensors = Mapping[str, NDArray[Any]]


def quantize(weights: bytes) -> bytes:
    """Quantize the model's float32 weights. Takes and returns the content of a safetensors file.

    The matrix `NAME.weight` of a dense layer, of shape (outputs, inputs), becomes one of int8 and shape (inputs,
    outputs), and `NAME.scale` of shape (outputs,). Word vectors keep their shape, and have a scale of shape (words, 1).
    """
    quantized: dict[str, NDArray[Any]] = {}
    for name, tensor in _read(weights).items():
        if name == WORDS:
            quantized[name], quantized[_scale_of(name)] = _quantized(tensor, MAX_LEVEL)
        elif name.startswith("encoder.") and tensor.ndim == 2:
            levels, scales = _quantized(tensor, MAX_FACTOR)
            quantized[name], quantized[_scale_of(name)] = levels.T, scales[:, 0]
        elif name.startswith(("encoder.", "embeddings.")) and tensor.dtype == np.float32:
            quantized[name] = tensor
    return _write(quantized)


def _quantized(matrix: NDArray[np.float32], levels: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return the rows as whole numbers from -levels to levels, and their scales of shape (rows, 1)."""
    greatest = np.abs(matrix).max(axis=1, keepdims=True)
    scales = np.maximum(greatest, np.finfo(np.float32).tiny) / np.float32(levels)
    return np.rint(matrix / scales).astype(np.int8), scales


def _scale_of(name: str) -> str:
    return f"{name.removesuffix('.weight')}.scale"


def _read(content: bytes) -> Tensors:
    """Read the tensors of a safetensors file, but for those of types that `SAFETENSORS_TYPES` lacks."""
    (length,) = struct.unpack_from("<Q", content)
    types = {name: dtype for dtype, name in SAFETENSORS_TYPES.items()}
    return {
        name: np.frombuffer(
            content[8 + length + about["data_offsets"][0] : 8 + length + about["data_offsets"][1]],
            types[about["dtype"]],
        ).reshape(about["shape"])
        for name, about in orjson.loads(content[8 : 8 + length]).items()
        if about.get("dtype") in types
    }


def _write(tensors: Tensors) -> bytes:
    header, contents, end = {}, [], 0
    for name, tensor in sorted(tensors.items()):
        contents.append(np.ascontiguousarray(tensor).tobytes())
        begin, end = end, end + len(contents[-1])
        header[name] = {
            "dtype": SAFETENSORS_TYPES[tensor.dtype.name],
            "shape": tensor.shape,
            "data_offsets": [begin, end],
        }
    text = orjson.dumps(header)
    text += b" " * (-len(text) % 8)
    return b"".join((struct.pack("<Q", len(text)), text, *contents))
