"""What the launcher asks of the node's containerd, through ctr."""

import subprocess
from pathlib import Path

from tests.localcluster import cache, debian
from tests.localcluster.errors import LocalClusterError
from tests.localcluster.oci import Image


class Containers:
    """The containerd that listens on ``socket``; in its namespace for Kubernetes."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def answers(self) -> bool:
        """Whether it serves."""
        return self._socket.is_socket() and self._ctr("version").returncode == 0

    def remove_leftovers(self) -> bool:
        """Remove the containers of clusters that have ended; whether there were any."""
        containers = self._run("containers", "list", "-q").split()
        if containers:
            self._run("containers", "delete", *containers)
        return bool(containers)

    def has(self, image: Image) -> bool:
        """Whether exactly this image is there under its name."""
        for line in self._run("images", "list", f"name=={image.name}").splitlines()[1:]:
            name, _, digest, *_ = line.split()
            if (name, digest) == (image.name, image.digest):
                return True
        return False

    def provide(self, image: Image) -> bool:
        """Import the image unless it is there; whether it had to be."""
        if self.has(image):
            return False
        with cache.scratch("image") as folder:
            image.write_archive(folder / "image.tar")
            self.load(folder / "image.tar")
        return True

    def load(self, archive: Path) -> None:
        """Import an OCI archive."""
        self._run("images", "import", str(archive))

    def _run(self, *arguments: str) -> str:
        done = self._ctr(*arguments)
        if done.returncode != 0:
            raise LocalClusterError(f"`ctr {' '.join(arguments)}` failed: {done.stderr.strip()}")
        return done.stdout

    def _ctr(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [debian.program("ctr"), "--address", self._socket, "--namespace", "k8s.io", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)
