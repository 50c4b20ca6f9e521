"""A cluster to test against: one started here, or any that a kubeconfig names."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.localcluster import clients
from tests.localcluster.errors import LocalClusterError

KUBECONFIG_VARIABLE = "CAKE_KUBECONFIG"


class CommandError(LocalClusterError):
    """kubectl or helm refused.

    Attributes:
        stderr: what it said.
    """

    def __init__(self, command: str, status: int, stderr: str) -> None:
        super().__init__(f"`{command}` ended with exit status {status}: {stderr.strip()}")
        self.stderr = stderr


class Cluster:
    """A cluster that is there already. What only a local one can do says so.

    Attributes:
        kubeconfig: the file that gives an administrator's access to it.
        node: whether pods run on it.
    """

    def __init__(self, kubeconfig: Path, node: bool = True) -> None:
        self.kubeconfig = kubeconfig
        self.node = node

    @classmethod
    def up(cls, *, control_plane_only: bool = False, audit: bool = False) -> "Cluster":
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
        """
        named = os.environ.get(KUBECONFIG_VARIABLE)
        if not named:
            return cls.up(control_plane_only=control_plane_only, audit=audit)
        if not Path(named).is_file():
            raise LocalClusterError(
                f"{KUBECONFIG_VARIABLE} names {named}, which is not a file: unset it or correct it."
            )
        from tests.localcluster.local import LocalCluster

        return LocalCluster.known(Path(named).resolve()) or cls(Path(named).absolute())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    def down(self) -> None:
        """End what `up` started; a cluster that was there before stays as it is."""

    def keep(self) -> None:
        """Let it outlive this process and its ``with`` block, until `python -m tests.localcluster down`."""

    def kubectl(self, *arguments: str | Path, input: str | None = None) -> str:
        """Run kubectl as administrator; returns what it prints.

        Args:
            arguments: its command line.
            input: what it reads from its standard input (for ``-f -``).

        Raises:
            CommandError: it ended with another status than 0.
        """
        return self._run(clients.kubectl(), *arguments, input=input)

    def helm(self, *arguments: str | Path) -> str:
        """Run helm as administrator; returns what it prints, raises CommandError like `kubectl`."""
        return self._run(clients.helm(), *arguments)

    def get(self, *arguments: str) -> Any:
        """``kubectl get ARGUMENTS -o json``, parsed."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def load_images(self, *names: str) -> None:
        """Bring the node up to date with images of this checkout: those named, or all of them."""
        raise self._only_local("images cannot be loaded into it: push them to a registry that it reads")

    def load_image(self, archive: Path) -> None:
        """Import an OCI archive on the node."""
        raise self._only_local("images cannot be loaded into it: push them to a registry that it reads")

    def mount_volume(self, name: str, namespace: str, path: Path, read_only: bool = False) -> None:
        """Make a folder of this machine a bound ReadWriteMany claim ``name`` in ``namespace``."""
        raise self._only_local("folders of this machine cannot be mounted there: make a ReadWriteMany claim on it")

    def audit_events(self) -> Iterator[dict[str, Any]]:
        """The API server's audit events so far, oldest first (``up(audit=True)``)."""
        raise self._only_local("its audit log cannot be read")

    def _only_local(self, what: str) -> LocalClusterError:
        return LocalClusterError(
            f"{self.kubeconfig} names a cluster that was not started here, and {what}; "
            f"or unset {KUBECONFIG_VARIABLE} to start a local one."
        )

    def _run(self, program: Path, *arguments: str | Path, input: str | None = None) -> str:
        environment = os.environ | {"KUBECONFIG": str(self.kubeconfig)}
        done = subprocess.run(
            [program, *arguments], env=environment, input=input, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            words = " ".join(map(str, arguments))
            raise CommandError(f"{program.name} {words}", done.returncode, done.stderr)
        return done.stdout
