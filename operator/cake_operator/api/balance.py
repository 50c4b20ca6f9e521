"""The balance between computing a stored prefix and loading it: the mode, the knobs, what the tuner may do."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from cake_engine.config import MAX_TIERS, Fraction, Mode
from cake_operator.api.names import TierName
from cake_operator.api.quantities import Quantity, amount, is_amount
from cake_operator.api.rules import Rule, SpecPart

Bandwidths = Annotated[
    dict[TierName, Quantity],
    Field(max_length=MAX_TIERS, description="Bytes per second by tier name, below the memory tier."),
]


class KnobsSpec(SpecPart):
    """Live settings of the engine; each is the tuner's start, and stays as written where nothing tunes it."""

    prefetch_share: Fraction | None = Field(
        default=None, description="Share of the memory tier that loads for waiting requests may hold (engine: 0.5)."
    )
    load_bandwidth: Bandwidths = Field(
        default={},
        description="Bytes per second that each pod may read from a tier, as in `{shared: 4Gi}`;"
        " a tier that is not named is not capped, which is close to the best split.",
    )
    write_bandwidth: Bandwidths = Field(
        default={},
        description="Bytes per second that each pod may write to a tier; a tier that is not named is not capped.",
    )
    prefix_token_share: Fraction | None = Field(
        default=None,
        description="Share of a step's token budget that computing stored prefixes may take (engine: 1).",
    )
    minimum_load_tokens: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = Field(
        default=None, description="Stored prefixes shorter than this many tokens are computed (engine: 256)."
    )
    retain_from: Fraction | None = Field(
        default=None,
        description="Fraction of a prefix below which blocks are evicted first: heads that are always recomputed"
        " need no storage (engine: 0).",
    )
    write_rest: Annotated[float, Field(ge=0, le=64, allow_inf_nan=False)] | None = Field(
        default=None,
        description="Seconds that a pod's writers rest for each second that a write to a shared volume took longer than"
        " on a quiet one; 0 has writes give way to nobody's reads (engine: 8).",
    )


class FractionBounds(SpecPart):
    """The least and the most that the tuner sets a fraction to."""

    min: Fraction = Field(default=0.0, description="The least.")
    max: Fraction = Field(default=0.9, description="The most.")

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("self.min <= self.max", "min is above max: swap them", lambda bounds: bounds.min <= bounds.max),
    )

    def within(self, fraction: float) -> float:
        """The fraction, no less than the least and no more than the most."""
        return min(max(fraction, self.min), self.max)


class BandwidthBounds(SpecPart):
    """The least and the most bytes per second that the tuner sets a cap to."""

    min: Quantity | None = Field(default=None, description="The least; no bound if not set.")
    max: Quantity | None = Field(default=None, description="The most; no bound if not set.")

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            f"!has(self.min) || !has(self.max) || !{is_amount('self.min')} || !{is_amount('self.max')}"
            f" || {amount('self.min')}.compareTo({amount('self.max')}) <= 0",
            "min is above max: swap them",
            lambda bounds: bounds.min is None or bounds.max is None or bounds.min.bytes <= bounds.max.bytes,
        ),
    )


class BoundsSpec(SpecPart):
    """How far the tuner may go."""

    retain_from: FractionBounds | None = Field(
        default=None, description="Bounds of `knobs.retainFrom`; without them tuning leaves it as it is."
    )
    write_bandwidth: BandwidthBounds = Field(
        default=BandwidthBounds(), description="Bounds of every tier's `knobs.writeBandwidth`, in bytes per second."
    )


def _starts_in_bounds(balance: BalanceSpec) -> bool:
    start, bounds = balance.knobs.retain_from, balance.bounds.retain_from
    return balance.tuning == "Off" or start is None or bounds is None or bounds.min <= start <= bounds.max


def _caps_in_bounds(balance: BalanceSpec) -> bool:
    caps, bounds = balance.knobs.write_bandwidth.values(), balance.bounds.write_bandwidth
    return balance.tuning == "Off" or all(
        (bounds.min is None or bounds.min.bytes <= cap.bytes) and (bounds.max is None or cap.bytes <= bounds.max.bytes)
        for cap in caps
    )


def _cap_compares(bound: str, relation: str) -> str:
    """The CEL expression for "the cap of this tier is on the right side of the bound, where there is one"."""
    cap, limit = "self.knobs.writeBandwidth[tier]", f"self.bounds.writeBandwidth.{bound}"
    return (
        f"(!has({limit}) || !{is_amount(cap)} || !{is_amount(limit)}"
        f" || {amount(cap)}.compareTo({amount(limit)}) {relation} 0)"
    )


class BalanceSpec(SpecPart):
    """How a stored prefix is brought back, and who turns the knobs."""

    mode: Annotated[Mode, Field(strict=False)] = Field(
        default=Mode.ADAPTIVE,
        description="Adaptive computes from the front and loads from the back until they meet; ComputeOnly loads"
        " nothing; LoadOnly loads all that is stored; Static meets at `staticMeetingPoint`."
        " A change reaches running pods without a restart.",
    )
    tuning: Literal["Auto", "Recommend", "Off"] = Field(
        default="Auto",
        description='Auto turns the knobs within the bounds; Recommend writes to status what Auto would do; "Off"'
        " (in quotes: YAML reads a bare Off as a boolean) does neither.",
    )
    static_meeting_point: Fraction | None = Field(
        default=None, description="Fraction of the stored prefix that is computed; with mode Static, and only then."
    )
    knobs: KnobsSpec = Field(default=KnobsSpec(), description="Settings of your own.")
    bounds: BoundsSpec = Field(default=BoundsSpec(), description="How far the tuner may go.")

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.mode != 'Static' || has(self.staticMeetingPoint)",
            "mode Static needs staticMeetingPoint: the fraction of the stored prefix to compute, as in 0.4",
            lambda balance: balance.mode is not Mode.STATIC or balance.static_meeting_point is not None,
            ".mode",
        ),
        Rule(
            "self.mode == 'Static' || !has(self.staticMeetingPoint)",
            "staticMeetingPoint is for mode Static: write mode: Static, or leave staticMeetingPoint out",
            lambda balance: balance.mode is Mode.STATIC or balance.static_meeting_point is None,
            ".staticMeetingPoint",
        ),
        Rule(
            "self.tuning == 'Off' || !has(self.knobs.retainFrom) || !has(self.bounds.retainFrom)"
            " || (self.bounds.retainFrom.min <= self.knobs.retainFrom"
            " && self.knobs.retainFrom <= self.bounds.retainFrom.max)",
            "knobs.retainFrom is outside bounds.retainFrom (0 to 0.9 where that says nothing), where tuning keeps it:"
            ' move one of them, or write tuning: "Off"',
            _starts_in_bounds,
            ".knobs.retainFrom",
        ),
        Rule(
            "self.tuning == 'Off' || !has(self.knobs.writeBandwidth) || self.knobs.writeBandwidth.all(tier,"
            f" {_cap_compares('min', '>=')} && {_cap_compares('max', '<=')})",
            "knobs.writeBandwidth is outside bounds.writeBandwidth, where tuning keeps it: move one of them, or write"
            ' tuning: "Off"',
            _caps_in_bounds,
            ".knobs.writeBandwidth",
        ),
    )
