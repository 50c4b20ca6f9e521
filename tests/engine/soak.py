"""Thousands of requests through one engine, with what it holds and its memory as they pass.

    python -m tests.engine.soak 10000

Every figure has to be as small at the end as at the beginning.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import psutil

from tests.engine.serving import Server, make_model, prompt, write_config

BATCH = 100


def main(requests: int) -> None:
    """Serve `requests` short requests, one in five of them with a stored prefix."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(make_model(Path(folder) / "model"), cake_config=write_config(Path(folder)), max_num_seqs=32)
        try:
            for first in range(0, requests, BATCH):
                seeds = (i if i % 5 else i % 50 for i in range(first, first + BATCH))
                server.tokens([prompt(128, seed) for seed in seeds], 2)
                if first % (10 * BATCH) == 0:
                    held = {name: count for name, count in server.idle().items() if count}
                    print(first + BATCH, f"{psutil.Process().memory_info().rss >> 20} MiB", held or "nothing held")
        finally:
            server.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
