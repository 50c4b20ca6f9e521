"""Where things are kept between runs: one folder outside the checkout."""

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

_PATIENCE_SECONDS = 2


def root() -> Path:
    """The cache folder: ``$CAKE_CACHE``, or ``cake-operator`` under the user's cache folder."""
    if explicit := os.environ.get("CAKE_CACHE"):
        return Path(explicit).resolve()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).resolve() / "cake-operator"


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Hold the lock ``name`` of this cache; waits, and says so, for whoever holds it; ends with its process."""
    folder = root() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    held = FileLock(folder / f"{name}.lock")
    try:
        held.acquire(timeout=_PATIENCE_SECONDS)
    except Timeout:
        print(f"Waiting for the process that holds {held.lock_file}", file=sys.stderr, flush=True)
        held.acquire()
    try:
        yield
    finally:
        held.release()


def made_once(target: Path, make: Callable[[Path], None]) -> Path:
    """``target``, which ``make`` has written to the path that it was given, now or in an earlier run.

    However many processes ask at once, one makes it; and nobody ever sees it half done.
    """
    with lock(str(target.relative_to(root())).replace("/", "-")):
        if not target.exists():
            # Of makers that were killed: this one holds the lock, so nobody is at work there.
            for stale in target.parent.glob(f".{target.name}.*"):
                shutil.rmtree(stale)
            with replacing(target) as fresh:
                make(fresh)
    return target


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """A folder of the cache that is gone afterwards; on the cache's disk, so that files can be renamed out of it."""
    root().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root(), prefix=f".{name}.") as folder:
        yield Path(folder)


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a fresh path beside ``target`` that takes its place, at once and whole, if the block ends well.

    The path does not exist yet, so that the block may make a file or a folder of it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as scratch:
        fresh = Path(scratch) / target.name
        yield fresh
        fresh.rename(target)


def fingerprint(*parts: bytes | str | Path) -> str:
    """A short name for exactly these inputs; a path stands for its file's bytes."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]
