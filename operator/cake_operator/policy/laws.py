"""The laws of all policies, fitted to how the figures are taken."""

from dataclasses import dataclass
from typing import Self

from cake_operator.observe.sampling import Sampling
from cake_operator.policy.desire import LAW, Law
from cake_operator.policy.tuning_law import TUNING_LAW, TuningLaw


@dataclass(frozen=True, slots=True)
class Laws:
    """The figures of scaling and of tuning."""

    scaling: Law = LAW
    tuning: TuningLaw = TUNING_LAW

    @classmethod
    def of(cls, sampling: Sampling) -> Self:
        """Laws that judge no change before the window of its figures has passed, however long that is."""
        return cls(Law(settling=sampling.window), TuningLaw(judging=sampling.tuning_window, reading=sampling.window))
