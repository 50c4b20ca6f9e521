"""The base of all images: a small Debian with its Python and what vLLM's libraries link to, made once."""

import subprocess
from pathlib import Path

from tests.localcluster import cache
from tests.localcluster.errors import LocalClusterError
from tests.localcluster.oci import Layer

SUITE = "bookworm"
# Some libraries look up the name of the user that they run as.
USER = "cake:x:65532:65532::/tmp:/usr/sbin/nologin"
GROUP = "cake:x:65532:"
PACKAGES = ("ca-certificates", "libgomp1", "libnuma1", "libpython3.11-stdlib", "python3", "python3.11")


def base_layer() -> Layer:
    """The base layer, made by mmdebstrap from Debian's mirrors when the cache lacks it."""
    key = cache.fingerprint(SUITE, USER, GROUP, *PACKAGES)
    target = cache.root() / "rootfs" / key / "base.tar"
    return Layer.of(cache.made_once(target, _bootstrap))


def _bootstrap(target: Path) -> None:
    print(f"Making a base image of Debian {SUITE} (about a minute)...", flush=True)
    command = [
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        # Nothing reads documentation in a container.
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        f"--customize-hook=echo '{USER}' >> \"$1/etc/passwd\"",
        f"--customize-hook=echo '{GROUP}' >> \"$1/etc/group\"",
        SUITE,
        str(target),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LocalClusterError(f"mmdebstrap could not make the base image: {done.stderr.strip()[-1000:]}")
