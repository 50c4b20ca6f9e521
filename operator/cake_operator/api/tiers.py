"""Where KV blocks are kept, fast to slow."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from cake_engine.config import MEASURED_QUALITY, CodecName, Fraction, measured
from cake_operator.api.durations import PositiveDuration
from cake_operator.api.names import ObjectName, SubPath, TierName
from cake_operator.api.quantities import Capacity, amount, is_amount
from cake_operator.api.rules import Rule, SpecPart, exactly_one

AccessMode = Literal["ReadWriteMany", "ReadWriteOnce"]
TierKind = Literal["Memory", "EmptyDir", "PersistentVolumeClaim"]


class MemoryTier(SpecPart):
    """CPU memory of each pod."""


class EmptyDirTier(SpecPart):
    """Scratch space of the node that a pod runs on; it goes with the pod."""


class ClaimTemplate(SpecPart):
    """A claim that the operator makes, named after the CakeDeployment and the tier, as large as the tier's capacity."""

    storage_class_name: ObjectName | None = Field(
        default=None, description="The storage class; the cluster's default if not set."
    )
    access_modes: Annotated[list[AccessMode], Field(min_length=1, max_length=2)] = Field(
        default=["ReadWriteMany"],
        description="ReadWriteMany shares the blocks among all pods; ReadWriteOnce serves one pod.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )

    @property
    def shared(self) -> bool:
        """Whether several pods can use the claim."""
        return "ReadWriteMany" in self.access_modes


class ClaimTier(SpecPart):
    """A PersistentVolumeClaim: one that exists, or one made from a template."""

    claim_name: ObjectName | None = Field(
        default=None, description="A claim that exists in the namespace of the CakeDeployment."
    )
    template: ClaimTemplate | None = Field(default=None, description="A claim that the operator makes.")
    path: SubPath = Field(default=SubPath(""), description="A folder on the claim; empty for the claim's root.")
    retain: Literal["Keep", "Delete"] = Field(
        default="Keep",
        description="What becomes of a claim made from a template when the CakeDeployment is deleted.",
    )

    rules: ClassVar[tuple[Rule, ...]] = (
        exactly_one(
            ("claimName", "template"),
            "write either claimName (a claim that exists) or template (a claim that the operator makes)",
        ),
        Rule(
            "self.retain == 'Keep' || has(self.template)",
            "retain: Delete is for a claim made from a template: a claim named by claimName is never deleted",
            lambda claim: claim.retain == "Keep" or claim.template is not None,
            ".retain",
        ),
        Rule(
            "!has(self.template) || !has(oldSelf.template) || self.template == oldSelf.template",
            "the class and access modes of a claim cannot change once it is made: give the tier a new name",
            None,
            ".template",
        ),
    )


_LOSSY = [codec.value for codec in MEASURED_QUALITY]


def _quality_reached(codec: CodecName, share: float) -> Rule:
    """A floor that the codec did not reach when it was measured is refused, as its blocks would be."""
    return Rule(
        f"self.codec != '{codec}' || !has(self.qualityFloor) || self.qualityFloor <= {share}",
        f"{measured(codec)}: lower qualityFloor to that, or take a codec that keeps more",
        lambda tier: tier.codec is not codec or tier.quality_floor is None or tier.quality_floor <= share,
        ".qualityFloor",
    )


class KVTier(SpecPart):
    """One place where KV blocks are kept: exactly one of memory, emptyDir and persistentVolumeClaim."""

    name: TierName = Field(description="The tier's name in metrics, status and knobs.")
    memory: MemoryTier | None = Field(
        default=None, description="CPU memory of each pod; `{}` is all there is to write."
    )
    empty_dir: EmptyDirTier | None = Field(
        default=None, description="Scratch space of the pod's node; `{}` is all there is to write."
    )
    persistent_volume_claim: ClaimTier | None = Field(default=None, description="A volume that outlives the pods.")
    capacity: Capacity = Field(
        description="How much the tier holds: per pod for memory and emptyDir, in all for a claim."
    )
    ttl: PositiveDuration | None = Field(
        default=None,
        description="How long a block that nobody uses is kept; until room is needed, if not set. Not for memory.",
    )
    codec: Annotated[CodecName, Field(strict=False)] = Field(
        default=CodecName.RAW,
        description="How blocks are encoded on the tier: Raw as they are; Zstd exact and smaller, for some time of a "
        "processor core; Int8, Kivi4 and Kivi2 lossy, with 8, 4 and 2 bits a number, and CacheGenFine, CacheGenMedium "
        "and CacheGenCoarse, smaller at the same quality but slow to decode: lossy ones need qualityFloor. Not for "
        "memory.",
    )
    quality_floor: Fraction | None = Field(
        default=None,
        description="With a lossy codec, the least share of next tokens that must stay what they are with exact "
        "blocks: a codec that kept fewer when it was measured is refused. 0 takes any.",
    )

    rules: ClassVar[tuple[Rule, ...]] = (
        exactly_one(
            ("memory", "emptyDir", "persistentVolumeClaim"),
            "a tier is of one kind: write exactly one of memory: {}, emptyDir: {} and persistentVolumeClaim: {...}",
        ),
        Rule(
            "!has(self.ttl) || !has(self.memory)",
            "memory keeps a block until its room is needed: leave ttl out, or write it on a slower tier",
            lambda tier: tier.ttl is None or tier.memory is None,
            ".ttl",
        ),
        Rule(
            "self.codec == 'Raw' || !has(self.memory)",
            "memory keeps blocks as they are: leave codec out, or write it on a slower tier",
            lambda tier: tier.codec is CodecName.RAW or tier.memory is None,
            ".codec",
        ),
        Rule(
            f"!(self.codec in {_LOSSY}) || has(self.qualityFloor)",
            "this codec changes numbers, and a token now and then: write qualityFloor beside it, the least share of "
            "next tokens that must stay the same, or take Zstd, which is exact",
            lambda tier: tier.codec.exact or tier.quality_floor is not None,
            ".codec",
        ),
        Rule(
            f"self.codec in {_LOSSY} || !has(self.qualityFloor)",
            "Raw and Zstd are exact: leave qualityFloor out, or write a lossy codec beside it",
            lambda tier: not tier.codec.exact or tier.quality_floor is None,
            ".qualityFloor",
        ),
        *(_quality_reached(codec, share) for codec, share in MEASURED_QUALITY.items()),
        Rule(
            "!has(self.persistentVolumeClaim) || !has(self.persistentVolumeClaim.template)"
            " || !has(oldSelf.persistentVolumeClaim) || !has(oldSelf.persistentVolumeClaim.template)"
            f" || !{is_amount('self.capacity')} || !{is_amount('oldSelf.capacity')}"
            f" || {amount('self.capacity')}.compareTo({amount('oldSelf.capacity')}) >= 0",
            "a claim cannot shrink: keep the capacity or raise it, or give the tier a new name",
            None,
            ".capacity",
        ),
    )

    @property
    def kind(self) -> TierKind:
        """Which of the kinds is written."""
        if self.memory is not None:
            return "Memory"
        return "EmptyDir" if self.empty_dir is not None else "PersistentVolumeClaim"


DEFAULT_TIERS = [KVTier(name=TierName("memory"), memory=MemoryTier(), capacity=Capacity("4Gi"))]
