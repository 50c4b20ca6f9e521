"""The cluster that a module's tests run on."""

from collections.abc import Iterator

import pytest

from tests.localcluster import Cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster with a node: $CAKE_KUBECONFIG's, or a fresh one on this machine for each module."""
    with Cluster.from_environment() as cluster:
        yield cluster
