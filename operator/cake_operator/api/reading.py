"""CakeDeployments as they were last read: a spec is validated once for each generation, not at every look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cake_operator.api.resource import CakeDeployment


class Readings:
    """The last reading of each CakeDeployment. Equal specs of one generation are the same object.

    Status is left out: it does not raise the generation.
    """

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], CakeDeployment] = {}

    def read(self, stored: Mapping[str, Any]) -> CakeDeployment:
        """The resource without its status, read anew only where its uid or generation is another one.

        Args:
            stored: The object as the API server has it.

        Raises:
            pydantic.ValidationError: It breaks a rule.
        """
        meta = stored["metadata"]
        last = self._last.get((meta["namespace"], meta["name"]))
        if last is not None and (last.metadata.uid, last.metadata.generation) == (meta["uid"], meta["generation"]):
            return last
        self.forget(meta["namespace"], meta["name"])
        resource = CakeDeployment.model_validate({**stored, "status": {}})
        self._last[meta["namespace"], meta["name"]] = resource
        return resource

    def forget(self, namespace: str, name: str) -> None:
        """Give up what was read of a CakeDeployment that is gone."""
        self._last.pop((namespace, name), None)
