"""Objects as the API server has them, without a process of kubectl for each look: waiting looks often."""

import json
from pathlib import Path
from typing import Any

from kubernetes.client import ApiException
from kubernetes.config import new_client_from_config
from kubernetes.dynamic import DynamicClient

# To connect, and to answer.
TIMEOUT_SECONDS = (30.0, 120.0)


class Reader:
    """Reads one cluster, as the administrator that a kubeconfig names."""

    def __init__(self, kubeconfig: Path) -> None:
        client = new_client_from_config(config_file=str(kubeconfig))  # type: ignore[no-untyped-call]  # untyped upstream
        self._client = DynamicClient(client, discoverer=_told_by_paths)  # type: ignore[no-untyped-call]  # untyped upstream

    def read(self, path: str, label_selector: str | None = None) -> Any | None:
        """What is at a URL path, an object or a list of them; None where there is nothing.

        Raises:
            ApiException: The API server refused.
        """
        try:
            answer = self._client.request(
                "get", path, label_selector=label_selector, serialize=False, _request_timeout=TIMEOUT_SECONDS
            )
        except ApiException as error:
            if error.status == 404:
                return None
            raise
        return json.loads(answer.data)


def _told_by_paths(*_: object) -> None:
    """No discovery: its cache is a file that outlives the cluster."""
