"""The smallest fleet that serves: random weights of a few kilobytes, and what may be asked of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from demo.server import Server
from tests.engine.serving import make_model

MEMORY = {"name": "memory", "memory": {}, "capacity": "64Mi"}
_VARIABLES = {
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "TORCHDYNAMO_DISABLE": "1",
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_SERVER_DEV_MODE": "1",
}
_ENGINE: dict[str, Any] = {
    "args": [
        *("--skip-tokenizer-init", "--dtype=float32", "--enforce-eager", "--block-size=32", "--max-model-len=2048"),
        *("--max-num-batched-tokens=128", "--max-num-seqs=8"),
    ],
    "resources": {"requests": {"cpu": "200m", "memory": "1Gi"}},
    "drain": {"preStop": "2s", "shutdownTimeout": "600s"},
    "podTemplate": {
        "spec": {
            "containers": [
                {"name": "engine", "env": [{"name": name, "value": value} for name, value in _VARIABLES.items()]}
            ],
        }
    },
}


def weights(folder: Path) -> Path:
    """Make the weights, for the claim `models`."""
    model = make_model(folder)
    # The pods run as another user.
    model.chmod(0o755)
    for file in model.iterdir():
        file.chmod(0o644)
    return model


def deployment(namespace: str, name: str, *, kv_bytes: int = 64 << 20, **spec: Any) -> dict[str, Any]:
    """A CakeDeployment of one replica that serves them.

    Args:
        namespace: Its own.
        name: Its own.
        kv_bytes: Of the device's KV cache.
        spec: The rest, tiers above all.
    """
    engine = _ENGINE | {"args": [*_ENGINE["args"], f"--kv-cache-memory-bytes={kv_bytes}"]}
    model = {"name": "tiny", "source": {"persistentVolumeClaim": {"claimName": "models"}}}
    return {
        "apiVersion": "cake.dev/v1alpha1",
        "kind": "CakeDeployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"model": model, "engine": engine, "replicas": 1, **spec},
    }


def complete(server: Server, tokens: list[int], count: int = 8) -> list[int]:
    """The next tokens after a prompt, greedily."""
    body = {"model": "tiny", "prompt": tokens, "max_tokens": count, "temperature": 0, "ignore_eos": True}
    answer = server.post("/v1/completions", body | {"return_token_ids": True, "detokenize": False})
    return list(answer["choices"][0]["token_ids"])
