"""What the operator's own configuration decides about rendered objects."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RenderSettings:
    """Defaults that belong to an installation, not to a CakeDeployment.

    Attributes:
        engine_image: The image of engines that name none.
    """

    engine_image: str
