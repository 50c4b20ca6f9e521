"""A real Kubernetes on one machine, with no registry and no Docker: for tests, the demo and for looking around."""

from tests.localcluster.cluster import Cluster, CommandError
from tests.localcluster.errors import LocalClusterError
from tests.localcluster.variables import Images

__all__ = ["Cluster", "CommandError", "Images", "LocalClusterError"]
