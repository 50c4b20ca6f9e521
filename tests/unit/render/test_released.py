"""An upgrade of the operator restarts no pods, unless the changelog says that it does."""

from pathlib import Path

from tests.unit.render.released import pods, released

CHANGELOG = Path(__file__).parents[3] / "CHANGELOG.md"
WARNING = "restarts engine pods"


def test_a_rendering_that_restarts_the_pods_of_the_last_release_is_announced() -> None:
    changed = [name for name, before in released().items() if pods(name) != before]
    unreleased = CHANGELOG.read_text().partition("## [Unreleased]")[2].partition("\n## [")[0]
    assert not changed or WARNING in unreleased, (
        f"the pods of {', '.join(changed)} look otherwise than with the last release: every fleet of that kind is"
        f" restarted by an upgrade. Render them as before, or say in the changelog that this release {WARNING}, and why"
    )
