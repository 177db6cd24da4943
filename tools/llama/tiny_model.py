"""Write a tiny language model with random weights as a GGUF file: a real model for a real server, which says nonsense.

It has a token for each byte, so that it can write anything, in particular any JSON that a schema demands of it. Run it
with the environment that `make llama` makes: `python tools/llama/tiny_model.py FILE`.
"""

import sys
from pathlib import Path

import numpy as np
from gguf import GGUFWriter, TokenType
from numpy.typing import NDArray

LAYERS, WIDTH, HEADS, INNER, CONTEXT = 2, 64, 4, 128, 32_768
# Bytes that end a string or a list, and that begin "null", are likelier than others: answers end before the limit of
# tokens, and have no limit of records that nobody could mean.
LIKELY = {'"': 6.0, "n": 5.0, "]": 4.0, "}": 4.0}
SPECIAL = [("<unk>", TokenType.UNKNOWN), ("<s>", TokenType.CONTROL), ("</s>", TokenType.CONTROL)]
TEMPLATE = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}assistant: "


def write(path: Path) -> None:
    """Write the model. It is the same every time."""
    tokens = [*(name for name, _ in SPECIAL), *(f"<0x{byte:02X}>" for byte in range(256))]
    types = [*(type_ for _, type_ in SPECIAL), *([TokenType.BYTE] * 256)]
    writer = GGUFWriter(path, "llama")
    writer.add_name("random weights")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(types)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(TEMPLATE)
    for name, tensor in _tensors(len(tokens)).items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _tensors(vocabulary: int) -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(0)

    def matrix(*shape: int) -> NDArray[np.float32]:
        return random.standard_normal(shape, np.float32) / np.float32(np.sqrt(shape[-1]))

    ones = np.ones(WIDTH, np.float32)
    tensors = {"token_embd.weight": matrix(vocabulary, WIDTH), "output_norm.weight": ones}
    # Every vector has a part in the first dimension, by which the output raises the likely bytes.
    tensors["token_embd.weight"][:, 0] = 3.0
    output = matrix(vocabulary, WIDTH)
    for character, bias in LIKELY.items():
        output[len(SPECIAL) + ord(character), 0] += bias
    tensors["output.weight"] = output
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        tensors |= {f"{block}.attn_{part}.weight": matrix(WIDTH, WIDTH) * 0.3 for part in ("q", "k", "v", "output")}
        tensors |= {f"{block}.ffn_{part}.weight": matrix(INNER, WIDTH) * 0.3 for part in ("gate", "up")}
        tensors[f"{block}.ffn_down.weight"] = matrix(WIDTH, INNER) * 0.3
        tensors |= {f"{block}.{norm}_norm.weight": ones for norm in ("attn", "ffn")}
    return tensors


if __name__ == "__main__":
    write(Path(sys.argv[1]))
