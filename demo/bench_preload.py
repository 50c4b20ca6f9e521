"""Imported once by the load generator's fork server: vLLM's benchmark, which takes seconds of a core to import."""

import contextlib
import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")

with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):  # torch warns that there is no triton
    import vllm.benchmarks.serve  # noqa: F401 - to have it
