"""The knobs that the user wrote, and those that the tuner may start from."""

from collections.abc import Iterable
from typing import Any

from cake_engine.config import Knobs
from cake_operator.api import BalanceSpec, Quantity, TierName

__all__ = ["RETAIN", "WRITE", "edited_knobs", "highest_write_bandwidth", "starting_knobs", "tuned_from"]

RETAIN = "retain_from"
WRITE = "write_bandwidth_bytes_per_second"


def starting_knobs(balance: BalanceSpec) -> Knobs:
    """The user's knobs; what is not written is the engine's default."""
    written = balance.knobs
    numbers = {
        "prefetch_share": written.prefetch_share,
        "prefix_token_share": written.prefix_token_share,
        "minimum_load_tokens": written.minimum_load_tokens,
        "retain_from": written.retain_from,
        "write_rest": written.write_rest,
    }
    return Knobs.model_validate(
        {name: value for name, value in numbers.items() if value is not None}
        | {
            "load_bandwidth_bytes_per_second": _bytes(written.load_bandwidth),
            "write_bandwidth_bytes_per_second": _bytes(written.write_bandwidth),
        }
    )


def tuned_from(user: Knobs, current: Knobs, balance: BalanceSpec, tiers: Iterable[str]) -> Knobs:
    """Where the tuner goes on: the user's knobs, with those that it turns as they are now, within their bounds.

    Args:
        user: As `starting_knobs` returned them.
        current: What the pods were last given; only what the tuner turns is taken from it.
        balance: Has the bounds.
        tiers: Names of the tiers below memory; caps of others are dropped.
    """
    retain, write = balance.bounds.retain_from, balance.bounds.write_bandwidth
    least = write.min.bytes if write.min is not None else 0
    caps = {}
    for tier in tiers:
        cap = current.write_bandwidth_bytes_per_second.get(tier)
        most = highest_write_bandwidth(user, balance, tier)
        limits = [limit for limit in (cap, most) if limit is not None]
        if limits:
            caps[tier] = max(min(limits), float(least))
    return user.model_copy(
        update={
            "retain_from": user.retain_from if retain is None else retain.within(current.retain_from),
            "write_bandwidth_bytes_per_second": caps,
        }
    )


def edited_knobs(before: Knobs | None, user: Knobs) -> dict[str, Any]:
    """The knobs among those that are tuned which the user has written anew: tuning starts from them."""
    if before is None:
        return {}
    return {knob: getattr(user, knob) for knob in (RETAIN, WRITE) if getattr(user, knob) != getattr(before, knob)}


def highest_write_bandwidth(user: Knobs, balance: BalanceSpec, tier: str) -> float | None:
    """The most bytes per second that the tuner may let a pod write to a tier; None without a limit."""
    most = balance.bounds.write_bandwidth.max
    written = user.write_bandwidth_bytes_per_second.get(tier)
    limits = [limit for limit in (written, most.bytes if most is not None else None) if limit is not None]
    return float(min(limits)) if limits else None


def _bytes(bandwidths: dict[TierName, Quantity]) -> dict[str, float]:
    return {str(tier): float(amount.bytes) for tier, amount in bandwidths.items()}
