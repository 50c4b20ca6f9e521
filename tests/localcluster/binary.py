"""The multi-call Kubernetes binary: built once for each version of its sources, kept in the cache."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.localcluster import cache
from tests.localcluster.errors import LocalClusterError
from tests.localcluster.progress import Progress

SOURCES = Path(__file__).parent / "kube"
INSTALLED_GO = Path("/usr/local/go/bin/go")


def path() -> Path:
    """Where the binary of the present sources is kept, built or not."""
    sources = [SOURCES / name for name in ("go.mod", "go.sum", "main.go")]
    return cache.root() / "localkube" / cache.fingerprint(*sources) / "localkube"


def kubernetes_version() -> str:
    """The version of Kubernetes that go.mod names, such as ``1.35.4``."""
    found = re.search(r"^require k8s\.io/kubernetes v(\S+)$", (SOURCES / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        raise LocalClusterError(
            f"{SOURCES / 'go.mod'} names no version of k8s.io/kubernetes; restore the file from git."
        )
    return found[1]


def require() -> Path:
    """The built binary.

    Raises:
        LocalClusterError: it is not built yet.
    """
    if not path().exists():
        raise LocalClusterError(
            "Kubernetes is not built yet: run `python -m tests.localcluster build` (once, about 15 minutes)."
        )
    return path()


def build() -> Path:
    """Build the binary unless the cache has it; shows how far it is."""
    return cache.made_once(path(), _build)


def _build(target: Path) -> None:
    go = _find_go()
    version = kubernetes_version()
    _compile(go, version, _count_packages(go, version), target)


def _find_go() -> str:
    go = shutil.which("go") or (str(INSTALLED_GO) if INSTALLED_GO.exists() else None)
    if go is None:
        raise LocalClusterError("Go was not found: install Go 1.25 or newer and put its bin folder on PATH.")
    return go


def _environment() -> dict[str, str]:
    # The user's flags must not change what is built, and no C compiler is asked for.
    return os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}


def _count_packages(go: str, version: str) -> int:
    """Download the modules, and say how many packages the binary is made of, Go's own among them."""
    command = [go, "list", "-deps", "-f", "{{.ImportPath}}", "."]
    with Progress(f"Kubernetes {version}: Go modules downloaded") as progress:
        process = subprocess.Popen(
            command, cwd=SOURCES, env=_environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            progress.advance(line.startswith("go: downloading"))
    _require_success(process.wait(), lines)
    return sum(not line.startswith("go: ") for line in lines)


def _compile(go: str, version: str, total: int, target: Path) -> None:
    prefix = "k8s.io/component-base/version"
    major, minor, _ = version.split(".")
    # Without these the API server calls itself v0.0.0-master and clients refuse it.
    stamps = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    flags = "-s -w " + " ".join(f"-X {prefix}.{name}={value}" for name, value in stamps.items())
    command = [go, "build", "-v", "-trimpath", "-ldflags", flags, "-o", str(target), "."]
    title = f"Kubernetes {version}: packages compiled (10-15 minutes the first time)"
    with Progress(title, total) as progress:
        process = subprocess.Popen(
            command, cwd=SOURCES, env=_environment(), text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            progress.advance(not line.startswith(("go: ", "#")))
    _require_success(process.wait(), lines)


def _require_success(code: int, lines: list[str]) -> None:
    if code != 0:
        said = "".join(lines[-8:]).strip()
        raise LocalClusterError(f"Go could not build Kubernetes (exit status {code}); it said last:\n{said}")
