"""How clients reach the engine."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from cake_operator.api.rules import Rule, SpecPart


class ServiceSpec(SpecPart):
    """The Service in front of the pods: named as the CakeDeployment, port 8000."""

    type: Literal["ClusterIP", "NodePort"] = Field(
        default="ClusterIP", description="ClusterIP for clients inside the cluster, NodePort for a port of every node."
    )
    node_port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        default=None, description="The port of every node; chosen by the cluster if not set."
    )

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.nodePort) || self.type == 'NodePort'",
            "a nodePort needs type: NodePort; write it, or leave nodePort out",
            lambda service: service.node_port is None or service.type == "NodePort",
            ".nodePort",
        ),
    )
