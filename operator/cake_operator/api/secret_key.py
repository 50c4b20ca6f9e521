"""Where something secret is: it is never written into the resource, and the operator never reads it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cake_operator.api.names import ObjectName
from cake_operator.api.rules import SpecPart


class SecretKey(SpecPart):
    """One key of a Secret in the namespace of the CakeDeployment."""

    name: ObjectName = Field(description="The Secret.")
    key: Annotated[str, Field(min_length=1, max_length=253)] = Field(
        default="token", description="The key inside the Secret."
    )


class TlsSecret(SpecPart):
    """A certificate and its private key: a Secret of type kubernetes.io/tls, as cert-manager makes them."""

    name: ObjectName = Field(
        description="The Secret, in the namespace of the CakeDeployment; it has the keys tls.crt and tls.key."
    )
