"""What the demo puts into the cluster: volumes, Prometheus, the operator by its chart, and one CakeDeployment."""

from __future__ import annotations

import json
import sysconfig
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.localcluster import Cluster
from tests.localcluster.local import LocalCluster

CHECKOUT = Path(__file__).resolve().parent.parent
MANIFESTS = CHECKOUT / "demo" / "manifests"
OPERATOR_NAMESPACE = "cake-system"
MONITORING_NAMESPACE = "monitoring"
PROMETHEUS_URL = "http://127.0.0.1:30900"
IMAGES = ("localhost/cake-operator:dev", "localhost/cake-engine:dev", "localhost/prometheus:dev")
#: The operator looks often, and judges its tuning over a window that a short demo can fill.
INTERVAL_SECONDS = 3
SCRAPE_SECONDS = 3
TUNING_WINDOW_SECONDS = 75


@dataclass(frozen=True, slots=True)
class Volume:
    """A folder of this machine that becomes a bound ReadWriteMany claim."""

    claim: str
    folder: Path
    read_only: bool = True


@dataclass(frozen=True, slots=True)
class Fleet:
    """One namespace with what a CakeDeployment in it mounts."""

    namespace: str
    volumes: tuple[Volume, ...] = field(default=())


def engine_environment() -> Volume:
    """Return the volume with this checkout's Python environment: vLLM for processors, 5 GB that no image carries."""
    return Volume("engine-environment", Path(sysconfig.get_paths()["purelib"]))


def load_images(cluster: Cluster) -> None:
    """Bring this checkout's images to the nodes of a cluster that was started here; another one must have them.

    Raises:
        LocalClusterError: The cluster was not started here, and its nodes lack an image.
    """
    nodes = cluster.get("nodes")["items"]
    present = {name for node in nodes for image in node["status"].get("images", []) for name in image["names"]}
    if isinstance(cluster, LocalCluster) or not present.issuperset(IMAGES):
        cluster.load_images()


def prepare(cluster: Cluster, fleet: Fleet) -> None:
    """Make a fleet's namespace, which refuses what is not `restricted`, and its claims unless they are there."""
    make_namespace(cluster, fleet.namespace)
    claims = {claim["metadata"]["name"] for claim in cluster.get("pvc", "-n", fleet.namespace)["items"]}
    for volume in fleet.volumes:
        if volume.claim not in claims:
            cluster.mount_volume(volume.claim, fleet.namespace, volume.folder, read_only=volume.read_only)


def make_namespace(cluster: Cluster, name: str) -> None:
    """Make a namespace that refuses every pod beyond the `restricted` Pod Security Standard."""
    labels = {f"pod-security.kubernetes.io/{key}": "restricted" for key in ("enforce", "warn")}
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    cluster.kubectl("apply", "-f", "-", input=json.dumps(manifest))


def install_prometheus(cluster: Cluster) -> None:
    """Run a Prometheus that scrapes every engine pod of the cluster, reachable at `PROMETHEUS_URL`."""
    make_namespace(cluster, MONITORING_NAMESPACE)
    program = (MANIFESTS / "targets.py").read_text(encoding="utf-8")
    metadata = {"name": "prometheus-targets", "namespace": MONITORING_NAMESPACE}
    targets = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"targets.py": program}}
    cluster.kubectl("apply", "-f", "-", input=json.dumps(targets))
    cluster.kubectl("apply", "-n", MONITORING_NAMESPACE, "-f", MANIFESTS / "prometheus.yaml")


def install_operator(cluster: Cluster) -> None:
    """`helm install` the chart, and wait for it and for Prometheus."""
    make_namespace(cluster, OPERATOR_NAMESPACE)
    operator, engine, _ = IMAGES
    repository, _, tag = operator.rpartition(":")
    values = {
        "image": {"repository": repository, "tag": tag, "pullPolicy": "Never"},
        "engine": {"image": engine},
        "prometheus": {
            "url": f"http://prometheus.{MONITORING_NAMESPACE}:9090",
            "scrapeIntervalSeconds": SCRAPE_SECONDS,
        },
        "intervalSeconds": INTERVAL_SECONDS,
        "tuningWindowSeconds": TUNING_WINDOW_SECONDS,
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(values, file)
        file.flush()
        chart = CHECKOUT / "charts/cake-operator"
        arguments = ("-n", OPERATOR_NAMESPACE, "--values", file.name, "--wait", "--timeout", "120s")
        cluster.helm("upgrade", "--install", "cake-operator", chart, *arguments)
    cluster.kubectl("rollout", "status", "deployment/prometheus", "-n", MONITORING_NAMESPACE, "--timeout=60s")
