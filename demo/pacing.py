"""The load bandwidth that gives this machine the balance of a data centre's GPU.

Cake pays where computing a chunk of the prefix and loading it take similar times. The paper's Figure 4 (arXiv
2410.03065, 512-token chunks) has an A100 on a 32 Gbit/s SSD: about 40 ms of compute at the start of the prompt, growing
linearly with the position, against a flat 62 ms of I/O. A core is far slower and a local disk about as fast, so the
disk is slowed down, through the product's own knob, until a chunk's load is 62/40 of the first chunk's compute.
"""

from __future__ import annotations

from dataclasses import dataclass

CHUNK_TOKENS = 512
A100_FIRST_CHUNK_SECONDS = 0.040
A100_LAST_CHUNK_SECONDS = 0.112
A100_CHUNK_LOAD_SECONDS = 0.062


@dataclass(frozen=True, slots=True)
class Pace:
    """What was measured here, and the cap that follows.

    Attributes:
        first_chunk_seconds: Time to compute the first 512 tokens of a prompt here.
        bytes_per_token: Size of the KV cache of a token.
    """

    first_chunk_seconds: float
    bytes_per_token: int

    @property
    def chunk_load_seconds(self) -> float:
        """How long 512 tokens shall take to load."""
        return self.first_chunk_seconds * A100_CHUNK_LOAD_SECONDS / A100_FIRST_CHUNK_SECONDS

    @property
    def bytes_per_second(self) -> int:
        """The cap on reads from the shared tier."""
        return round(CHUNK_TOKENS * self.bytes_per_token / self.chunk_load_seconds)

    def sentence(self) -> str:
        """Say how the cap comes about."""
        here, a100 = self.first_chunk_seconds * 1000, A100_FIRST_CHUNK_SECONDS * 1000
        last, load = A100_LAST_CHUNK_SECONDS * 1000, A100_CHUNK_LOAD_SECONDS * 1000
        ours, rate = self.chunk_load_seconds * 1000, self.bytes_per_second / 1e6
        return (
            f"Computing the first {CHUNK_TOKENS} tokens takes {here:.0f} ms here; on an A100 it takes {a100:.0f} ms "
            f"(growing to {last:.0f} ms along the prompt), and loading them at 32 Gbit/s {load:.0f} ms (Cake, "
            f"Figure 4). The same ratio here is {ours:.0f} ms: with {self.bytes_per_token:,} bytes a token, a load "
            f"bandwidth of {rate:.1f} MB/s a pod (spec.balance.knobs.loadBandwidth)."
        )


def kv_bytes_per_token(config: dict[str, int], bytes_per_value: int = 2) -> int:
    """Return the KV cache size of one token for a transformers ``config.json`` (keys and values of every layer)."""
    return 2 * config["num_hidden_layers"] * config["num_key_value_heads"] * config["head_dim"] * bytes_per_value
