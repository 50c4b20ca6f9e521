"""Files of this machine onto a claim of a cluster elsewhere: through its API server, into a short-lived pod."""

import json
import subprocess
import tarfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.localcluster.errors import LocalClusterError

if TYPE_CHECKING:
    from tests.localcluster.cluster import Cluster

POD_USER = 65532
# The first pod of a namespace may wait for a volume to be made, and for an image of gigabytes.
START_SECONDS = 900
MOUNTED = "/claim"
# An upload that was cut off leaves nothing behind that looks whole.
RECEIVE = (
    f"cd {MOUNTED} && rm -rf .incoming && mkdir .incoming && tar -x -C .incoming && mv .incoming/* . && rmdir .incoming"
)


def upload(cluster: "Cluster", namespace: str, claim: str, folder: Path, image: str) -> None:
    """Put what is in ``folder`` onto the claim, except what is there already under its name.

    Args:
        cluster: where the claim is.
        namespace: of the claim.
        claim: one that pods of group 65532 may write.
        folder: what is in it can be read by every user afterwards.
        image: one with ``sh`` and ``tar``.

    Raises:
        LocalClusterError: the pod did not start, or could not write; says why.
    """
    name = f"fill-{claim}"
    cluster.kubectl("apply", "-n", namespace, "-f", "-", input=json.dumps(_pod(name, claim, image)))
    try:
        _await(cluster, namespace, name)
        present = cluster.kubectl("exec", "-n", namespace, name, "--", "ls", "-A", MOUNTED).split("\n")
        if missing := [path for path in sorted(folder.iterdir()) if path.name not in present]:
            _send(cluster, namespace, name, missing)
    finally:
        cluster.kubectl("delete", "pod", name, "-n", namespace, "--ignore-not-found")


def _await(cluster: "Cluster", namespace: str, name: str) -> None:
    try:
        cluster.kubectl("wait", "-n", namespace, f"pod/{name}", "--for=condition=Ready", f"--timeout={START_SECONDS}s")
    except LocalClusterError:
        about = f"--field-selector=involvedObject.name={name}"
        events = cluster.get("events", "-n", namespace, about)["items"]
        said = "; ".join(dict.fromkeys(event["message"] for event in events)) or "the cluster says nothing of it"
        raise LocalClusterError(
            f"The pod {name} in namespace {namespace} did not start in {START_SECONDS} s: {said}"
        ) from None


def _send(cluster: "Cluster", namespace: str, name: str, paths: list[Path]) -> None:
    receive = ("exec", "-i", "-n", namespace, name, "--", "sh", "-c", RECEIVE)
    with cluster.start_kubectl(*receive, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        # What went wrong in the pod is said on the other stream.
        with suppress(BrokenPipeError), tarfile.open(fileobj=process.stdin, mode="w|") as archive:
            for path in paths:
                archive.add(path, path.name, filter=_for_everybody)
        with suppress(BrokenPipeError):
            process.stdin.close()
        said = process.stderr.read().decode().strip()
    if process.returncode != 0:
        raise LocalClusterError(f"The pod {name} in namespace {namespace} could not write to its claim: {said}")


def _for_everybody(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """The entry, readable for whomever the pods run as."""
    entry.mode = 0o755 if entry.isdir() else 0o644
    entry.uid = entry.gid = POD_USER
    entry.uname = entry.gname = ""
    return entry


def _pod(name: str, claim: str, image: str) -> dict[str, Any]:
    container = {
        "name": "receive",
        "image": image,
        "command": ["sleep", "infinity"],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "claim", "mountPath": MOUNTED}],
    }
    user = {"runAsNonRoot": True, "runAsUser": POD_USER, "runAsGroup": POD_USER, "fsGroup": POD_USER}
    spec = {
        "automountServiceAccountToken": False,
        "restartPolicy": "Never",
        # It only sleeps, and as a container's first process it does not hear that it shall end.
        "terminationGracePeriodSeconds": 0,
        "securityContext": {**user, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "claim", "persistentVolumeClaim": {"claimName": claim}}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
