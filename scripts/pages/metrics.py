"""The metrics reference: what the engine and the operator export, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prometheus_client.metrics import MetricWrapperBase

from cake_engine.core.metrics import CONFIGURATION, WORK, Metric
from cake_operator import instruments
from cake_operator.fleet_metrics import FLEET

_INTRODUCTION = """\
# Metrics

Made from `engine/cake_engine/core/metrics.py`, `operator/cake_operator/instruments.py` and
`operator/cake_operator/fleet_metrics.py` by `make generate`.

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

On port 8080 of the operator, path `/metrics`; `/metrics?name[]=cake_operator_acting` has that one alone.
"""

_FLEET = """\
## Operator: each CakeDeployment

On the same page, of every replica, with the labels `namespace` and `cake_dev_deployment` of the CakeDeployment: scrape
it with `honor_labels: true`, and take the maximum over replicas.
"""


def page() -> str:
    """The page docs/reference/metrics.md."""
    own = [value for value in vars(instruments).values() if isinstance(value, MetricWrapperBase)]
    return "\n".join(
        [
            _INTRODUCTION,
            _table(map(_engine_row, WORK)),
            _CONFIGURATION,
            _table(map(_engine_row, CONFIGURATION)),
            _OPERATOR,
            _table(map(_operator_row, own)),
            _FLEET,
            _table(_row(one.name, "gauge", one.labels, one.meaning) for one in FLEET),
        ]
    )


def _engine_row(metric: Metric) -> str:
    return _row(metric.name, metric.kind, metric.labels, metric.meaning)


def _operator_row(instrument: MetricWrapperBase) -> str:
    (described,) = instrument.describe()
    suffix = "_total" if described.type == "counter" else ""
    # The client library tells labels of a metric that has no samples yet by this attribute alone.
    return _row(described.name + suffix, described.type, instrument._labelnames, described.documentation)


def _row(name: str, kind: str, labels: Sequence[str], meaning: str) -> str:
    return f"| `{name}` | {kind} | {', '.join(f'`{label}`' for label in labels)} | {meaning} |"


def _table(rows: Iterable[str]) -> str:
    return "\n".join(["| Metric | Type | Labels | Meaning |", "| --- | --- | --- | --- |", *rows, ""])
