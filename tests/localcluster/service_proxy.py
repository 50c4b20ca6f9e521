"""The way to a Service of a cluster elsewhere: through its API server, which knows all pods behind it.

`kubectl port-forward` would hold on to one pod: the load would not spread over replicas, and end with that pod.
"""

import re
import subprocess
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tests.localcluster.errors import LocalClusterError

if TYPE_CHECKING:
    from tests.localcluster.cluster import Cluster

#: Every Service of ours calls its port so.
PORT = "http"
#: What the engine needs for that (fields of ``spec.engine``). The API server keeps connections to pods for up to 90 s;
#: vLLM would end an idle one after 5 s, and might meet a request that is on its way.
ENGINE: dict[str, Any] = {
    "podTemplate": {
        "spec": {
            "containers": [{"name": "engine", "env": [{"name": "VLLM_HTTP_TIMEOUT_KEEP_ALIVE", "value": "120"}]}],
        }
    }
}


class ServiceProxy:
    """One Service on a port of loopback, while the ``with`` block lasts.

    `kubectl proxy` adds the administrator's credentials; it lets nothing pass but requests to this Service.
    """

    def __init__(self, cluster: "Cluster", namespace: str, service: str) -> None:
        self._path = f"/api/v1/namespaces/{namespace}/services/{service}:{PORT}/proxy"
        accepted = f"--accept-paths=^{re.escape(self._path)}/"
        self._process = cluster.start_kubectl("proxy", "--port=0", accepted, stdout=subprocess.PIPE)

    def __enter__(self) -> Self:
        assert self._process.stdout is not None
        said = self._process.stdout.readline().decode()
        if not (serving := re.fullmatch(r"Starting to serve on (\S+)\n", said)):
            self._process.wait()
            raise LocalClusterError(f"`kubectl proxy` ended with status {self._process.returncode}; it said: {said}")
        self.url = f"http://{serving[1]}{self._path}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()
