"""CakeDeployment as pydantic models: the one source of the CRD, the defaults and the API reference."""

from cake_operator.api.advice import slo_warnings
from cake_operator.api.balance import BalanceSpec, BandwidthBounds, BoundsSpec, FractionBounds, KnobsSpec
from cake_operator.api.durations import Duration, PositiveDuration
from cake_operator.api.encryption import EncryptionSpec
from cake_operator.api.engine import Drain, EngineSpec
from cake_operator.api.model_source import ClaimSource, HuggingFaceSource, ModelSource, ModelSpec
from cake_operator.api.names import ObjectName, ServedName, SubPath, TenantName, TierName
from cake_operator.api.network_policy import NetworkPolicySpec
from cake_operator.api.percentages import Percentage
from cake_operator.api.quantities import Capacity, Quantity
from cake_operator.api.reading import Readings
from cake_operator.api.resource import GROUP, KIND, PLURAL, VERSION, CakeDeployment, CakeDeploymentSpec, Metadata
from cake_operator.api.rollout import RolloutSpec
from cake_operator.api.scaling import ScalingSpec
from cake_operator.api.secret_key import SecretKey
from cake_operator.api.service import ServiceSpec
from cake_operator.api.slo import LatencyTarget, SloSpec
from cake_operator.api.status import (
    BalanceStatus,
    CakeDeploymentStatus,
    Condition,
    ScalingStatus,
    SloStatus,
)
from cake_operator.api.tiers import ClaimTemplate, ClaimTier, EmptyDirTier, KVTier, MemoryTier

__all__ = [
    "GROUP",
    "KIND",
    "PLURAL",
    "VERSION",
    "BalanceSpec",
    "BalanceStatus",
    "BandwidthBounds",
    "BoundsSpec",
    "CakeDeployment",
    "CakeDeploymentSpec",
    "CakeDeploymentStatus",
    "Capacity",
    "ClaimSource",
    "ClaimTemplate",
    "ClaimTier",
    "Condition",
    "Drain",
    "Duration",
    "EmptyDirTier",
    "EncryptionSpec",
    "EngineSpec",
    "FractionBounds",
    "HuggingFaceSource",
    "KVTier",
    "KnobsSpec",
    "LatencyTarget",
    "MemoryTier",
    "Metadata",
    "ModelSource",
    "ModelSpec",
    "NetworkPolicySpec",
    "ObjectName",
    "Percentage",
    "PositiveDuration",
    "Quantity",
    "Readings",
    "RolloutSpec",
    "ScalingSpec",
    "ScalingStatus",
    "SecretKey",
    "ServedName",
    "ServiceSpec",
    "SloSpec",
    "SloStatus",
    "SubPath",
    "TenantName",
    "TierName",
    "slo_warnings",
]
