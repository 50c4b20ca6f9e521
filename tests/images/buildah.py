"""Debian's buildah, with images of its own that nothing else on the machine sees."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.localcluster import debian
from tests.localcluster.oci import Image

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Built:
    """An image of buildah's store.

    Attributes:
        identity: The digest of its configuration: of everything in it, and of how it was made.
        configuration: Its OCI configuration document.
    """

    identity: str
    configuration: dict[str, Any]


class Buildah:
    """Builds images as the Dockerfiles say, in a folder."""

    def __init__(self, folder: Path) -> None:
        debian.provide_command("buildah")
        self._folder = folder
        # What containerd uses on the local node, too.
        self._store = ["--root", str(folder / "root"), "--runroot", str(folder / "run"), "--storage-driver", "overlay"]

    def __call__(self, *arguments: str | Path) -> str:
        """Run one command of buildah; returns what it prints."""
        command = ["buildah", *self._store, *arguments]
        # Where buildah keeps what it knows of registries and users: nowhere of the user's.
        environment = os.environ | {"HOME": str(self._folder)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(map(str, arguments))}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
        return done.stdout.strip()

    def load(self, image: Image) -> None:
        """Take an image that was made without a Dockerfile."""
        archive = self._folder / "base.tar"
        image.write_archive(archive)
        identity = self("pull", "--quiet", f"oci-archive:{archive}")
        archive.unlink()
        self("tag", identity.splitlines()[-1], image.name)

    def build(self, name: str, base: str, volumes: Mapping[Path, str]) -> Built:
        """Build images/NAME.Dockerfile from this checkout on a base.

        Args:
            name: Such as `operator`.
            base: An image that was loaded.
            volumes: What the build sees of this machine, and where; it is not in the image.
        """
        dockerfile = ROOT / f"images/{name}.Dockerfile"
        told = ["--file", dockerfile, "--ignorefile", f"{dockerfile}.dockerignore", "--build-arg", f"BASE={base}"]
        # One time for all files: what is built twice is the same twice.
        options = ["--quiet", "--no-cache", "--pull-never", "--timestamp", "0", "--isolation", "chroot"]
        mounted = [word for source, target in volumes.items() for word in ("--volume", f"{source}:{target}:ro")]
        identity = self("build", *options, *mounted, *told, ROOT).splitlines()[-1]
        described = json.loads(self("inspect", "--type", "image", identity))
        return Built(identity, described["OCIv1"])

    @contextmanager
    def files(self, image: Built) -> Iterator[Path]:
        """The image's files, for the block."""
        container = self("from", "--pull-never", image.identity)
        try:
            yield Path(self("mount", container))
        finally:
            self("rm", container)


# The files are bound to themselves, so that they can be made read-only.
_CONFINED = """
set -eu
root=$1
shift
mount --bind "$root" "$root"
while [ "$1" != -- ]; do
  mount --bind "$1" "$root$2"
  shift 2
done
shift
mount -o remount,bind,ro "$root"
mount -t tmpfs tmpfs "$root/tmp"
exec chroot --userspec="$USERSPEC" "$root" /usr/bin/env -i "$@"
"""


def run(
    image: Built, files: Path, arguments: Sequence[str] = (), mounted: Mapping[Path, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run an image's entry point as a pod would: its user and variables, and nothing to write to but /tmp."""
    configured = image.configuration["config"]
    binds = [word for source, target in (mounted or {}).items() for word in (str(source), target)]
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _CONFINED, "sh", str(files), *binds, "--"]
    return subprocess.run(
        [*command, *configured["Env"], *configured["Entrypoint"], *arguments],
        env=os.environ | {"USERSPEC": configured["User"]},
        capture_output=True,
        text=True,
        check=False,
    )
