"""What the cluster holds of one CakeDeployment, read from the cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from cake_engine.config import ConfigError, LiveConfig, parse
from cake_operator.api import CakeDeployment, Readings
from cake_operator.apply.cache import Object
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS, CLAIMS, CONFIG_MAPS, DEPLOYMENTS
from cake_operator.apply.ownership import replicas_owner
from cake_operator.apply.reads import Reads
from cake_operator.render.naming import TUNING_KEY, tuning_name
from cake_operator.status.claims import ClaimUse, claim_uses, one_node
from cake_operator.status.pods import ready_pods

__all__ = ["Seen", "neighbours", "see"]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is there of one CakeDeployment.

    Attributes:
        deployment: Its Deployment.
        pods: Its pods.
        live: The live configuration as the cluster has it; None where there is none that can be read.
        claim_uses: The claims that its pods mount.
        claims: Those claims by name; None for one that is not there.
        replicas_owner: Who else decided the Deployment's number of replicas.
    """

    deployment: Object | None
    pods: Sequence[Object]
    live: LiveConfig | None
    claim_uses: list[ClaimUse]
    claims: Mapping[str, Object | None]
    replicas_owner: str | None

    @property
    def replicas(self) -> int:
        """Pods that the Deployment asks for; 0 where there is none."""
        return int((self.deployment or {}).get("spec", {}).get("replicas", 0))

    @property
    def generation(self) -> int:
        """That of the Deployment's spec; 0 where there is none."""
        return int((self.deployment or {}).get("metadata", {}).get("generation", 0))

    @property
    def one_node(self) -> bool:
        """Whether a claim can be mounted on one node only."""
        return one_node(self.claim_uses, self.claims)

    @property
    def ready_pods(self) -> list[str]:
        """Names of the pods that take requests."""
        return ready_pods(self.pods)


def neighbours(cache: Reads, readings: Readings, resource: CakeDeployment, seen: Seen) -> dict[str, list[ClaimUse]]:
    """What the other CakeDeployments that share a claim with `resource` mount, by name.

    One that cannot be read is left out: its own condition says so, and what it mounts is not known.
    """
    namespace, name = resource.metadata.namespace, resource.metadata.name
    sharing = {key for use in seen.claim_uses for key in cache.mounting(namespace, use.claim)} - {(namespace, name)}
    found = {}
    for key in sorted(sharing):
        stored = cache.get(CAKE_DEPLOYMENTS, *key)
        with suppress(ValidationError):
            found[key[1]] = [] if stored is None else claim_uses(readings.read(stored))
    return found


def see(cache: Reads, resource: CakeDeployment) -> Seen:
    """Collect what the cache has of `resource`."""
    namespace, name = resource.metadata.namespace, resource.metadata.name
    deployment = cache.get(DEPLOYMENTS, namespace, name)
    uses = claim_uses(resource)
    return Seen(
        deployment=deployment,
        pods=cache.pods((namespace, name)),
        live=_live(cache.get(CONFIG_MAPS, namespace, tuning_name(name))),
        claim_uses=uses,
        claims={use.claim: cache.get(CLAIMS, namespace, use.claim) for use in uses},
        replicas_owner=None if deployment is None else replicas_owner(deployment),
    )


def _live(config_map: Mapping[str, Any] | None) -> LiveConfig | None:
    text = ((config_map or {}).get("data") or {}).get(TUNING_KEY)
    if text is None:
        return None
    try:
        return _parsed(text)
    except ConfigError:
        return None  # edited by hand to something else: it is about to be written anew


@lru_cache(maxsize=1024)
def _parsed(text: str) -> LiveConfig:
    """Most CakeDeployments have one of a few, and each is looked at again and again."""
    return parse(LiveConfig, text, TUNING_KEY)
