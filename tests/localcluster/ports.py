"""Ports on loopback for API servers."""

import socket
from collections.abc import Collection

from tests.localcluster.errors import LocalClusterError

WELL_KNOWN = 6443
# Below the range from which the kernel takes ports for connections, and outside that of NodePorts.
OTHERS = range(20443, 20543)


def choose(taken: Collection[int]) -> int:
    """A port of 127.0.0.1 that nobody listens on and that no other cluster of this user was given."""
    candidates: list[int] = [WELL_KNOWN, *OTHERS]
    for port in candidates:
        if port not in taken and is_free(port):
            return port
    raise LocalClusterError(
        f"Port {WELL_KNOWN} and all of {OTHERS.start}-{OTHERS.stop - 1} on 127.0.0.1 are in use: "
        "end what listens there (`ss -ltnp`), or run `python -m tests.localcluster down`."
    )


def any_free() -> int:
    """A port of 127.0.0.1 that nobody listened on when the kernel was asked."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether nobody listens on that port of 127.0.0.1."""
    with socket.socket() as probe:
        # As servers do it, else the remains of an earlier cluster's connections would count as in use.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
