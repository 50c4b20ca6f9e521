"""The operator's time of day, which can be set like that of a machine."""

from pathlib import Path

SHIFTED_CLOCK = Path(__file__).parent / "shifted_clock"
"""On the PYTHONPATH of a process, makes its clock one that can be set."""


class Clock:
    """The operator's time of day."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._wrong = 0.0
        self.jump(0.0)

    def jump(self, seconds: float) -> None:
        """Set it, by so much more than it is wrong already."""
        self._wrong += seconds
        half = self.file.with_suffix(".half")
        half.write_text(str(self._wrong))
        half.rename(self.file)  # never half of it: the operator may look at any moment
