"""Real vLLM in this process, small and fast, for tests that compare tokens."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from blake3 import blake3
from transformers import LlamaConfig, LlamaForCausalLM

from cake_engine.store.keys import key_at

BLOCK = 32
VOCABULARY = 512


def make_model(folder: Path) -> Path:
    """A random Llama of 4 layers without a tokenizer; weights wide enough that a wrong KV shows in the tokens."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        head_dim=32,
        bos_token_id=1,
        eos_token_id=2,
        tie_word_embeddings=False,
        initializer_range=0.2,
        dtype="float32",
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def prompt(tokens: int, seed: int) -> list[int]:
    """Random tokens."""
    draw = random.Random(seed)
    return [draw.randrange(3, VOCABULARY) for _ in range(tokens)]


class Server:
    """One vLLM engine, with Cake or plain."""

    def __init__(self, model: Path, *, cake_config: Path | None = None, **overrides: Any) -> None:
        from vllm import LLM
        from vllm.distributed.kv_transfer import ensure_kv_transfer_shutdown

        settings: dict[str, Any] = {
            "model": str(model),
            "skip_tokenizer_init": True,
            "dtype": "float32",
            "enforce_eager": True,
            "max_model_len": 4096,
            "max_num_batched_tokens": 128,
            "max_num_seqs": 8,
            "seed": 0,
            "enable_prefix_caching": True,
            "block_size": BLOCK,
            "kv_cache_memory_bytes": 64 << 20,
            "disable_log_stats": True,
            "distributed_executor_backend": "uni",
        }
        if cake_config is not None:
            settings["scheduler_cls"] = "cake_engine.vllm.scheduler.CakeScheduler"
            settings["kv_transfer_config"] = {
                "kv_connector": "CakeConnector",
                "kv_connector_module_path": "cake_engine.vllm.connector",
                "kv_role": "kv_both",
                "kv_connector_extra_config": {"cake_config": str(cake_config)},
            }
        try:
            self.llm = LLM(**(settings | overrides))
        except BaseException:
            # The worker may have its connector by then, in a global where the next engine would take it for its own.
            ensure_kv_transfer_shutdown()
            raise
        self.core = self.llm.llm_engine.engine_core.engine_core
        self.scheduler = self.core.scheduler
        self.cached: list[int] = []
        self.finished: list[Any] = []
        self._generation = 1
        if cake_config is not None:
            self.folder = cake_config.parent
            self._remember_keys()

    @property
    def cake(self) -> Any:
        """Cake's schedule."""
        return self.scheduler.cake

    @property
    def tier(self) -> Any:
        """The file tier."""
        return self.cake.manager.secondary_tiers[0]

    def _remember_keys(self) -> None:
        plan = self.cake._plan
        self.keys: list[bytes] = []

        def planned(request: Any, computed: int, keys: list[bytes], *others: Any) -> Any:
            self.keys = keys
            return plan(request, computed, keys, *others)

        self.cake._plan = planned

    def files(self) -> list[Path]:
        """The files of the last prompt's chunks, in order; a block file's header holds the digest of its key."""
        by_key = {file.read_bytes()[64:96]: file for file in (self.folder / "tier").rglob("*") if _is_block(file)}
        return [by_key[blake3(key).digest()] for key in self.tier_keys if blake3(key).digest() in by_key]

    @property
    def tier_keys(self) -> list[bytes]:
        """Keys of the last prompt's chunks on the file tier."""
        return [key_at(key, end * self.cake.chunk_tokens) for end, key in enumerate(self.keys, start=1)]

    def remove(self, chunks: Sequence[int]) -> dict[Path, bytes]:
        """Take chunks of the last prompt from the file tier, which knows of it; what their files were."""
        files = self.files()
        gone = {files[chunk]: files[chunk].read_bytes() for chunk in chunks}
        for file in gone:
            file.unlink()
        for chunk in chunks:
            self.tier._presence.note(self.tier_keys[chunk], False)
        return gone

    def parameters(self, tokens: int) -> Any:
        """Greedy sampling of exactly this many tokens."""
        from vllm import SamplingParams

        return SamplingParams(temperature=0, max_tokens=tokens, detokenize=False, ignore_eos=True)

    def tokens(self, prompts: Sequence[list[int]], max_tokens: int = 16, **options: Any) -> list[list[int]]:
        """Serve these prompts at once; their greedy tokens."""
        requests = [{"prompt_token_ids": p} for p in prompts]
        outputs = self.llm.generate(requests, self.parameters(max_tokens), use_tqdm=False, **options)
        self.cached = [output.num_cached_tokens for output in outputs]
        return [list(output.outputs[0].token_ids) for output in outputs]

    def begin(self, tokens: list[int], max_tokens: int = 16) -> str:
        """Add a request without stepping; its identifier in the engine."""
        name = f"manual-{time.monotonic_ns()}"
        self.llm.llm_engine.add_request(name, {"prompt_token_ids": tokens}, self.parameters(max_tokens))
        return next(rid for rid in self.scheduler.requests if rid.startswith(name))

    def step_until(self, condition: Callable[[], bool], seconds: float = 120.0) -> None:
        """Step the engine until something is so."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"it never came to that: {self.state()}"
            self.step()

    def step(self) -> None:
        """Step the engine once; what it says is kept, as a slow machine may have come to the first token by now."""
        self.finished += [o for o in self.llm.llm_engine.step() if o.finished]

    def finish(self) -> list[list[int]]:
        """Step until no request is left; tokens of those that ended, in order of their end."""
        self.step_until(lambda: not self.llm.llm_engine.has_unfinished_requests(), 240.0)
        done, self.finished = self.finished, []
        return [list(output.outputs[0].token_ids) for output in done]

    def tune(self, **live: Any) -> None:
        """Publish a live configuration and wait until it is in force."""
        self._generation += 1
        write_live(self.folder, self._generation, **live)
        deadline = time.monotonic() + 60
        while self.cake._live.generation != self._generation:
            assert time.monotonic() < deadline, "the live configuration was not taken"
            time.sleep(0.01)

    def idle(self) -> dict[str, int]:
        """What must be zero once nothing is running: a leak in any of these pins memory for ever."""
        self.settle()
        primary = self.cake.manager.primary_tier
        used = primary._num_allocated_chunks - len(primary._free_list)
        return {
            "plans": len(self.cake._active),
            "copies": len(self.cake._copies),
            "reads": len(self.cake.reads),
            "waiting": len(self.cake.prefetch),
            "read ahead": self.cake.prefetch.chunks,
            "passed over": sum(len(order) for order in self.cake._orders),
            "pinned chunks": used - primary._num_evictable_cache_chunks,
            "transfers": len(self.cake.manager._jobs),
            "requests": len(self.cake._req_status),
        }

    def state(self) -> str:
        """What the engine is about, for the message of a test that waited in vain."""
        requests = {name: (r.status.name, r.num_output_tokens) for name, r in self.scheduler.requests.items()}
        if not hasattr(self.scheduler, "cake"):
            return f"{requests}"
        prefetch, depth = self.cake.prefetch, self.tier._reads.depth
        waiting = {
            n: (len(w.tiers), w.looked_up, len(w.ahead.asked), len(w.ahead.held), len(w.ahead._lost))
            for n, w in prefetch._waiting.items()
        }
        return f"{requests}, {waiting=}, held {prefetch.chunks}, reads {len(self.cake.reads)}, queue {depth}"

    def settle(self, seconds: float = 120.0) -> None:
        """Step until stores and writes are done."""
        deadline = time.monotonic() + seconds
        while self.scheduler.connector.has_pending_push_work():
            assert time.monotonic() < deadline, "stores did not end"
            self.core.step()
        self.core.step()

    def forget(self) -> None:
        """Empty device and memory caches, keep the files, and poison what is left in the pool."""
        self.settle()
        assert self.llm.reset_prefix_cache(reset_connector=True)
        self.core.step()
        self.poison()

    def poison(self) -> None:
        """Overwrite all KV, on the device and in memory, so that nothing stale can pass for right."""
        self.llm.collective_rpc(_poison)

    def close(self) -> None:
        """End the engine and its threads now: what vLLM finalizes later takes the next engine's globals with it."""
        self.llm.llm_engine.engine_core.shutdown()


def _poison(_worker: object) -> None:
    """Runs in each of vLLM's workers, which may be processes of their own."""
    from vllm.distributed.kv_transfer import get_kv_transfer_group

    copier = get_kv_transfer_group().connector_worker.worker
    for pages in (*copier._pages, *copier._rows):
        pages[...] = 0x41


def _is_block(file: Path) -> bool:
    return file.is_file() and file.stat().st_size > 4096


def write_config(folder: Path, *, memory_chunks: int = 512, chunk_tokens: int | None = None, **file_tier: Any) -> Path:
    """A static and a live configuration in `folder`; returns the static one's path."""
    chunk_bytes = 4 * 2 * 2 * 32 * 4 * BLOCK
    memory = {"name": "memory", "kind": "Memory", "capacityBytes": memory_chunks * chunk_bytes}
    files = {"name": "shared", "kind": "FileSystem", "path": str(folder / "tier"), "capacityBytes": 1 << 30}
    config = {
        "version": 1,
        "model": {"name": "tiny"},
        "tiers": [memory, files | file_tier],
        "chunkTokens": chunk_tokens,
        "liveConfig": str(folder / "tuning.json"),
    }
    (folder / "engine.json").write_text(json.dumps(config))
    write_live(folder, generation=1)
    return folder / "engine.json"


def write_live(folder: Path, generation: int, **live: Any) -> None:
    """Publish a live configuration as Kubernetes does: a new file takes the old one's place."""
    fresh = folder / "tuning.json.new"
    fresh.write_text(json.dumps({"version": 1, "generation": generation, "minimumLoadTokens": 64, **live}))
    fresh.replace(folder / "tuning.json")
