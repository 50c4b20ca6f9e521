"""What comes from Debian. Programs whose packages would bring a service with them are only unpacked."""

import os
import shutil
import subprocess
from functools import partial
from pathlib import Path

from tests.localcluster import cache
from tests.localcluster.errors import LocalClusterError

# The program that shows that a package is there, and the package.
INSTALLED = {
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "/bin/busybox": "busybox-static",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "iptables": "iptables",
    "mmdebstrap": "mmdebstrap",
    "nsenter": "util-linux",
    "runc": "runc",
    "tini": "tini",
}
# Their packages would start, and enable for every boot, a service on the user's machine.
UNPACKED = {
    "containerd": "containerd",
    "containerd-shim-runc-v2": "containerd",
    "ctr": "containerd",
    "prometheus": "prometheus",
    "promtool": "prometheus",
}
_SYSTEM_FOLDERS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def search_path() -> str:
    """A PATH on which the node's programs find each other, whatever the user's PATH is."""
    return f"{_folder('containerd') / 'usr/bin'}:{_SYSTEM_FOLDERS}"


def program(name: str) -> Path:
    """Where a program of `UNPACKED` is.

    Raises:
        LocalClusterError: it is not there yet.
    """
    found = _folder(UNPACKED[name]) / "usr/bin" / name
    if not found.exists():
        raise LocalClusterError(f"{name} is not there yet: run `python -m tests.localcluster build`.")
    return found


def require_installed() -> None:
    """Make sure that the node's tools are there; raises LocalClusterError that names those that are not."""
    if missing := _missing():
        raise LocalClusterError(
            f"The node needs Debian's {', '.join(missing)}: run `python -m tests.localcluster build` as root."
        )


def provide() -> None:
    """Install and unpack what is missing."""
    # apt-get would not wait for another one that reads the lists.
    with cache.lock("debian"):
        missing = _missing()
        wanted = [package for package in sorted(set(UNPACKED.values())) if not _folder(package).exists()]
        if missing and os.geteuid() != 0:
            raise LocalClusterError(f"Only root can install Debian's {', '.join(missing)}: run the build as root.")
        if missing or wanted:
            print(f"Fetching Debian's {', '.join([*missing, *wanted])}...", flush=True)
            _apt_get("update", "-qq")
        if missing:
            _apt_get("install", "-y", "-qq", "--no-install-recommends", *missing)
        for package in wanted:
            cache.made_once(_folder(package), partial(_unpack, package))


def provide_package(package: str) -> None:
    """Unpack one package of `UNPACKED`, without what a node needs besides."""
    with cache.lock("debian"):
        if not _folder(package).exists():
            print(f"Fetching Debian's {package}...", flush=True)
            _apt_get("update", "-qq")
            cache.made_once(_folder(package), partial(_unpack, package))


def provide_command(name: str) -> None:
    """Install the package that has a command's own name, unless the user's PATH has one from elsewhere."""
    if shutil.which(name) is not None:
        return
    if os.geteuid() != 0:
        raise LocalClusterError(f"{name} was not found and only root can install it: run `apt-get install {name}`.")
    with cache.lock("debian"):
        print(f"Fetching Debian's {name}...", flush=True)
        _apt_get("update", "-qq")
        _apt_get("install", "-y", "-qq", "--no-install-recommends", name)


def _missing() -> list[str]:
    return sorted({package for name, package in INSTALLED.items() if shutil.which(name, path=_SYSTEM_FOLDERS) is None})


def _folder(package: str) -> Path:
    return cache.root() / "debian" / package


def _unpack(package: str, folder: Path) -> None:
    _apt_get("download", "-qq", package, folder=folder.parent)
    [archive] = folder.parent.glob("*.deb")
    _run("dpkg-deb", "-x", str(archive), str(folder))


def _apt_get(*arguments: str, folder: Path | None = None) -> None:
    if shutil.which("apt-get") is None:
        packages = sorted({*INSTALLED.values(), *UNPACKED.values()})
        raise LocalClusterError(f"apt-get was not found; the node needs Debian's {', '.join(packages)}.")
    # Another program of the machine may be installing something.
    _run("apt-get", "-o", "DPkg::Lock::Timeout=300", *arguments, folder=folder)


def _run(*command: str, folder: Path | None = None) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LocalClusterError(
            f"`{' '.join(command)}` ended with exit status {done.returncode}: {done.stderr.strip()}"
        )
