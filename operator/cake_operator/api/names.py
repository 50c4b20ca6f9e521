"""Names and paths that users write, each with its own sentence for what it may look like."""

from __future__ import annotations

from typing import ClassVar

from cake_operator.api.rules import Rule
from cake_operator.api.scalars import Scalar, matches

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_FOLDER = r"([^/\n]*[^/\n.][^/\n]*|\.\.\.+)"  # anything but nothing, . and ..


class ObjectName(Scalar):
    """The name of a Kubernetes object."""

    max_length: ClassVar[int] = 253
    rules: ClassVar[tuple[Rule, ...]] = (
        matches(
            rf"{_LABEL}(\.{_LABEL})*",
            "must be the name of an object: lower-case letters, digits, - and ., a letter or digit at both ends and"
            " beside each .",
        ),
    )


class TierName(Scalar):
    """The name of a tier: it stands in metrics, folders and claim names."""

    rules: ClassVar[tuple[Rule, ...]] = (
        matches(
            _LABEL,
            "a tier's name is lower-case letters, digits and -, as in shared or local-disk",
        ),
    )


class TenantName(Scalar):
    """The name of a tenant: it stands in the name and a label of its Secret."""

    max_length: ClassVar[int] = 63
    rules: ClassVar[tuple[Rule, ...]] = (
        matches(
            _LABEL,
            "a tenant's name is lower-case letters, digits and -, as in search or team-a",
        ),
    )


class ServedName(Scalar):
    """The name of a model in requests."""

    max_length: ClassVar[int] = 128
    rules: ClassVar[tuple[Rule, ...]] = (
        matches(
            r"[A-Za-z0-9][A-Za-z0-9._:/-]*",
            "a model's name is letters, digits, ., _, :, / and -, beginning with a letter or digit, as in smollm2",
        ),
    )


class SubPath(Scalar):
    """A folder inside a volume, spelt in one way only: two tiers must not share a folder by writing it differently."""

    max_length: ClassVar[int] = 256
    rules: ClassVar[tuple[Rule, ...]] = (
        matches(
            f"({_FOLDER}(/{_FOLDER})*)?",
            "must be a folder inside the volume, without / at its ends, //, . and .., as in models/smollm2",
        ),
    )
