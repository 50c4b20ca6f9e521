"""Cake inside vLLM: the only package that imports it, and not on a release that it was not written for."""

import vllm

from cake_engine.vllm_releases import release_of

release_of(vllm.__version__)
