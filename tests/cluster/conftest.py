"""One API server for the whole layer: each test works in a namespace of its own."""

from collections.abc import Iterator

import pytest

from tests.localcluster import Cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A control plane without a node, or the cluster that $CAKE_KUBECONFIG names."""
    with Cluster.from_environment(control_plane_only=True) as running:
        yield running
