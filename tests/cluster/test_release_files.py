"""What `make dist` makes for a release; helm alone, no cluster is asked."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.cluster.test_chart_rendering import CHART, helm

ROOT = Path(__file__).parents[2]
VERSION = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]


def dist(into: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [ROOT / "scripts/dist", into]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    done = dist(folder, TAG=f"v{VERSION}")
    assert done.returncode == 0, done.stderr
    return folder


def test_a_release_has_a_wheel_a_chart_a_bill_of_materials_and_their_sums(made: Path) -> None:
    assert {path.name for path in made.iterdir()} == {
        f"cake_operator-{VERSION}-py3-none-any.whl",
        f"cake-operator-{VERSION}.tgz",
        "cake-operator.cdx.json",
        "SHA256SUMS",
    }
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=made, check=True)


def test_the_same_commit_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    assert dist(tmp_path).returncode == 0
    assert (tmp_path / "SHA256SUMS").read_text() == (made / "SHA256SUMS").read_text()


def test_the_packed_chart_is_one_that_helm_takes(made: Path) -> None:
    images = "image.repository=localhost/cake-operator,engine.image=localhost/cake-engine:dev"
    packed = made / f"cake-operator-{VERSION}.tgz"
    told = ("--set", images)
    assert helm("template", "x", packed, *told).stdout == helm("template", "x", CHART, *told).stdout


def test_the_bill_of_materials_names_every_pin_of_the_operator_with_its_version(made: Path) -> None:
    pinned = re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==([^ \\]+)", (ROOT / "requirements/operator.txt").read_text(), re.M)
    listed = json.loads((made / "cake-operator.cdx.json").read_text())["components"]
    assert {(one["name"], one["version"]) for one in listed} == set(pinned)


def test_a_tag_that_is_not_the_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    done = dist(tmp_path / "none", TAG="v99.0.0")
    assert done.returncode == 1
    assert f"The tag v99.0.0 is not v{VERSION}: write the version into" in done.stderr
    assert not (tmp_path / "none").exists()
