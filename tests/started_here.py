"""A mark for tests about what only a cluster on this machine shows: none is started when another one is named."""

import os

import pytest

from tests.localcluster.variables import KUBECONFIG

started_here = pytest.mark.skipif(
    bool(os.environ.get(KUBECONFIG)), reason=f"about a cluster that is started here, and {KUBECONFIG} names one"
)
