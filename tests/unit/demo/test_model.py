import pytest

from demo.model import transformers_config, transformers_name

FIELDS = {
    "llama.embedding_length": 576,
    "llama.attention.head_count": 9,
    "llama.attention.head_count_kv": 3,
    "llama.feed_forward_length": 1536,
    "llama.block_count": 30,
    "llama.attention.layer_norm_rms_epsilon": 1e-5,
    "llama.rope.freq_base": 100000.0,
    "llama.context_length": 8192,
    "llama.vocab_size": 49152,
    "tokenizer.ggml.bos_token_id": 1,
    "tokenizer.ggml.eos_token_id": 2,
    "tokenizer.ggml.padding_token_id": 2,
}


@pytest.mark.parametrize(
    ("gguf", "name"),
    [
        ("token_embd.weight", "model.embed_tokens.weight"),
        ("output_norm.weight", "model.norm.weight"),
        ("output.weight", "lm_head.weight"),
        ("blk.0.attn_q.weight", "model.layers.0.self_attn.q_proj.weight"),
        ("blk.29.ffn_norm.weight", "model.layers.29.post_attention_layernorm.weight"),
    ],
)
def test_every_tensor_has_the_name_that_transformers_looks_for(gguf: str, name: str) -> None:
    assert transformers_name(gguf) == name


def test_a_tensor_of_another_architecture_is_refused() -> None:
    with pytest.raises(KeyError):
        transformers_name("blk.0.ssm_in.weight")


@pytest.mark.parametrize("tied", [True, False])
def test_the_configuration_says_whether_the_output_layer_is_the_embedding(tied: bool) -> None:
    config = transformers_config(FIELDS, tied=tied)
    assert (config["tie_word_embeddings"], config["head_dim"]) == (tied, 64)
