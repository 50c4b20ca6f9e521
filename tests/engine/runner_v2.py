"""Run Cake on vLLM's model runner V2 and print, as JSON, how its tokens compare with plain compute's.

The runner keeps its state in kernels written in Triton, which a CPU can only interpret: a process of its own, with
Triton from a folder that no other test sees, and short prompts.

    TRITON_INTERPRET=1 VLLM_USE_V2_MODEL_RUNNER=1 python -m tests.engine.runner_v2 FOLDER
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import triton.backends

PROMPT_TOKENS = 700
CAP = {"loadBandwidthBytesPerSecond": {"shared": 5e6}}
MODES: dict[str, dict[str, Any]] = {
    "LoadOnly": {"mode": "LoadOnly"},
    "Adaptive": {"mode": "Adaptive"},
    "Static": {"mode": "Static", "staticMeetingPoint": 0.4},
}


def pretend_a_device() -> None:
    """Triton asks for an active driver before it interprets anything, and this machine has none."""
    driver = SimpleNamespace(is_active=lambda: True)
    triton.backends.backends.clear()
    triton.backends.backends["cpu"] = SimpleNamespace(driver=driver)


def compare(folder: Path) -> dict[str, Any]:
    """Serve one prompt and three at once in each mode.

    Returns:
        The runner's class, and for each mode: whether all tokens are the same, cached tokens, and jumps announced.
    """
    from cake_engine.vllm import adapter
    from tests.engine.serving import Server, make_model, prompt, write_config

    one = prompt(PROMPT_TOKENS, seed=1)
    three = [prompt(300 + 37 * i, seed=100 + i) for i in range(3)]
    model = make_model(folder / "model")
    plain = Server(model)
    runner = type(plain.core.model_executor.driver_worker.worker.model_runner)
    expected = plain.tokens([one], 8), plain.tokens(three, 8)
    plain.close()

    jumps: list[str] = []
    announce_again = adapter.announce_again

    def announced(scheduler: Any, output: Any, request_ids: Collection[str]) -> None:
        jumps.extend(request_ids)
        announce_again(scheduler, output, request_ids)

    adapter.announce_again = announced
    server = Server(model, cake_config=write_config(folder))
    report: dict[str, Any] = {"runner": runner.__module__, "stored": (server.tokens([one], 8), server.tokens(three, 8))}
    report["stored"] = report["stored"] == expected
    for name, live in MODES.items():
        server.tune(**live, **CAP)
        jumps.clear()
        server.forget()
        same = server.tokens([one], 8) == expected[0]
        cached = server.cached[0]
        server.forget()
        same = server.tokens(three, 8) == expected[1] and same
        report[name] = {"same": same, "cached": cached, "jumps": len(jumps)}
    server.close()
    return report


if __name__ == "__main__":
    pretend_a_device()
    print(json.dumps(compare(Path(sys.argv[1]))))
