"""The series of vLLM that are asked for are those that the installed vLLM exports."""

import re
from importlib.util import find_spec
from pathlib import Path

from cake_operator.observe.queries import FAMILIES, Percentiles
from cake_operator.observe.sampling import Sampling

SUFFIXES = re.compile(r"_(bucket|count|sum|total)$")


def exported() -> set[str]:
    """Names in vLLM's own source: importing it would take longer than all other unit tests together."""
    found = find_spec("vllm")
    assert found is not None
    assert found.origin is not None
    source = Path(found.origin).parent / "v1/metrics/loggers.py"
    return set(re.findall(r'name="(vllm:\w+)"', source.read_text()))


def test_every_series_of_vllm_that_is_asked_for_exists() -> None:
    percentiles = Percentiles(ttft=(90.0,), inter_token_latency=(90.0,))
    asked = {
        name
        for family in FAMILIES
        for query in family(Sampling(), percentiles)
        for name in re.findall(r"vllm:\w+", query.promql + query.clock)
    }
    assert len(asked) >= 6
    assert {SUFFIXES.sub("", name) for name in asked} <= exported()
