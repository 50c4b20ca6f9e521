"""Which pod goes when there shall be fewer: the one with the least to finish."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from cake_operator.observe.snapshot import Figure

__all__ = ["deletion_costs"]


def deletion_costs(pods: Collection[str], work: Mapping[str, Figure]) -> dict[str, int]:
    """What it costs to end each pod, in requests that would have to be waited for.

    A pod of which nothing is known counts as busier than any other. Nothing is said of any where nothing is known at
    all: Kubernetes then takes one as it always does.

    Args:
        pods: Names of the pods that serve.
        work: By pod, requests that it runs or queues.
    """
    known = {pod: round(figure.value) for pod, figure in work.items() if pod in pods and figure.value is not None}
    if not known:
        return {}
    unknown = max(known.values()) + 1
    return {pod: known.get(pod, unknown) for pod in sorted(pods)}
