"""A cluster to test against: one started here, or any that a kubeconfig names."""

import json
import os
import shlex
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cake_operator.render.merging import strategic_merge
from tests.localcluster import claims, clients, service_proxy, uploads, variables
from tests.localcluster.errors import LocalClusterError
from tests.localcluster.reading import Reader
from tests.localcluster.service_proxy import ServiceProxy
from tests.localcluster.variables import KUBECONFIG, Images, Provisions

if TYPE_CHECKING:
    from tests.localcluster.local import LocalCluster

# A pod that serves is drained first.
END_SECONDS = 300


class CommandError(LocalClusterError):
    """kubectl or helm refused.

    Attributes:
        stderr: what it said.
    """

    def __init__(self, command: str, status: int, stderr: str) -> None:
        super().__init__(f"`{command}` ended with exit status {status}: {stderr.strip()}")
        self.stderr = stderr


class Cluster:
    """A cluster that is there already, somewhere, and all that the demo and the tests ask of any.

    What is made in it by `apply` and by methods that are based on it is removed again in the end.

    Attributes:
        kubeconfig: the file that gives an administrator's access to it.
    """

    def __init__(self, kubeconfig: Path, provisions: Provisions | None = None) -> None:
        self.kubeconfig = kubeconfig
        self._provisions = provisions
        self._proxies = ExitStack()
        self._reader: Reader | None = None
        self._undoing: list[tuple[str, ...]] = []

    @classmethod
    def up(cls, *, control_plane_only: bool = False, audit: bool = False) -> "LocalCluster":
        """Start a cluster on this machine; it ends with the ``with`` block that it is used in, or with this process.

        Args:
            control_plane_only: no node: objects and their controllers, but no pod ever runs. Needs no root; a cluster
                with a node does. Any number of either may run at once, as far as memory goes.
            audit: record every request, for `audit_events`.

        Raises:
            LocalClusterError: it cannot start; says what to do.
        """
        from tests.localcluster.local import LocalCluster

        return LocalCluster.start(control_plane_only=control_plane_only, audit=audit)

    @classmethod
    def from_environment(cls, *, control_plane_only: bool = False, audit: bool = False) -> "Cluster":
        """The cluster that $CAKE_KUBECONFIG names, with nothing started; without the variable, `up`.

        If it names one that `python -m tests.localcluster up` left running, what only local ones can do works too.
        Any other needs the variables of `Provisions`, unless no pod shall run (``control_plane_only``).

        Raises:
            LocalClusterError: it cannot start, or the named one cannot be used; says what to do.
        """
        if (kubeconfig := variables.named_kubeconfig()) is None:
            return cls.up(control_plane_only=control_plane_only, audit=audit)
        from tests.localcluster.local import LocalCluster

        cluster = LocalCluster.known(kubeconfig.resolve()) or cls(
            kubeconfig, None if control_plane_only else Provisions.read(os.environ)
        )
        cluster.require_no_operator()
        return cluster

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.down()
        except LocalClusterError as left_behind:
            if error is None:
                raise
            # What went wrong first is what is raised: this one may only follow from it.
            print(left_behind, file=sys.stderr)

    def down(self) -> None:
        """End what `up` started; of a cluster that was there before, remove what was made in it.

        Raises:
            CommandError: something could not be removed; everything else was.
        """
        self._proxies.close()
        if self._undoing:
            print("Removing what was made in the cluster...", file=sys.stderr, flush=True)
        with ExitStack() as last_first:
            for command in self._undoing:
                last_first.callback(self._do, *command)
        self._undoing.clear()

    def keep(self) -> list[str]:
        """Leave what was made as it is, and a local cluster running; returns the commands that end it."""
        commands = [shlex.join(command) for command in reversed(self._undoing)]
        self._undoing.clear()
        return commands

    def kubectl(self, *arguments: str | Path, input: str | None = None) -> str:
        """Run kubectl as administrator; returns what it prints.

        Args:
            arguments: its command line.
            input: what it reads from its standard input (for ``-f -``).

        Raises:
            CommandError: it ended with another status than 0.
        """
        return self._run(clients.kubectl(), *arguments, input=input)

    def start_kubectl(
        self, *arguments: str, stdin: int | None = None, stdout: int | None = None, stderr: int | None = None
    ) -> "subprocess.Popen[bytes]":
        """Start kubectl as administrator, for what takes a while; the streams are those of `subprocess.Popen`."""
        command = [str(clients.kubectl()), *arguments]
        return subprocess.Popen(command, env=self._environment(), stdin=stdin, stdout=stdout, stderr=stderr)

    def helm(self, *arguments: str | Path) -> str:
        """Run helm as administrator; returns what it prints, raises CommandError like `kubectl`."""
        return self._run(clients.helm(), *arguments)

    def read(self, path: str, label_selector: str | None = None) -> Any | None:
        """What the API server has at a URL path, parsed; None where there is nothing."""
        if self._reader is None:
            self._reader = Reader(self.kubeconfig)
        return self._reader.read(path, label_selector)

    def get(self, *arguments: str) -> Any:
        """``kubectl get ARGUMENTS -o json``, parsed."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def has(self, *arguments: str) -> bool:
        """Whether ``kubectl get ARGUMENTS`` finds something."""
        return self.kubectl("get", *arguments, "-o", "name", "--ignore-not-found") != ""

    def apply(self, *objects: dict[str, Any]) -> None:
        """Make objects of one namespace, or of none, or change them; in the end they are removed."""
        names = [f"{thing['kind'].lower()}/{thing['metadata']['name']}" for thing in objects]
        namespace = objects[0]["metadata"].get("namespace")
        scope = ("-n", namespace) if namespace else ()
        self.in_the_end("kubectl", "delete", "--ignore-not-found", f"--timeout={END_SECONDS}s", *scope, *names)
        self.kubectl("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    def in_the_end(self, program: str, *arguments: str) -> None:
        """Run kubectl or helm when the cluster goes on without us; last first. Not when it is kept, or ends itself."""
        self._undoing.append((program, *arguments))

    def make_namespace(self, name: str) -> None:
        """Make a namespace that refuses what is not `restricted`; one that is there is used as it is, and left."""
        if self.has("namespace", name):
            return
        labels = {f"pod-security.kubernetes.io/{key}": "restricted" for key in ("enforce", "warn")}
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})

    def images(self) -> Images:
        """The images of this checkout as the nodes have them, brought up to date where that can be done."""
        return self._given().images

    def engine(self, namespace: str) -> dict[str, Any]:
        """What ``spec.engine`` of a CakeDeployment in ``namespace`` needs here besides."""
        return dict(strategic_merge(service_proxy.ENGINE, self._given().engine, where="spec.engine"))

    def storage_class(self, namespace: str, claim: str) -> str:
        """The StorageClass that gives a ReadWriteMany volume to a claim of that name, whoever makes it."""
        return self._given().storage_class

    def shared_claim(self, namespace: str, name: str) -> None:
        """Make an empty claim that any number of pods may write; one that is there is used as it is, and left."""
        if not self.has("persistentvolumeclaim", name, "-n", namespace):
            self.apply(claims.claim(name, namespace, self.storage_class(namespace, name)))

    def filled_claim(self, namespace: str, name: str, folder: Path) -> None:
        """Make a claim with what is in ``folder``, for pods to read; what is on one that is there stays."""
        self.shared_claim(namespace, name)
        uploads.upload(self, namespace, name, folder, self._given().images.engine)

    def reach(self, namespace: str, service: str) -> str:
        """The URL on this machine of a Service's port ``http``; each connection may reach another pod."""
        return self._proxies.enter_context(ServiceProxy(self, namespace, service)).url

    def directions(self, namespace: str, service: str) -> str:
        """How a person reaches a Service after this process has ended."""
        return f"kubectl port-forward -n {namespace} service/{service} 8000:http"

    def require_no_operator(self) -> None:
        """Make sure that nobody's CakeDeployments are there: the operator that comes would take them over.

        Raises:
            LocalClusterError: there are some, or another operator is.
        """
        found = self.kubectl("get", "deployments", "-A", "-l", "app.kubernetes.io/name=cake-operator", "-o", "name")
        if self.has("crd", "cakedeployments.cake.dev"):
            found += self.kubectl("get", "cakedeployments", "-A", "-o", "name")
        if found:
            raise LocalClusterError(
                f"The cluster that {KUBECONFIG} names has {', '.join(found.split())} already, which the tests' and the "
                "demo's own operator would meddle with: remove that, or name another cluster."
            )

    def _given(self) -> Provisions:
        if self._provisions is None:
            raise LocalClusterError("This cluster was asked for with control_plane_only: no pod runs on it.")
        return self._provisions

    def _environment(self) -> dict[str, str]:
        return os.environ | {"KUBECONFIG": str(self.kubeconfig)}

    def _do(self, program: str, *arguments: str) -> None:
        run = {"kubectl": self.kubectl, "helm": self.helm}[program]
        run(*arguments)

    def _run(self, program: Path, *arguments: str | Path, input: str | None = None) -> str:
        done = subprocess.run(
            [program, *arguments], env=self._environment(), input=input, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            words = " ".join(map(str, arguments))
            raise CommandError(f"{program.name} {words}", done.returncode, done.stderr)
        return done.stdout
