"""CakeDeployment v1alpha1: a Kubernetes JSON object in, one typed value out.

>>> CakeDeployment.model_validate(obj).spec.kv_tiers[0].capacity.bytes
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from cake_engine.config import MAX_TIERS
from cake_operator.api.balance import BalanceSpec
from cake_operator.api.encryption import EncryptionSpec
from cake_operator.api.engine import EngineSpec
from cake_operator.api.model_source import ModelSpec
from cake_operator.api.names import TenantName
from cake_operator.api.network_policy import NetworkPolicySpec
from cake_operator.api.rules import SpecPart
from cake_operator.api.scaling import ScalingSpec
from cake_operator.api.service import ServiceSpec
from cake_operator.api.slo import SloSpec
from cake_operator.api.status import CakeDeploymentStatus
from cake_operator.api.tiers import DEFAULT_TIERS, KVTier
from cake_operator.api.whole import OBJECT_RULES, SPEC_RULES

GROUP = "cake.dev"
VERSION = "v1alpha1"
KIND = "CakeDeployment"
PLURAL = "cakedeployments"


class Metadata(BaseModel):
    """What the operator needs of an object's metadata."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)

    name: str
    namespace: str = "default"
    uid: str = ""
    generation: int = 0


class CakeDeploymentSpec(SpecPart):
    """What is served, on what, how well, and by how many."""

    model: ModelSpec = Field(description="The model that is served.")
    engine: EngineSpec = Field(default=EngineSpec(), description="The engine's pods.")
    kv_tiers: Annotated[
        list[KVTier],
        Field(
            min_length=1,
            max_length=MAX_TIERS,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = Field(default=DEFAULT_TIERS, description="Where KV blocks are kept, fast to slow; the first is memory.")
    tenant: TenantName | None = Field(
        default=None,
        description="Whose blocks these are. Their names on a tier hang on a salt in the Secret cake-tenant-NAME, which"
        " the operator makes if there is none and cannot read. CakeDeployments of one tenant find each other's blocks;"
        " those of two, or of none, share the capacity of a folder and nothing else. A change replaces the pods.",
    )
    encryption: EncryptionSpec | None = Field(
        default=None, description="Encryption of stored blocks; they lie as they are if not set."
    )
    balance: BalanceSpec = Field(default=BalanceSpec(), description="Computing against loading of stored prefixes.")
    slo: SloSpec | None = Field(default=None, description="Targets for latency; without them nothing scales by itself.")
    scaling: ScalingSpec = Field(default=ScalingSpec(), description="Scaling by the slo.")
    replicas: Annotated[int, Field(ge=0, le=1000)] | None = Field(
        default=None,
        description="A fixed number of replicas, written by you, `kubectl scale` or a HorizontalPodAutoscaler; the"
        " operator's own scaling stands back while it is set. A HorizontalPodAutoscaler needs a first number here: it"
        " cannot read the scale of an object without one.",
    )
    service: ServiceSpec = Field(default=ServiceSpec(), description="How clients reach the pods.")
    network_policy: NetworkPolicySpec | None = Field(
        default=None, description="Who may reach the pods; everybody in the cluster if not set."
    )

    rules: ClassVar = SPEC_RULES


class CakeDeployment(SpecPart):
    """A model served by a fleet of engines whose KV caches are computed and loaded at once."""

    model_config = ConfigDict(title=KIND)

    api_version: Literal["cake.dev/v1alpha1"] = "cake.dev/v1alpha1"
    kind: Literal["CakeDeployment"] = "CakeDeployment"
    metadata: Metadata
    spec: CakeDeploymentSpec
    status: CakeDeploymentStatus = CakeDeploymentStatus()

    rules: ClassVar = OBJECT_RULES
