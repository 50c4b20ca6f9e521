"""The CRD of an operator that is newer than the one that runs."""

import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cake_operator.apply.kinds import Kind
from tests.cluster.conftest import CRD
from tests.faults.administrator import Administrator
from tests.faults.plan import NEWER

CRDS = Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions")
ANYTHING = {"x-kubernetes-preserve-unknown-fields": True}


@asynccontextmanager
async def newer_crd(administrator: Administrator) -> AsyncIterator[None]:
    """Have the API server take the fields of specs to come, for the block."""
    path = CRDS.path(None, CRD)
    stored = await administrator.get(path)
    assert stored is not None, "the CRD is installed"
    versions = stored["spec"]["versions"]
    await administrator.patch(path, {"spec": {"versions": [_newer(version) for version in versions]}})
    try:
        yield
    finally:
        await administrator.patch(path, {"spec": {"versions": versions}})


def _newer(version: dict[str, Any]) -> dict[str, Any]:
    changed = copy.deepcopy(version)
    spec = changed["schema"]["openAPIV3Schema"]["properties"]["spec"]
    for where, _ in NEWER:
        inner = spec
        for field in where[:-1]:
            inner = inner["properties"][field]
        inner["properties"][where[-1]] = ANYTHING
    return changed
