"""The multi-call Kubernetes binary: built once for each version of its sources, kept in the cache."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
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
    return _named_in_go_mod(r"require k8s\.io/kubernetes v(\S+)")


def go_version() -> str:
    """The oldest Go that builds it, by go.mod, such as ``1.25``."""
    return _named_in_go_mod(r"go (\d+\.\d+)\S*")


def _named_in_go_mod(line: str) -> str:
    found = re.search(f"^{line}$", (SOURCES / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        raise LocalClusterError(f"{SOURCES / 'go.mod'} has no line {line!r}: restore the file from git.")
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
    go = find_go()
    version = kubernetes_version()
    _compile(go, version, _count_packages(go, version), target)


def find_go() -> str:
    """The program; raises LocalClusterError, which says what to do, where there is none that is new enough."""
    go = shutil.which("go") or (str(INSTALLED_GO) if INSTALLED_GO.exists() else None)
    if go is None:
        raise LocalClusterError(f"Go was not found: install Go {go_version()} or newer and put its bin folder on PATH.")
    # Asked where go.mod is, for there a newer Go than the installed one may be at work.
    said = subprocess.run([go, "version"], cwd=SOURCES, env=_environment(), capture_output=True, text=True, check=False)
    found = re.match(r"go version go(\d+)\.(\d+)", said.stdout)
    if found is None or (int(found[1]), int(found[2])) < tuple(map(int, go_version().split("."))):
        raise LocalClusterError(
            f"{go} is too old for Kubernetes: install Go {go_version()} or newer and put its bin folder on PATH; "
            f"`go version` says: {(said.stdout or said.stderr).strip()}"
        )
    return go


def _environment() -> dict[str, str]:
    # The user's flags must not change what is built, and no C compiler is asked for.
    return os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}


def _count_packages(go: str, version: str) -> int:
    """Download the modules, and say how many packages the binary is made of, Go's own among them."""
    with Progress(f"Kubernetes {version}: Go modules downloaded") as progress:
        lines = _run_go(
            [go, "list", "-deps", "-f", "{{.ImportPath}}", "."],
            lambda line: progress.advance(line.startswith("go: downloading")),
        )
    return sum(not line.startswith("go: ") for line in lines)


def _compile(go: str, version: str, total: int, target: Path) -> None:
    prefix = "k8s.io/component-base/version"
    major, minor, _ = version.split(".")
    # Without these the API server calls itself v0.0.0-master and clients refuse it.
    stamps = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    flags = "-s -w " + " ".join(f"-X {prefix}.{name}={value}" for name, value in stamps.items())
    title = f"Kubernetes {version}: packages compiled (10-15 minutes the first time)"
    with Progress(title, total) as progress:
        _run_go(
            [go, "build", "-v", "-trimpath", "-ldflags", flags, "-o", str(target), "."],
            lambda line: progress.advance(not line.startswith(("go: ", "#"))),
        )


def _run_go(command: list[str], each: Callable[[str], None]) -> list[str]:
    """Run Go in the sources; calls ``each`` with every line that it prints, and returns all of them."""
    lines = []
    with subprocess.Popen(
        command, cwd=SOURCES, env=_environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            each(line)
    if process.returncode != 0:
        said = "".join(lines[-8:]).strip()
        raise LocalClusterError(
            f"Go could not build Kubernetes (exit status {process.returncode}); it said last:\n{said}"
        )
    return lines
