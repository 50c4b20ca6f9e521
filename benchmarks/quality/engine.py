"""A vLLM with a file tier of each codec: what it says with prefixes that were stored, forgotten and loaded."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.cells import MeasurementError
from benchmarks.quality.answers import Answers
from benchmarks.quality.material import BLOCK_TOKENS, Material, Text
from cake_engine.config import MEASURED_QUALITY, CodecName, ModelIdentity, StaticConfig, TierConfig, TierKind
from tests.engine.serving import Server, write_live

KV_CACHE_BYTES = 512 << 20
MEMORY_BYTES = 512 << 20
FILES_BYTES = 4 << 30
LONGEST = 4096
_ATTEMPTS = 5
_PAUSE_SECONDS = 6.0
"""Longer than a tier writes nothing after a write that failed."""


class Engine(Server):
    """Has a tier of each codec, all of which store what is computed; then loads from one at a time."""

    def __init__(self, model: Path, folder: Path, codecs: Sequence[CodecName]) -> None:
        """Start vLLM.

        Args:
            model: Folder of the model.
            folder: For the configuration and the file tiers; empty.
            codecs: Of the file tiers.
        """
        memory = TierConfig(name="memory", kind=TierKind.MEMORY, capacity_bytes=MEMORY_BYTES)
        files = [
            TierConfig(
                name=codec.lower(),
                kind=TierKind.FILE_SYSTEM,
                path=str(folder / codec),
                capacity_bytes=FILES_BYTES,
                codec=codec,
                quality_floor=0.0 if codec in MEASURED_QUALITY else None,
            )
            for codec in codecs
        ]
        live = folder / "tuning.json"
        static = StaticConfig(model=ModelIdentity(name="measured"), tiers=(memory, *files), live_config=str(live))
        (folder / "engine.json").write_text(static.to_json())
        write_live(folder, generation=1)
        settings: dict[str, Any] = {
            "dtype": "bfloat16",
            "max_model_len": LONGEST,
            "max_num_batched_tokens": 512,
            "kv_cache_memory_bytes": KV_CACHE_BYTES,
        }
        super().__init__(model, cake_config=folder / "engine.json", **settings)
        self._tiers = dict(zip(codecs, self.cake.manager.secondary_tiers, strict=True))

    def store(self, material: Material) -> None:
        """Compute all prefixes, which stores them on every tier; from now on nothing more is stored.

        Raises:
            MeasurementError: A tier did not take all of them.
        """
        self.tune(mode="ComputeOnly")
        for prefix in [*(text.prefix for text in material.texts), *material.contexts]:
            self._store(prefix)
        for tier in self._tiers.values():
            tier._store._no_writes_until = math.inf  # as after a failed write
        self.tune(mode="LoadOnly")

    def _store(self, prefix: list[int]) -> None:
        """Compute a prefix until all tiers have it: a machine that others use too may keep a write waiting too long."""
        for _ in range(_ATTEMPTS):
            self.tokens([prefix], 1)
            self.settle()
            files = {name: len(self._files(name)) for name in self._tiers}
            if len(set(files.values())) == 1:
                return
            time.sleep(_PAUSE_SECONDS)
            self.forget()
        raise MeasurementError(f"blocks on the tiers, which should be as many on each: {files}")

    def _files(self, codec: CodecName) -> list[Path]:
        return list((self.folder / codec).rglob("*.kv"))

    def answers(self, material: Material, codec: CodecName) -> Answers:
        """Answer with nothing but what one tier gives.

        Raises:
            MeasurementError: A prefix was not loaded.
        """
        for name, tier in self._tiers.items():
            tier._suspended_until = -math.inf if name is codec else math.inf  # as after a read that hung
        found = Answers(file_bytes=sum(file.stat().st_size for file in self._files(codec)))
        self.forget()
        for text in material.texts:
            self._continue(text, found)
        self.forget()
        self._answer_questions(material, found)
        return found

    def _continue(self, text: Text, found: Answers) -> None:
        """In one step: at each position what is most likely next, and how likely what stands there is."""
        parameters = self.parameters(1)
        parameters.prompt_logprobs, parameters.skip_reading_prefix_cache = 1, False  # those of loaded tokens are void
        request: Any = {"prompt_token_ids": text.prefix + text.continuation}
        (output,) = self.llm.generate([request], parameters, use_tqdm=False)
        self.cached = [output.num_cached_tokens or 0]
        self._check_loaded(text.prefix)
        for position, token in enumerate(text.continuation[1:], start=len(text.prefix) + 1):
            likely = (output.prompt_logprobs or [])[position] or {}
            found.next_tokens.append(max(likely, key=lambda one: likely[one].logprob))
            found.logprobs.append(float(likely[token].logprob))

    def _answer_questions(self, material: Material, found: Answers) -> None:
        seconds = []
        for number, session in enumerate(material.sessions):
            for turn in range(len(session.turns)):
                prompt = material.prompt(number, turn)
                if turn == 0:
                    began = time.perf_counter()
                    self.tokens([prompt], 1)
                    seconds.append(time.perf_counter() - began)
                    self._check_loaded(material.contexts[number])
                found.said += self.tokens([prompt], session.tokens)
        found.ttft_seconds = median(seconds)

    def _check_loaded(self, prefix: Sequence[int]) -> None:
        """All whole blocks of a prefix came from the tier."""
        whole = len(prefix) // BLOCK_TOKENS * BLOCK_TOKENS
        if self.cached[0] < whole:
            raise MeasurementError(f"of a stored prefix of {whole} tokens {self.cached[0]} were loaded")
