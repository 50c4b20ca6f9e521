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
        """Remove containers of clusters that have ended, and images without a name; whether there were any."""
        containers = self._run("containers", "list", "-q").split()
        if containers:
            self._run("containers", "delete", *containers)
        images = self._images()
        named = {digest for name, digest in images.items() if not name.startswith("sha256:")}
        # Kubernetes refers to images by their digest, too, and would keep each old one for good.
        nameless = [name for name, digest in images.items() if digest not in named]
        if nameless:
            self._run("images", "delete", *nameless)
        return bool(containers or nameless)

    def provide(self, image: Image) -> bool:
        """Import the image unless exactly this one is there under its name; whether it had to be."""
        if self._images().get(image.name) == image.digest:
            return False
        there = set(self._run("content", "list", "-q").split())
        with cache.scratch("image") as folder:
            image.write_archive(folder / "image.tar", without=there)
            self.load(folder / "image.tar")
        return True

    def _images(self) -> dict[str, str]:
        """The digest of each image by name."""
        rows = [line.split() for line in self._run("images", "list").splitlines()[1:]]
        return {name: digest for name, _, digest, *_ in rows}

    def load(self, archive: Path) -> None:
        """Import an OCI archive."""
        self._run("images", "import", str(archive))

    def _run(self, *arguments: str) -> str:
        done = self._ctr(*arguments)
        if done.returncode != 0:
            raise LocalClusterError(f"`ctr {' '.join(arguments)}` failed: {done.stderr.strip()}")
        return done.stdout

    def _ctr(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [str(debian.program("ctr")), "--address", str(self._socket), "--namespace", "k8s.io", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)
