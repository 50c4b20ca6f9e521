"""Where the subjects of a fault are. Pure."""

from tests.faults.plan import Fault

PREFIX = "faults-"


def namespace_of(fault: Fault, seed: int) -> str:
    """Where the subject of a seed is: an operator that sees all namespaces has one for each."""
    return f"{_common(fault)}--{seed}" if fault.cluster_wide else _common(fault)


def is_of(fault: Fault, namespace: str) -> bool:
    """Whether subjects of that fault are in a namespace.

    >>> is_of(Fault("429", 1, lambda *_: None), "faults-429-with-retry-after")
    False
    """
    return namespace == _common(fault) or namespace.startswith(f"{_common(fault)}--")


def _common(fault: Fault) -> str:
    return PREFIX + "".join(one if one.isalnum() else "-" for one in fault.name.lower())
