"""What the demo puts into a cluster beside its CakeDeployment: the operator by its chart, and Prometheus."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from string import Template
from typing import Any

import yaml

from cake_operator.api import CakeDeployment
from cake_operator.observe.sampling import Sampling
from cake_operator.rulefile import rule_file
from tests.localcluster import Cluster, Images

CHECKOUT = Path(__file__).resolve().parent.parent
MANIFESTS = CHECKOUT / "demo" / "manifests"
CHART = CHECKOUT / "charts" / "cake-operator"
CRD = "cakedeployments.cake.dev"
RELEASE, OPERATOR_NAMESPACE = "cake-operator", "cake-system"
#: The operator looks often, and judges its tuning over a window that a short demo can fill.
INTERVAL_SECONDS = 3
SCRAPE_SECONDS = 3
TUNING_WINDOW_SECONDS = 75
#: A cluster elsewhere may have to pull images first.
START_TIMEOUT = "300s"


def install(cluster: Cluster, namespace: str, *resources: Mapping[str, Any]) -> None:
    """Bring the images, the operator, and a Prometheus that scrapes it and the engine pods of ``namespace``.

    Args:
        cluster: Where to.
        namespace: Of the engine pods, and of Prometheus.
        resources: The CakeDeployments that will be there: Prometheus judges their objectives.
    """
    images = cluster.images()
    objects = prometheus_objects(images, namespace, resources)
    for place in (namespace, OPERATOR_NAMESPACE):
        cluster.make_namespace(place)
        cluster.apply(*(thing for thing in objects if thing["metadata"]["namespace"] == place))
    _install_chart(cluster, chart_values(images, f"http://prometheus.{namespace}:9090"))
    cluster.kubectl("rollout", "status", "deployment/prometheus", "-n", namespace, f"--timeout={START_TIMEOUT}")


def chart_values(images: Images, prometheus_url: str) -> dict[str, Any]:
    """Return the values of the chart for a short demo."""
    return {
        "image": chart_image(images.operator),
        "engine": {"image": images.engine},
        "prometheus": {"url": prometheus_url, "scrapeIntervalSeconds": SCRAPE_SECONDS},
        "intervalSeconds": INTERVAL_SECONDS,
        "tuningWindowSeconds": TUNING_WINDOW_SECONDS,
    }


def chart_image(reference: str) -> dict[str, str]:
    """Return an image's name as the chart takes it: repository, tag and digest apart."""
    name, _, digest = reference.partition("@")
    repository, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:  # the colon was that of the registry's port
        repository, tag = name, "latest"
    return {"repository": repository, "tag": tag, "digest": digest}


def prometheus_objects(images: Images, namespace: str, resources: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return Prometheus with its rules and the program that finds its targets, each with the namespace it goes to."""
    text = Template((MANIFESTS / "prometheus.yaml").read_text(encoding="utf-8")).substitute(
        prometheus=images.prometheus,
        python=images.operator,
        namespace=namespace,
        operator_namespace=OPERATOR_NAMESPACE,
    )
    judged = [CakeDeployment.model_validate(resource) for resource in resources]
    rules = rule_file(judged, Sampling(scrape_interval=timedelta(seconds=SCRAPE_SECONDS)).window)
    objects = [
        _config_map("prometheus-targets", "targets.py", (MANIFESTS / "targets.py").read_text(encoding="utf-8")),
        _config_map("prometheus-rules", "rules.json", json.dumps(rules)),  # JSON is YAML
        *yaml.safe_load_all(text),
    ]
    return [{**thing, "metadata": {"namespace": namespace, **thing["metadata"]}} for thing in objects]


def _config_map(name: str, file: str, text: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {file: text}}


def _install_chart(cluster: Cluster, values: dict[str, Any]) -> None:
    """`helm install` the chart, and wait for the operator."""
    if not cluster.has("crd", CRD):
        # The chart leaves it behind for good reasons, which a demo has not.
        cluster.in_the_end("kubectl", "delete", "crd", CRD, "--ignore-not-found")
    there = ("-n", OPERATOR_NAMESPACE)
    cluster.in_the_end("helm", "uninstall", RELEASE, *there, "--ignore-not-found", "--wait")
    # The CRD may be there from kubectl, or from an operator that has gone.
    adopt = ("--take-ownership", "--force-conflicts")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(values, file)
        file.flush()
        waiting = ("--wait", "--timeout", START_TIMEOUT)
        cluster.helm("install", RELEASE, CHART, *there, "--values", file.name, *adopt, *waiting)
