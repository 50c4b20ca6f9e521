"""What Prometheus answered, as samples by owner; anything else than a vector of samples is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cake_operator.observe.promql import DEPLOYMENT

Owner = tuple[str, str]
"""(namespace, name) of a CakeDeployment."""
Samples = Mapping[Owner, Mapping[str, float]]
"""By owner, then by the value of the label that divides the figure (empty when none does)."""


class MalformedAnswerError(ValueError):
    """Prometheus, or what stands at its address, answered something that is not a vector of samples."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of one query: its values and the ages of the samples behind them, in seconds."""

    values: Samples
    ages: Samples


def samples(result: Any, by: str = "") -> Samples:
    """Read an instant vector.

    Args:
        result: `data.result` of the answer to an instant query.
        by: The label that divides the figure; empty when none does.

    Raises:
        MalformedAnswerError: It is not a vector of samples.
    """
    if not isinstance(result, Sequence) or isinstance(result, str):
        raise MalformedAnswerError(f"expected a list of samples, found {result!r:.80}")
    found: dict[Owner, dict[str, float]] = {}
    for entry in result:
        owner, part, value = _sample(entry, by)
        found.setdefault(owner, {})[part] = value
    return found


def _sample(entry: Any, by: str) -> tuple[Owner, str, float]:
    try:
        labels, (_, text) = entry["metric"], entry["value"]
        owner = (str(labels.get("namespace", "")), str(labels.get(DEPLOYMENT, "")))
        return owner, str(labels.get(by, "")) if by else "", float(text)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise MalformedAnswerError(f"expected a sample, found {entry!r:.80}") from None
