import importlib.util
import runpy
from pathlib import Path

import pytest

from cake_operator.api import CakeDeployment, slo_warnings
from cake_operator.api.advice import INTER_TOKEN_BOUNDS, TTFT_BOUNDS
from tests.unit.api.specs import FIVE_FIELDS, merged

TTFT = {"slo": {"ttft": {"target": "1s"}}}

CASES = [
    ("five fields", {}, []),
    ("targets on bounds", {"slo": {"ttft": {"target": "2500ms"}, "interTokenLatency": {"target": "0.05s"}}}, []),
    (
        "ttft between bounds",
        {"slo": {"ttft": {"target": "800ms"}}},
        [
            "slo.ttft.target 800ms lies between two bounds of vLLM's histogram, so whether it is met is interpolated:"
            " write 750ms or 1s to have it measured"
        ],
    ),
    (
        "both between bounds",
        {"slo": {"ttft": {"target": "3s"}, "interTokenLatency": {"target": "60ms"}}},
        ["write 2.5s or 5s to have it measured", "write 50ms or 75ms to have it measured"],
    ),
    (
        "a target below all bounds",
        {"slo": {"interTokenLatency": {"target": "5ms"}}},
        ["is below 10ms, the first bound"],
    ),
    ("a target above all bounds", {"slo": {"ttft": {"target": "1h"}}}, ["is above 2560s, the last bound"]),
    (
        "scaling that nothing drives",
        {"scaling": {"maxReplicas": 8}},
        ["scaling.maxReplicas 8 is never reached without an slo: write one"],
    ),
    (
        "a fleet that nothing lets sleep",
        {"scaling": {"minReplicas": 0}},
        ["scaling.minReplicas 0 is never reached without an slo: write one"],
    ),
    (
        "scaling that stands back",
        {"scaling": {"maxReplicas": 8}, "replicas": 2} | TTFT,
        ["scaling stands back because replicas is 2: remove replicas to scale by the slo"],
    ),
    (
        "scaling that stands back and has nothing to go by",
        {"scaling": {"maxReplicas": 8}, "replicas": 2},
        ["remove replicas to scale by an slo, and write one"],
    ),
    ("scaling by an slo", {"scaling": {"maxReplicas": 8}} | TTFT, []),
]


@pytest.mark.parametrize(("what", "spec", "sentences"), CASES, ids=[case[0] for case in CASES])
def test_advice_names_the_field_and_what_to_write(what, spec, sentences):
    warnings = slo_warnings(CakeDeployment.model_validate(merged(FIVE_FIELDS, {"spec": spec})).spec)
    assert len(warnings) == len(sentences)
    for warning, sentence in zip(warnings, sentences, strict=True):
        assert sentence in warning


def test_the_bounds_are_those_of_the_installed_vllm():
    # By path: importing vllm would take longer than all unit tests together.
    vllm = importlib.util.find_spec("vllm")
    assert vllm is not None
    assert vllm.origin is not None
    theirs = runpy.run_path(str(Path(vllm.origin).parent / "v1/metrics/buckets.py"))
    assert theirs["TIME_TO_FIRST_TOKEN_BUCKETS"] == TTFT_BOUNDS
    assert theirs["INTER_TOKEN_LATENCY_BUCKETS"] == INTER_TOKEN_BOUNDS
