"""Rules that need the whole spec, or the whole object: what one part says about another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cake_operator.api.rules import Rule

if TYPE_CHECKING:
    from cake_operator.api.resource import CakeDeployment, CakeDeploymentSpec

NAME_LENGTH = 52
"""A ReplicaSet adds eleven characters to the name, and a label, such as the name of a Service, holds 63."""

_NAME = r"[a-z]([-a-z0-9]*[a-z0-9])?"


def _memory_comes_first(spec: CakeDeploymentSpec) -> bool:
    return spec.kv_tiers[0].kind == "Memory"


def _memory_comes_once(spec: CakeDeploymentSpec) -> bool:
    return sum(tier.kind == "Memory" for tier in spec.kv_tiers) <= 1


def _names_are_unique(spec: CakeDeploymentSpec) -> bool:
    return len({tier.name for tier in spec.kv_tiers}) == len(spec.kv_tiers)


def _folders_are_unique(spec: CakeDeploymentSpec) -> bool:
    claims = [tier.persistent_volume_claim for tier in spec.kv_tiers if tier.persistent_volume_claim]
    folders = [(claim.claim_name, claim.path) for claim in claims if claim.claim_name]
    return len(set(folders)) == len(folders)


def _several_pods_share(spec: CakeDeploymentSpec) -> bool:
    claims = [tier.persistent_volume_claim for tier in spec.kv_tiers if tier.persistent_volume_claim]
    shared = all(claim.template is None or claim.template.shared for claim in claims)
    return shared or (spec.scaling.max_replicas <= 1 and (spec.replicas or 0) <= 1)


def _knob_rule(knob: str, field: str) -> Rule:
    def holds(spec: CakeDeploymentSpec) -> bool:
        slower = {tier.name for tier in spec.kv_tiers if tier.kind != "Memory"}
        return slower.issuperset(getattr(spec.balance.knobs, knob))

    return Rule(
        f"!has(self.balance.knobs.{field})"
        f" || self.balance.knobs.{field}.all(key, self.kvTiers.exists(tier, tier.name == key && !has(tier.memory)))",
        f"{field} names a tier that is not there: use the name of one of spec.kvTiers below memory",
        holds,
        f".balance.knobs.{field}",
    )


SPEC_RULES = (
    Rule(
        "self.kvTiers.size() == 0 || has(self.kvTiers[0].memory)",
        "the first tier must be memory, the others are filled through it: put {name: memory, memory: {}, capacity: 4Gi}"
        " at the top",
        _memory_comes_first,
        ".kvTiers",
    ),
    Rule(
        "self.kvTiers.filter(tier, has(tier.memory)).size() <= 1",
        "there is one memory tier: add the capacities up and write them on the first",
        _memory_comes_once,
        ".kvTiers",
    ),
    # The API server refuses the same name twice by the list's type, before it comes to rules.
    Rule(None, "two tiers have the same name: give each its own", _names_are_unique),
    Rule(
        "self.kvTiers.all(a, !has(a.persistentVolumeClaim) || !has(a.persistentVolumeClaim.claimName)"
        " || self.kvTiers.exists_one(b, has(b.persistentVolumeClaim) && has(b.persistentVolumeClaim.claimName)"
        " && b.persistentVolumeClaim.claimName == a.persistentVolumeClaim.claimName"
        " && b.persistentVolumeClaim.path == a.persistentVolumeClaim.path))",
        "two tiers use the same folder of one claim: give each its own path",
        _folders_are_unique,
        ".kvTiers",
    ),
    Rule(
        "self.kvTiers.all(tier, !has(tier.persistentVolumeClaim) || !has(tier.persistentVolumeClaim.template)"
        " || 'ReadWriteMany' in tier.persistentVolumeClaim.template.accessModes)"
        " || (self.scaling.maxReplicas <= 1 && (!has(self.replicas) || self.replicas <= 1))",
        "a ReadWriteOnce claim serves one pod: write accessModes: [ReadWriteMany] on the template, or at most 1 in"
        " replicas and scaling.maxReplicas",
        _several_pods_share,
        ".kvTiers",
    ),
    _knob_rule("load_bandwidth", "loadBandwidth"),
    _knob_rule("write_bandwidth", "writeBandwidth"),
)


def _name_fits(cake: CakeDeployment) -> bool:
    return len(cake.metadata.name) <= NAME_LENGTH


def _name_is_a_host(cake: CakeDeployment) -> bool:
    return re.fullmatch(_NAME, cake.metadata.name) is not None


OBJECT_RULES = (
    Rule(
        f"self.metadata.name.size() <= {NAME_LENGTH}",
        f"metadata.name may have {NAME_LENGTH} characters at most, because labels and child objects carry it:"
        " write a shorter one",
        _name_fits,
    ),
    Rule(
        f"self.metadata.name.matches(r'^{_NAME}$')",
        "metadata.name becomes the Service's host name: use lower-case letters, digits and -, a letter first",
        _name_is_a_host,
    ),
)
