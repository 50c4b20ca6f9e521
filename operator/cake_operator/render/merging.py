"""Strategic merge of a user's pod template onto ours, as `kubectl patch` merges: lists by the keys of their elements.

Read: "Strategic Merge Patch in the Kubernetes API", kubernetes/community, sig-api-machinery.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["MergeError", "strategic_merge"]

MERGE_KEYS: Final[Mapping[str, str]] = {
    "containers": "name",
    "env": "name",
    "ephemeralContainers": "name",
    "hostAliases": "ip",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ports": "containerPort",
    "resourceClaims": "name",
    "schedulingGates": "name",
    "topologySpreadConstraints": "topologyKey",
    "volumeDevices": "devicePath",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
"""Lists of a pod template whose elements are merged, with the key that tells them apart; others are replaced."""

# An element of these is a choice of one source: a patch that names another source replaces the one that was there.
ONE_OF: Final = frozenset({"volumes", "env"})
DIRECTIVE: Final = "$patch"


class MergeError(ValueError):
    """A pod template that cannot be merged; the text says where and what to write."""


def strategic_merge(base: Any, patch: Any, field: str = "", where: str = "podTemplate") -> Any:
    """`base` with `patch` merged onto it; neither is changed.

    Objects are merged field by field, a null removes a field, lists in `MERGE_KEYS` are merged by key with new
    elements at the end, every other value is replaced. `$patch: replace` replaces an object, `$patch: delete` removes
    an element of a keyed list.

    Raises:
        MergeError: A list's element is no object or lacks its key; or a directive is unknown.
    """
    is_list = isinstance(patch, Sequence) and not isinstance(patch, str)
    if field in MERGE_KEYS and not is_list:
        raise MergeError(f"{where}: write a list here, not {patch!r}")
    if isinstance(base, Mapping) and not isinstance(patch, Mapping):
        raise MergeError(f"{where}: write an object here, not {patch!r}")
    if is_list and field in MERGE_KEYS:
        return _merge_elements(base or [], patch, field, where)
    if isinstance(patch, Mapping):
        return _merge_objects(base or {}, patch, field, where)
    return patch


def _merge_objects(base: Mapping[str, Any], patch: Mapping[str, Any], field: str, where: str) -> dict[str, Any]:
    directive = patch.get(DIRECTIVE)
    if directive not in (None, "merge", "replace"):
        raise MergeError(f"{where}.{DIRECTIVE}: write merge or replace here, not {directive!r}")
    kept = base if directive != "replace" else {}
    if field in ONE_OF and patch.keys() - base.keys() - {DIRECTIVE}:
        kept = {key: value for key, value in kept.items() if key in patch}
    merged = dict(kept)
    for key, value in patch.items():
        if key == DIRECTIVE:
            continue
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = strategic_merge(kept.get(key), value, key, f"{where}.{key}")
    return merged


def _merge_elements(base: Sequence[Any], patch: Sequence[Any], field: str, where: str) -> list[Any]:
    key = MERGE_KEYS[field]
    merged = {element[key]: element for element in base}
    for index, element in enumerate(patch):
        place = f"{where}[{index}]"
        if not isinstance(element, Mapping) or key not in element:
            raise MergeError(f"{place}: give each element of {field} its `{key}`, by which it is merged with ours")
        if element.get(DIRECTIVE) == "delete":
            merged.pop(element[key], None)
        else:
            merged[element[key]] = _merge_objects(merged.get(element[key], {}), element, field, place)
    return list(merged.values())
