"""Who may reach the engines over the network."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, WithJsonSchema

from cake_operator.api.rules import SpecPart

_PEER_FIELDS = {
    "ipBlock": "Addresses outside of the cluster, as in `{cidr: 10.0.0.0/8}`.",
    "namespaceSelector": "Pods of the namespaces with these labels.",
    "podSelector": "Pods with these labels; of the same namespace where there is no namespaceSelector.",
}


def _known_peer(peer: dict[str, Any]) -> dict[str, Any]:
    if not peer or peer.keys() - _PEER_FIELDS.keys():
        raise ValueError(f"a peer has {', '.join(_PEER_FIELDS)}, and nothing else")
    return peer


Peer = Annotated[
    dict[str, Any],
    AfterValidator(_known_peer),
    WithJsonSchema(
        {
            "type": "object",
            "description": "One of them, or namespaceSelector and podSelector together.",
            "minProperties": 1,
            "properties": {
                field: {"description": meaning, "type": "object", "x-kubernetes-preserve-unknown-fields": True}
                for field, meaning in _PEER_FIELDS.items()
            },
        }
    ),
]


class NetworkPolicySpec(SpecPart):
    """A NetworkPolicy for the engines: they take connections from these peers and from nobody else."""

    allowed: Annotated[list[Peer], Field(min_length=1, max_length=32)] = Field(
        alias="from",
        description="Peers of a NetworkPolicy: clients, and the Prometheus that scrapes the pods, as in"
        " `{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}`.",
    )

    rules: ClassVar = ()
