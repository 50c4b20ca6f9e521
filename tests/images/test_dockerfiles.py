"""What docs/how-to/images.md promises of the two images, on a base of Debian packages in the place of a registry's."""

import json
import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.images import base
from tests.images.buildah import Buildah, Built, run

# Beside the base: ours, compiled, the operator's packages, and what vLLM does not bring to the engine.
LARGEST_MEBIBYTES = {"operator": 100, "engine": 32}
IMAGES = sorted(LARGEST_MEBIBYTES)


@pytest.fixture(scope="module")
def buildah(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buildah]:
    folder = tmp_path_factory.mktemp("images")
    buildah = Buildah(folder)
    buildah.load(base.python_image(folder))
    yield buildah
    buildah("rmi", "--all", "--force")


@pytest.fixture(scope="module")
def pip(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, str]:
    return base.offline_pip(tmp_path_factory.mktemp("pip"))


@pytest.fixture(scope="module")
def built(buildah: Buildah, pip: dict[Path, str]) -> dict[str, Built]:
    return {name: buildah.build(name, base.NAME, pip) for name in IMAGES}


@pytest.fixture(scope="module")
def files(buildah: Buildah, built: dict[str, Built]) -> Iterator[dict[str, Path]]:
    with buildah.files(built["operator"]) as operator, buildah.files(built["engine"]) as engine:
        yield {"operator": operator, "engine": engine}


def added(root: Path) -> list[Path]:
    return [path for path in (root / "opt/cake").rglob("*") if not path.is_symlink()]


@pytest.mark.parametrize("name", IMAGES)
def test_what_is_built_twice_is_the_same_image(
    buildah: Buildah, built: dict[str, Built], pip: dict[Path, str], name: str
) -> None:
    assert buildah.build(name, base.NAME, pip).identity == built[name].identity


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_runs_as_nobody_known_and_its_user_may_change_none_of_its_files(
    built: dict[str, Built], files: dict[str, Path], name: str
) -> None:
    assert built[name].configuration["config"]["User"] == "65532:65532"
    states = [path.stat() for path in added(files[name])]
    assert {state.st_uid for state in states} == {0}
    assert not any(state.st_mode & 0o022 for state in states)


@pytest.mark.parametrize("name", IMAGES)
def test_every_module_is_compiled_and_no_source_tree_is_left(files: dict[str, Path], name: str) -> None:
    paths = set(added(files[name]))
    sources = {path for path in paths if path.suffix == ".py"}
    assert len(sources) > 20
    assert {path for path in sources if _bytecode(path) not in paths} == set()
    assert not (files[name] / "src").exists()


def _bytecode(source: Path) -> Path:
    return source.parent / "__pycache__" / f"{source.stem}.cpython-311.pyc"


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_is_small(files: dict[str, Path], name: str) -> None:
    size = sum(path.stat().st_size for path in added(files[name]) if path.is_file()) / 2**20
    print(f"cake-{name}: {size:.1f} MiB beside its base")
    assert size < LARGEST_MEBIBYTES[name]


def test_the_operator_starts_on_a_read_only_file_system(built: dict[str, Built], files: dict[str, Path]) -> None:
    version = run(built["operator"], files["operator"], ["--version"])
    assert version.stdout.startswith("cake-operator "), version.stderr
    untold = run(built["operator"], files["operator"])
    assert (untold.returncode, "CAKE_ENGINE_IMAGE is not set" in untold.stderr) == (2, True)


def test_the_engine_starts_beside_the_packages_of_a_vllm(
    built: dict[str, Built], files: dict[str, Path], tmp_path: Path
) -> None:
    """The base has no vLLM: that of this environment is shown to it where a base keeps packages."""
    tier = {"name": "memory", "kind": "Memory", "capacityBytes": 2**20}
    (tmp_path / "engine.json").write_text(json.dumps({"model": {"name": "m"}, "tiers": [tier]}))
    os.chmod(tmp_path, 0o755)
    shown = {Path(sysconfig.get_paths()["purelib"]): f"/{base.ADDED}", tmp_path: "/mnt"}
    told = ["serve", "m", "--cake-config", "/mnt/engine.json", "--show"]
    done = run(built["engine"], files["engine"], told, shown)
    assert done.stdout.startswith("vllm serve m --kv-transfer-config"), done.stderr
