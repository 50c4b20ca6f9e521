"""What the local cluster says when it cannot go on."""


class LocalClusterError(RuntimeError):
    """One sentence for the user: what is wrong, where, and what to do about it."""
