"""Write the ONNX graphs of all-MiniLM-L6-v2 that the package carries, for weights of float32 and of int8.

A graph holds no weights: its initializers are ONNX external data, slices of the `model.safetensors` that lies
beside it. The model is BERT (Devlin et al., 2018) with 6 layers, 12 heads and 384 dimensions; pooling and
normalisation are fastembed's.

What is multiplied with int8 weights is quantized as it comes, every word piece by a scale of its own. So a vector does
not depend on the other texts of its batch, as it would with DynamicQuantizeLinear, which takes one scale for all.

    python -m tools.build_minilm_graph FOLDER

It reads FOLDER/model.safetensors, of float32, and writes the graphs to nlp2filters/embedding/minilm/.
"""

import json
import struct
import sys
from pathlib import Path
from typing import Any

from onnx import TensorProto, helper

from nlp2filters.embedding.quantization import MAX_LEVEL, quantize

LAYERS, HEADS, HIDDEN, EPSILON = 6, 12, 384, 1e-12
OPSET, IR_VERSION = 20, 9
TYPES = {"F32": TensorProto.FLOAT, "I8": TensorProto.INT8}
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def main() -> None:
    weights = (Path(sys.argv[1]) / "model.safetensors").read_bytes()
    folder = Path(__file__).parent.parent / "nlp2filters" / "embedding" / "minilm"
    for name, content in {"model.onnx": weights, "model.int8.onnx": quantize(weights)}.items():
        (folder / name).write_bytes(build(content))
        print(f"{folder / name}: {(folder / name).stat().st_size} bytes")


def build(weights: bytes) -> bytes:
    """The serialized graph for the content of a `model.safetensors`; equal input gives equal bytes."""
    graph = Graph(weights)
    graph.bert()
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "seq"]) for name in INPUTS]
    output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "seq", HIDDEN])
    proto = helper.make_graph(graph.nodes, "all-MiniLM-L6-v2", inputs, [output], graph.initializers)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    return model.SerializeToString(deterministic=True)  # type: ignore[no-any-return]


class Graph:
    """Nodes and initializers as they are added; every method gives the name of its output."""

    def __init__(self, weights: bytes) -> None:
        (length,) = struct.unpack_from("<Q", weights)
        self.header = json.loads(weights[8 : 8 + length])
        self.data_begin = 8 + length
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.quantized: dict[str, tuple[str, str, str]] = {}
        self.per_head = self.constant([0, 0, HEADS, HIDDEN // HEADS])
        self.joined = self.constant([0, 0, HIDDEN])

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [f"t{len(self.nodes)}"], **attributes))
        return str(self.nodes[-1].output[0])

    def constant(self, value: Any, kind: int = TensorProto.INT64) -> str:
        values = value if isinstance(value, list) else [value]
        shape = [len(value)] if isinstance(value, list) else []
        return self.op("Constant", value=helper.make_tensor("", kind, shape, values))

    def weight(self, name: str) -> str:
        begin, end = self.header[name]["data_offsets"]
        tensor = TensorProto(
            name=name,
            data_type=TYPES[self.header[name]["dtype"]],
            dims=self.header[name]["shape"],
            data_location=TensorProto.EXTERNAL,
        )
        place = {"location": "model.safetensors", "offset": str(self.data_begin + begin), "length": str(end - begin)}
        for key, value in place.items():
            tensor.external_data.add(key=key, value=value)
        self.initializers.append(tensor)
        return name

    def dense(self, x: str, name: str) -> str:
        if self.header[f"{name}.weight"]["dtype"] == "I8":
            product = self.product_of_bytes(x, name)
        else:
            product = self.op("MatMul", x, self.op("Transpose", self.weight(f"{name}.weight"), perm=[1, 0]))
        return self.op("Add", product, self.weight(f"{name}.bias"))

    def product_of_bytes(self, x: str, name: str) -> str:
        levels, zero, steps = self.as_bytes(x)
        sums = self.op("MatMulInteger", levels, self.weight(f"{name}.weight"), zero)
        product = self.op("Mul", self.op("Cast", sums, to=TensorProto.FLOAT), self.weight(f"{name}.scale"))
        return self.op("Mul", product, steps)

    def as_bytes(self, x: str) -> tuple[str, str, str]:
        """x as bytes, the byte that stands for 0, and what a step of the bytes means in each row."""
        if x not in self.quantized:
            greatest = self.op("ReduceMax", self.op("Abs", x), self.constant([-1]))
            steps = self.op("Div", greatest, self.constant(float(MAX_LEVEL), TensorProto.FLOAT))
            one, zero = self.constant(1.0, TensorProto.FLOAT), self.constant(128, TensorProto.UINT8)
            self.quantized[x] = self.op("QuantizeLinear", self.op("Div", x, steps), one, zero), zero, steps
        return self.quantized[x]

    def norm(self, x: str, name: str) -> str:
        weight, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.op("LayerNormalization", x, weight, bias, axis=-1, epsilon=EPSILON)

    def heads(self, x: str, perm: list[int]) -> str:
        """[batch, seq, hidden] as one matrix per head, its axes in the order `perm`."""
        return self.op("Transpose", self.op("Reshape", x, self.per_head), perm=perm)

    def bert(self) -> None:
        visible = self.op("Unsqueeze", "attention_mask", self.constant([1, 2]))
        hidden = self.op("Sub", self.constant(1.0, TensorProto.FLOAT), self.op("Cast", visible, to=TensorProto.FLOAT))
        mask = self.op("Mul", hidden, self.constant(-1e9, TensorProto.FLOAT))
        x = self.embeddings()
        for i in range(LAYERS):
            x = self.layer(x, mask, f"encoder.layer.{i}")
        self.nodes[-1].output[0] = "last_hidden_state"

    def embeddings(self) -> str:
        at = "embeddings"
        words = self.op("Gather", self.weight(f"{at}.word_embeddings.weight"), "input_ids")
        if f"{at}.word_embeddings.scale" in self.header:
            scales = self.op("Gather", self.weight(f"{at}.word_embeddings.scale"), "input_ids")
            words = self.op("Mul", self.op("Cast", words, to=TensorProto.FLOAT), scales)
        types = self.op("Gather", self.weight(f"{at}.token_type_embeddings.weight"), "token_type_ids")
        length = self.op("Shape", "input_ids", start=1, end=2)
        table, zero = self.weight(f"{at}.position_embeddings.weight"), self.constant([0])
        places = self.op("Slice", table, zero, length, zero)
        return self.norm(self.op("Add", self.op("Add", words, types), places), f"{at}.LayerNorm")

    def layer(self, x: str, mask: str, at: str) -> str:
        mixed = self.dense(self.attention(x, mask, f"{at}.attention.self"), f"{at}.attention.output.dense")
        x = self.norm(self.op("Add", x, mixed), f"{at}.attention.output.LayerNorm")
        up = self.op("Gelu", self.dense(x, f"{at}.intermediate.dense"))
        return self.norm(self.op("Add", x, self.dense(up, f"{at}.output.dense")), f"{at}.output.LayerNorm")

    def attention(self, x: str, mask: str, at: str) -> str:
        scale = self.constant((HIDDEN / HEADS) ** -0.5, TensorProto.FLOAT)
        query = self.heads(self.op("Mul", self.dense(x, f"{at}.query"), scale), [0, 2, 1, 3])
        key = self.heads(self.dense(x, f"{at}.key"), [0, 2, 3, 1])
        value = self.heads(self.dense(x, f"{at}.value"), [0, 2, 1, 3])
        weights = self.op("Softmax", self.op("Add", self.op("MatMul", query, key), mask), axis=-1)
        return self.op(
            "Reshape", self.op("Transpose", self.op("MatMul", weights, value), perm=[0, 2, 1, 3]), self.joined
        )


if __name__ == "__main__":
    main()
