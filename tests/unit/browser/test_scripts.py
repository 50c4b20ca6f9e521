"""What needs a browser says what to install, and the npm packages are those of the lock file."""

import json
from pathlib import Path

import pytest

from browser.scripts import SOURCES, BrowserError, run


def test_a_program_that_is_missing_is_said_with_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrowserError, match=r"chromium was not found: .*apt-get install chromium"):
        run("draw.mjs", [])


def test_the_lock_file_has_every_package_with_a_checksum_and_says_of_none_where_it_is_from() -> None:
    packages = json.loads((SOURCES / "package-lock.json").read_text())["packages"]
    declared = json.loads((SOURCES / "package.json").read_text())
    named = {*declared["dependencies"], *declared["devDependencies"]}
    assert {f"node_modules/{name}" for name in named} <= packages.keys()
    fetched = [package for path, package in packages.items() if path]
    assert all("integrity" in package and "resolved" not in package for package in fetched)
