"""The images that pods of the local cluster run: thin layers on one base, so that a change of code costs seconds."""

import time
from collections.abc import Callable
from pathlib import Path

from tests.localcluster import cache, debian, python_packages, rootfs
from tests.localcluster.oci import DEBIAN_PATH, Image, Layer, LayerWriter
from tests.localcluster.variables import Images

CHECKOUT = Path(__file__).parents[2]
DISTRIBUTION = "cake-operator"
OPERATOR = CHECKOUT / "operator/cake_operator"
ENGINE = CHECKOUT / "engine/cake_engine"

# Our packages; what the operator depends on; where the engine's environment, too large for a layer, gets mounted.
SITE = "opt/cake/site"
LIBRARY = "opt/cake/lib"
ENVIRONMENT = "opt/cake/env"

# What they are called on the node; nothing answers at `localhost`, so that no node pulls them.
NAMES = Images("localhost/cake-operator:dev", "localhost/cake-engine:dev", "localhost/prometheus:dev")

# Layers of code that has changed since are kept this long.
KEPT_SECONDS = 7 * 24 * 3600


def pause() -> Image:
    """What holds a pod's namespaces: a static program that sleeps."""
    layer = _program_layer("pause", Path("/bin/busybox"), "bin/busybox")
    return Image("localhost/pause:dev", [layer], ["/bin/busybox", "sleep", "infinity"])


def operator() -> Image:
    """The operator of this checkout, with what requirements/operator.txt pins."""
    requirements = CHECKOUT / "requirements/operator.txt"

    def write_dependencies(layer: LayerWriter) -> None:
        with cache.scratch("operator") as folder:
            python_packages.install(requirements, folder)
            layer.add_tree(folder, LIBRARY)

    dependencies = _layer("operator-dependencies", cache.fingerprint(requirements), write_dependencies)
    return Image(
        NAMES.operator,
        [rootfs.base_layer(), dependencies, _code_layer("operator", OPERATOR, ENGINE)],
        ["python3", "-m", "cake_operator.main"],
        _python_environment(SITE, LIBRARY),
    )


def engine() -> Image:
    """The engine of this checkout. vLLM itself is mounted at /opt/cake/env, the site-packages of an environment."""
    return Image(
        NAMES.engine,
        [rootfs.base_layer(), _code_layer("engine", ENGINE)],
        ["python3", "-m", "cake_engine.cli"],
        _python_environment(SITE, ENVIRONMENT),
    )


def prometheus() -> Image:
    """Debian's Prometheus."""
    layer = _program_layer("prometheus", debian.program("prometheus"), "usr/bin/prometheus")
    return Image(NAMES.prometheus, [rootfs.base_layer(), layer], ["/usr/bin/prometheus"])


NAMED: dict[str, Callable[[], Image]] = {"operator": operator, "engine": engine, "prometheus": prometheus}


def _code_layer(name: str, *packages: Path) -> Layer:
    """Our packages, compiled, and the folder that the engine's environment is mounted on."""

    def write(layer: LayerWriter) -> None:
        layer.add_folder(ENVIRONMENT)
        with cache.scratch(name) as folder:
            python_packages.copy(packages, folder)
            python_packages.copy_metadata(DISTRIBUTION, folder)
            layer.add_tree(folder, SITE)

    sources = [path for package in packages for path in python_packages.sources(package)]
    names = [str(path.relative_to(CHECKOUT)) for path in sources]
    return _layer(f"{name}-code", cache.fingerprint(CHECKOUT / "pyproject.toml", *names, *sources), write)


def _program_layer(name: str, program: Path, target: str) -> Layer:
    """One program of this machine. It is told from another version by size and time: reading it takes too long."""

    def write(layer: LayerWriter) -> None:
        layer.add_file(target, program.read_bytes(), 0o755)

    state = program.stat()
    return _layer(name, cache.fingerprint(f"{state.st_size} {state.st_mtime_ns}"), write)


def _python_environment(*folders: str) -> tuple[str, ...]:
    search = ":".join(f"/{folder}" for folder in folders)
    return (DEBIAN_PATH, f"PYTHONPATH={search}", "PYTHONUNBUFFERED=1", "LANG=C.UTF-8", "HOME=/tmp")


def _layer(name: str, key: str, write: Callable[[LayerWriter], None]) -> Layer:
    """The layer that depends only on ``key``, written if the cache lacks it."""
    target = cache.root() / "layers" / name / f"{key}.tar"

    def make(fresh: Path) -> None:
        _forget_old_layers(target.parent)
        with LayerWriter(fresh) as layer:
            write(layer)

    return Layer.of(cache.made_once(target, make))


def _forget_old_layers(folder: Path) -> None:
    for file in folder.glob("*.tar*"):
        if time.time() - file.stat().st_mtime > KEPT_SECONDS:
            file.unlink()
