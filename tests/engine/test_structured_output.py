"""Structured output: the grammar's mask and Cake's jumps meet in the same step, and the tokens stay the same."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast
from vllm import SamplingParams
from vllm.sampling_params import StructuredOutputsParams

from tests.engine.conftest import PROMPT
from tests.engine.serving import VOCABULARY, Server, write_config

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
PATTERN = "([a-f][0-9]{2}){8}"


@pytest.fixture(scope="module")
def worded(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model with a tokenizer whose words are one or two characters."""
    folder = tmp_path_factory.mktemp("worded")
    shutil.copytree(model, folder, dirs_exist_ok=True)
    words = ["<unk>", "<s>", "</s>", *ALPHABET, *map("".join, itertools.product(ALPHABET, repeat=2))]
    vocabulary = {word: index for index, word in enumerate(words[:VOCABULARY])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.decoder = decoders.Fuse()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    ).save_pretrained(folder)
    return folder


def answer(server: Server) -> Any:
    guided = SamplingParams(
        temperature=0, max_tokens=40, structured_outputs=StructuredOutputsParams(regex=PATTERN), ignore_eos=False
    )
    output = server.llm.generate([{"prompt_token_ids": PROMPT}], guided, use_tqdm=False)[0]
    server.cached = [output.num_cached_tokens]
    return output.outputs[0]


@pytest.fixture(scope="module")
def expected(worded: Path) -> list[int]:
    server = Server(worded, skip_tokenizer_init=False)
    try:
        plain = answer(server)
    finally:
        server.close()
    assert len(plain.text) == 24, plain.text
    return list(plain.token_ids)


@pytest.fixture(scope="module")
def server(worded: Path, expected: list[int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(worded, cake_config=write_config(tmp_path_factory.mktemp("cake")), skip_tokenizer_init=False)
    try:
        assert list(answer(server).token_ids) == expected
        yield server
    finally:
        server.close()


@pytest.mark.parametrize("mode", ["LoadOnly", "Adaptive", "Static"])
def test_the_answer_is_the_same_when_the_prefix_comes_back(server: Server, expected: list[int], mode: str) -> None:
    meeting = {"staticMeetingPoint": 0.5} if mode == "Static" else {}
    server.tune(mode=mode, loadBandwidthBytesPerSecond={"shared": 40e6}, **meeting)
    server.forget()
    assert list(answer(server).token_ids) == expected
    assert mode != "Static" or server.cached == [992]
