"""What the operator's own configuration decides about rendered objects."""

from __future__ import annotations

from dataclasses import dataclass

from cake_operator.render.prometheus_rule import RuleSettings


@dataclass(frozen=True)
class RenderSettings:
    """Defaults that belong to an installation, not to a CakeDeployment.

    Attributes:
        engine_image: The image of engines that name none.
        rules: For PrometheusRules; None where the cluster has no such kind.
    """

    engine_image: str
    rules: RuleSettings | None = None
