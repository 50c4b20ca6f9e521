"""Tiers that share a claim, in one CakeDeployment or in several, and do not agree about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from cake_operator.api.amounts import shown
from cake_operator.status.claims import ClaimUse
from cake_operator.status.troubles import Trouble

__all__ = ["sharing_troubles"]


def sharing_troubles(uses: Sequence[ClaimUse], others: Mapping[str, Sequence[ClaimUse]]) -> list[Trouble]:
    """Where tiers are in each other's way, each with what to do.

    One folder for several CakeDeployments is what makes them share blocks, and is no trouble where they agree how large
    it may grow.

    Args:
        uses: The claims that one CakeDeployment mounts.
        others: Those of the other CakeDeployments of its namespace, by name.
    """
    tiers = [use for use in uses if use.written]
    found = [_trouble(use, "", earlier) for index, use in enumerate(tiers) for earlier in tiers[:index]]
    found += [_trouble(use, name, their) for use in tiers for name, their in _tiers(others)]
    return [trouble for trouble in found if trouble is not None]


def _tiers(others: Mapping[str, Sequence[ClaimUse]]) -> Iterator[tuple[str, ClaimUse]]:
    return ((name, use) for name, uses in sorted(others.items()) for use in uses if use.written)


def _trouble(use: ClaimUse, name: str, their: ClaimUse) -> Trouble | None:
    """What is wrong between two tiers; `name` is the other CakeDeployment, empty for the same one."""
    if use.claim != their.claim:
        return None
    other = f"tier {their.tier} of CakeDeployment {name}" if name else f"tier {their.tier}"
    where = f"{use.field}: {_folder(use)} of claim {use.claim}"
    if use.path == their.path:
        if not name:
            return Trouble("ClaimOverlap", f"{where} is that of {other}, too: give each its own path")
        if use.capacity == their.capacity:
            return None
        smaller = shown(min(use.capacity, their.capacity))
        return Trouble(
            "ClaimDisputed",
            f"{where} may hold {shown(use.capacity)}, and {other} gives it {shown(their.capacity)}: {smaller} hold for"
            " both; write one capacity in both, or give one of them a path of its own",
        )
    mine, theirs = PurePosixPath(use.path), PurePosixPath(their.path)
    if mine in theirs.parents or theirs in mine.parents:
        return Trouble(
            "ClaimOverlap",
            f"{where} and {_folder(their)} of {other} lie one inside the other, and the outer one counts the inner:"
            " give them paths beside each other",
        )
    return None


def _folder(use: ClaimUse) -> str:
    return f"folder {use.path}" if use.path else "the root"
