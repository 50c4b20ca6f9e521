"""What must be said of a cluster that was not started here, because nobody can find it out: variables.

docs/how-to/your-cluster.md describes them for users.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import yaml

from cake_operator.render.merging import MergeError, strategic_merge
from tests.localcluster.errors import LocalClusterError

KUBECONFIG = "CAKE_KUBECONFIG"
ENGINE = "CAKE_ENGINE_SPEC"
REQUIRED = {
    "CAKE_OPERATOR_IMAGE": "the operator's image (images/operator.Dockerfile)",
    "CAKE_ENGINE_IMAGE": "the engine's image, with vLLM (images/engine.Dockerfile)",
    "CAKE_PROMETHEUS_IMAGE": "an image of Prometheus",
    "CAKE_STORAGE_CLASS": "a StorageClass that gives ReadWriteMany volumes",
}


@dataclass(frozen=True)
class Images:
    """What pods run, as the nodes know or can pull it."""

    operator: str
    engine: str
    prometheus: str


@dataclass(frozen=True)
class Provisions:
    """What a cluster has for pods of ours.

    Attributes:
        images: what they run.
        storage_class: gives volumes that pods on all nodes may write.
        engine: fields for ``spec.engine`` of every CakeDeployment, such as resources with a GPU.
    """

    images: Images
    storage_class: str
    engine: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """What the variables say.

        Raises:
            LocalClusterError: one is missing, or the file that one names cannot be used; says what to set.
        """
        if missing := [f"{name}: {what}" for name, what in REQUIRED.items() if not environment.get(name)]:
            raise LocalClusterError(
                f"The cluster that {KUBECONFIG} names needs more to be said; set {'; '.join(missing)}. "
                "See docs/how-to/your-cluster.md."
            )
        operator, engine, prometheus, storage_class = (environment[name] for name in REQUIRED)
        return cls(Images(operator, engine, prometheus), storage_class, _engine(environment.get(ENGINE)))


def named_kubeconfig() -> Path | None:
    """The file that $CAKE_KUBECONFIG names, if it is set.

    Raises:
        LocalClusterError: there is no such file.
    """
    named = os.environ.get(KUBECONFIG)
    if not named:
        return None
    if not Path(named).is_file():
        raise LocalClusterError(f"{KUBECONFIG} names {named}, which is not a file: unset it or correct it.")
    return Path(named).absolute()


def _engine(path: str | None) -> dict[str, Any]:
    if not path:
        return {}
    try:
        fields = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise LocalClusterError(f"{ENGINE} names {path}, which is no YAML file that can be read: {error}") from None
    if not isinstance(fields, dict):
        raise LocalClusterError(f"{path}, which {ENGINE} names, must hold fields of spec.engine, such as `resources:`.")
    try:
        strategic_merge({}, fields, where=path)
    except MergeError as error:
        raise LocalClusterError(f"{ENGINE} names a file with a mistake: {error}") from None
    return fields
