"""What a CakeDeployment has come to, so that two of them can be compared: no names, no identities, no moments. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Object = dict[str, Any]
State = Mapping[str, Any]

ASSIGNED = ("clusterIP", "clusterIPs", "volumeName")
"""Fields of a spec that the cluster draws."""
COUNTED = ("deployment.kubernetes.io/revision", "cake.dev/applied-hash", "cake.dev/template-hash")
"""Annotations that count, or digest what has names in it."""


def state_of(cake: Object | None, children: Mapping[str, Sequence[Object]], pods: Sequence[Object]) -> State:
    """The state of a CakeDeployment.

    Args:
        cake: The resource; None where there is none.
        children: By plural, its children.
        pods: Its pods.
    """
    state: dict[str, Any] = {
        f"{plural}/{_bare(child, child['metadata']['name'], cake)}": _child(child, cake)
        for plural, found in children.items()
        for child in found
    }
    state["pods"] = sum("deletionTimestamp" not in pod["metadata"] for pod in pods)
    if cake is not None:
        state["status"] = status_of(cake)
        state["live"] = _generations(cake, children)
    return state


def differences(found: State, expected: State) -> list[str]:
    """Where two states differ, in words."""
    return list(_differences("", found, expected))


def _child(child: Object, cake: Object | None) -> Any:
    meta = child["metadata"]
    annotations = {key: value for key, value in (meta.get("annotations") or {}).items() if key not in COUNTED}
    spec = {key: value for key, value in (child.get("spec") or {}).items() if key not in ASSIGNED}
    owners = [
        {key: one.get(key) for key in ("kind", "name", "uid", "controller")}
        for one in meta.get("ownerReferences") or ()
    ]
    kept = {"labels": meta.get("labels"), "annotations": annotations, "owners": owners, "spec": spec}
    data = {key: _text(value) for key, value in (child.get("data") or {}).items()}
    return _bare(child, {**kept, "data": data, "binaryData": child.get("binaryData")}, cake)


def _text(value: str) -> Any:
    """A configuration, without the generation: it counts every change, those of the fault among them."""
    try:
        parsed = json.loads(value)
    except json.JSONDecodeError:
        return value
    return {key: one for key, one in parsed.items() if key != "generation"} if isinstance(parsed, dict) else parsed


def _bare(obj: Object, value: Any, cake: Object | None) -> Any:
    """The value without the names and identities of whose it is."""
    text = json.dumps(value, sort_keys=True)
    if cake is not None:
        text = text.replace(cake["metadata"]["uid"], "UID")
    name = obj["metadata"].get("labels", {}).get("cake.dev/deployment") or (cake or {}).get("metadata", {}).get("name")
    if name:
        text = text.replace(name, "NAME")
    return json.loads(text.replace(obj["metadata"]["namespace"], "NAMESPACE"))


def status_of(cake: Object) -> Object:
    """What status tells, as far as it follows from the spec and the pods."""
    status = cake.get("status") or {}
    conditions = {one["type"]: [one["status"], one["reason"]] for one in status.get("conditions") or ()}
    return {
        "conditions": conditions,
        "of the present spec": status.get("observedGeneration") == cake["metadata"]["generation"],
        "replicas": status.get("replicas"),
        "desired": (status.get("scaling") or {}).get("desiredReplicas"),
        "mode": (status.get("balance") or {}).get("mode"),
    }


def _generations(cake: Object, children: Mapping[str, Sequence[Object]]) -> str:
    """Whether status tells of the live configuration that the pods read."""
    told = ((cake.get("status") or {}).get("balance") or {}).get("generation")
    texts = [
        one["data"]["tuning.json"] for one in children.get("configmaps", ()) if "tuning.json" in (one.get("data") or {})
    ]
    try:
        written = [json.loads(text).get("generation") for text in texts]
    except (json.JSONDecodeError, AttributeError):
        return "cannot be read"
    return "as told" if written == [told] else f"{written}, told {told}"


def _differences(where: str, found: Any, expected: Any) -> Iterator[str]:
    if isinstance(found, Mapping) and isinstance(expected, Mapping):
        for key in sorted({*found, *expected}):
            if key not in found:
                yield f"{where}{key} is missing"
            elif key not in expected:
                yield f"{where}{key} is too much"
            else:
                yield from _differences(f"{where}{key}: ", found[key], expected[key])
    elif found != expected:
        yield f"{where}{_shown(found)}, not {_shown(expected)}"


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 120 else f"{text[:117]}..."
