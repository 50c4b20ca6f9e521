"""Shares as users write them: 99%, 99.9%."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import ClassVar

from cake_operator.api.rules import Rule
from cake_operator.api.scalars import Scalar, matches


class Percentage(Scalar):
    """A share above 0% and below 100%, as in `99.9%`."""

    max_length: ClassVar[int] = 12
    rules: ClassVar[tuple[Rule, ...]] = (
        matches(
            r"[0-9]{1,2}(\.[0-9]+)?%",
            "a share is a number below 100 and a percent sign, as in 99% or 99.9% (100% would leave no error budget)",
        ),
        Rule("self.matches('[1-9]')", "must be above 0%, as in 99%", lambda text: re.search("[1-9]", text) is not None),
    )

    @property
    def fraction(self) -> float:
        """The share as a number between 0 and 1."""
        return float(Decimal(self.removesuffix("%")) / 100)
