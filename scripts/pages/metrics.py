"""The metrics reference: what the engine and the operator export, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.metrics import MetricWrapperBase

from cake_engine.core.metrics import CONFIGURATION, WORK, Metric
from cake_operator import instruments

_INTRODUCTION = """\
# Metrics

Made from `engine/cake_engine/core/metrics.py` and `operator/cake_operator/instruments.py` by `make generate`.

## Engine: what it does

On the engine's own `/metrics` (port 8000) beside vLLM's, with vLLM's labels `model_name` and `engine`. They appear once
there is something to count. Where `tier` is empty the tokens came from no tier.
"""

_CONFIGURATION = """\
## Engine: what it runs with

There from the start, on an idle engine too. A pod has applied the change whose generation it reports here.
"""

_OPERATOR = """\
## Operator

On port 8080 of the operator, path `/metrics`.
"""


def page() -> str:
    """The page docs/reference/metrics.md."""
    own = [_operator_metric(value) for value in vars(instruments).values() if isinstance(value, MetricWrapperBase)]
    return "\n".join(
        [_INTRODUCTION, _table(WORK), _CONFIGURATION, _table(CONFIGURATION), _OPERATOR, _table(own)],
    )


def _operator_metric(instrument: MetricWrapperBase) -> Metric:
    (described,) = instrument.describe()
    suffix = "_total" if described.type == "counter" else ""
    return Metric(described.name + suffix, described.type, described.documentation, instrument._labelnames)


def _table(metrics: Iterable[Metric]) -> str:
    rows = [
        f"| `{metric.name}` | {metric.kind} | {', '.join(f'`{label}`' for label in metric.labels)} | {metric.meaning} |"
        for metric in metrics
    ]
    return "\n".join(["| Metric | Type | Labels | Meaning |", "| --- | --- | --- | --- |", *rows, ""])
