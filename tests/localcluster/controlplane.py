"""etcd, the API server, the controllers and the scheduler: their command lines and when they are ready."""

import http.client
import json
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.localcluster import binary, kubeconfigs
from tests.localcluster.errors import LocalClusterError
from tests.localcluster.namespaces import NODE_ADDRESS, SERVICE_RANGE
from tests.localcluster.pki import Authority, KeyPair
from tests.localcluster.processes import Processes

KUBERNETES_SERVICE = "10.96.0.1"

_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}


@dataclass(frozen=True)
class Listening:
    """Where the API server listens: on loopback, or on the node's address inside the node's network namespace.

    Attributes:
        address: the address that it binds.
        port: the port there.
        within: words to put before a command so that it runs where that address is.
    """

    address: str
    port: int
    within: Sequence[str] = ()

    @property
    def url(self) -> str:
        """What its neighbours call it."""
        return f"https://{self.address}:{self.port}"


class ControlPlane:
    """The control plane of the cluster in ``folder``.

    Args:
        folder: the run's folder; certificates, data and logs go there.
        processes: what starts its programs.
        listening: where its API server listens.
        public_url: how this machine's users reach it.
        audit: whether every request is recorded in ``folder/audit.log`` (JSON lines, metadata only).
    """

    def __init__(self, folder: Path, processes: Processes, listening: Listening, public_url: str, audit: bool) -> None:
        self._folder = folder
        self._processes = processes
        self._listening = listening
        self._public_url = public_url
        self._audit = audit
        self._program = binary.require()
        self.authority = Authority(folder / "pki")
        self.administrator = self.authority.issue("admin", "admin", groups=("system:masters",))
        self.kubeconfig = kubeconfigs.write(
            folder / "kubeconfig", public_url, self.authority.certificate, self.administrator
        )

    def start(self, scheduler: bool) -> None:
        """Start it, and return when it serves and its controllers work."""
        tokens = self.authority.signing_key("service-accounts")
        self._start_etcd()
        self._start_api_server(tokens)
        self._processes.wait_until("the API server is ready", self._serves, seconds=120)
        # The controllers give up when they find no server in their first ten seconds, so they come after it.
        self._start_controllers(tokens)
        if scheduler:
            self._start_scheduler()
        self._processes.wait_until("controllers have made the default service account", self._has_accounts, seconds=120)

    def credentials(self, file: str, user: str, groups: tuple[str, ...] = ()) -> Path:
        """A kubeconfig for a component that runs beside the API server."""
        pair = self.authority.issue(file, user, groups)
        target = self._folder / f"{file}.kubeconfig"
        return kubeconfigs.write(target, self._listening.url, self.authority.certificate, pair)

    def _start(self, name: str, *arguments: str) -> None:
        self._processes.start(name, [*self._listening.within, self._program, name, *arguments])

    @property
    def _etcd(self) -> str:
        return f"unix://{self._folder}/etcd.sock"

    def _start_etcd(self) -> None:
        # With one member nobody ever dials what it advertises, but it must look like a host and a port.
        advertised = "http://127.0.0.1:1"
        self._start(
            "etcd",
            f"--data-dir={self._folder / 'etcd'}",
            f"--listen-client-urls={self._etcd}",
            f"--advertise-client-urls={advertised}",
            f"--listen-peer-urls=unix://{self._folder}/peer.sock",
            f"--initial-advertise-peer-urls={advertised}",
            f"--initial-cluster=default={advertised}",
            # The data never outlives the cluster, so it need not survive the machine.
            "--unsafe-no-fsync",
            "--log-level=warn",
        )

    def _start_api_server(self, tokens: KeyPair) -> None:
        names = ("127.0.0.1", NODE_ADDRESS, KUBERNETES_SERVICE, "localhost", "kubernetes.default.svc")
        serving = self.authority.issue("apiserver", "kube-apiserver", addresses=names)
        on_node = self._listening.address == NODE_ADDRESS
        self._start(
            "kube-apiserver",
            f"--etcd-servers={self._etcd}",
            f"--bind-address={self._listening.address}",
            f"--secure-port={self._listening.port}",
            f"--advertise-address={NODE_ADDRESS}",
            # Without a node nobody asks for the Service `kubernetes`, and loopback may not be its endpoint.
            f"--endpoint-reconciler-type={'master-count' if on_node else 'none'}",
            f"--tls-cert-file={serving.certificate}",
            f"--tls-private-key-file={serving.key}",
            f"--client-ca-file={self.authority.certificate}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={tokens.certificate}",
            f"--service-account-signing-key-file={tokens.key}",
            f"--service-cluster-ip-range={SERVICE_RANGE}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            # Else logs and exec try to resolve the node's name.
            "--kubelet-preferred-address-types=InternalIP",
            f"--kubelet-certificate-authority={self.authority.certificate}",
            f"--kubelet-client-certificate={self.administrator.certificate}",
            f"--kubelet-client-key={self.administrator.key}",
            "--profiling=false",
            *self._audit_arguments(),
        )

    def _audit_arguments(self) -> list[str]:
        if not self._audit:
            return []
        policy = self._folder / "audit-policy.json"
        policy.write_text(json.dumps(_AUDIT_POLICY))
        # Each request is in the log before its answer is out, so a test may read it at once.
        return [
            f"--audit-policy-file={policy}",
            f"--audit-log-path={self._folder / 'audit.log'}",
            "--audit-log-mode=blocking",
        ]

    def _start_controllers(self, tokens: KeyPair) -> None:
        credentials = self.credentials("controllers", "system:kube-controller-manager")
        self._start(
            "kube-controller-manager",
            f"--kubeconfig={credentials}",
            f"--service-account-private-key-file={tokens.key}",
            f"--root-ca-file={self.authority.certificate}",
            "--use-service-account-credentials",
            "--leader-elect=false",
            "--secure-port=0",
            # Deletions and rollouts of tests come in bursts that the defaults would stretch over seconds.
            "--kube-api-qps=200",
            "--kube-api-burst=400",
            "--profiling=false",
        )

    def _start_scheduler(self) -> None:
        credentials = self.credentials("scheduler", "system:kube-scheduler")
        self._start(
            "kube-scheduler", f"--kubeconfig={credentials}", "--leader-elect=false", "--secure-port=0",
            "--profiling=false",
        )  # fmt: skip

    def _serves(self) -> bool:
        return self.get("/readyz") is not None

    def _has_accounts(self) -> bool:
        return self.get("/api/v1/namespaces/default/serviceaccounts/default") is not None

    def get(self, path: str) -> bytes | None:
        """What the API server answers to the administrator; None when it does not, or not with 200."""
        try:
            status, body = self._ask("GET", path)
        except (OSError, http.client.HTTPException):
            return None
        return body if status == http.HTTPStatus.OK else None

    def create(self, version: str, collection: str, thing: dict[str, Any]) -> None:
        """Create an object of API ``version`` (``v1``, ``apps/v1``) in a collection (``namespaces/x/services``)."""
        group = "apis" if "/" in version else "api"
        status, body = self._ask(
            "POST", f"/{group}/{version}/{collection}", json.dumps({"apiVersion": version, **thing})
        )
        if status != http.HTTPStatus.CREATED:
            raise LocalClusterError(f"The API server refused the cluster's own {thing['kind']}: {body.decode()}")

    def _ask(self, method: str, path: str, content: str | None = None) -> tuple[int, bytes]:
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        context.load_cert_chain(self.administrator.certificate, self.administrator.key)
        host, _, port = self._public_url.removeprefix("https://").partition(":")
        connection = http.client.HTTPSConnection(host, int(port), timeout=30, context=context)
        try:
            connection.request(method, path, content, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except ssl.SSLCertVerificationError as error:
            raise LocalClusterError(
                f"Something that is not this cluster answers on {self._public_url} ({error}): "
                "end it (`ss -ltnp` shows it), then try again."
            ) from error
        finally:
            connection.close()
