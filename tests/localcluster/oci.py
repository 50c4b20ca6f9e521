"""OCI images made here, layer by layer, with no registry and no daemon."""

import hashlib
import io
import json
import tarfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.localcluster import cache

DEBIAN_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Layer:
    """A tar file that is a layer of images.

    Attributes:
        tar: the file, not compressed.
        digest: ``sha256:...`` of its bytes.
    """

    tar: Path
    digest: str

    @classmethod
    def of(cls, tar: Path) -> "Layer":
        """The layer in ``tar``, whose digest is kept beside it (a base layer is hundreds of megabytes)."""
        known = tar.with_name(tar.name + ".sha256")
        if not known.exists():
            # Whole at once: another launcher may be reading it.
            with tar.open("rb") as content, cache.replacing(known) as fresh:
                fresh.write_text("sha256:" + hashlib.file_digest(content, "sha256").hexdigest())
        return cls(tar, known.read_text())


@dataclass(frozen=True)
class Image:
    """An image: what it is called, what it is made of, how its containers run.

    Attributes:
        name: such as ``localhost/cake-operator:dev``.
        layers: from the base up.
        entrypoint: the command of containers that give none.
        environment: ``NAME=value`` for each variable.
        user: numbers, so that kubelet can see that it is not root.
    """

    name: str
    layers: Sequence[Layer]
    entrypoint: Sequence[str]
    environment: Sequence[str] = field(default=(DEBIAN_PATH,))
    user: str = "65532:65532"

    def configuration(self) -> bytes:
        """The image's configuration document."""
        run = {"Entrypoint": list(self.entrypoint), "Env": list(self.environment), "User": self.user, "WorkingDir": "/"}
        parts = {"type": "layers", "diff_ids": [layer.digest for layer in self.layers]}
        return _encode({"architecture": "amd64", "os": "linux", "config": run, "rootfs": parts})

    def manifest(self) -> bytes:
        """The image's manifest, whose digest is the image's identity."""
        kind = "application/vnd.oci.image"
        return _encode(
            {
                "schemaVersion": 2,
                "mediaType": f"{kind}.manifest.v1+json",
                "config": _descriptor(f"{kind}.config.v1+json", self.configuration()),
                "layers": [
                    {
                        "mediaType": f"{kind}.layer.v1.tar",
                        "digest": layer.digest,
                        "size": layer.tar.stat().st_size,
                    }
                    for layer in self.layers
                ],
            }
        )

    @property
    def digest(self) -> str:
        """``sha256:...`` of the manifest."""
        return _digest(self.manifest())

    def write_archive(self, target: Path, without: Collection[str] = ()) -> None:
        """Write the image as an OCI archive that `ctr images import` (and podman, skopeo, crane) read.

        Args:
            target: the file to write.
            without: digests of layers to leave out, because whoever reads the archive has them.
        """
        manifest, configuration = self.manifest(), self.configuration()
        names = {"io.containerd.image.name": self.name, "org.opencontainers.image.ref.name": self.name}
        entry = _descriptor("application/vnd.oci.image.manifest.v1+json", manifest) | {"annotations": names}
        with tarfile.open(target, "w") as archive:
            _add(archive, "oci-layout", _encode({"imageLayoutVersion": "1.0.0"}))
            _add(archive, "index.json", _encode({"schemaVersion": 2, "manifests": [entry]}))
            for blob in (configuration, manifest):
                _add(archive, _blob(_digest(blob)), blob)
            for layer in self.layers:
                if layer.digest not in without:
                    archive.add(layer.tar, _blob(layer.digest))


class LayerWriter:
    """Writes a layer whose bytes depend on nothing but its content: no times, no owners, a fixed order."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._folders: set[str] = set()

    def __enter__(self) -> Self:
        self._tar = tarfile.open(self._target, "w")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tar.close()

    def add_file(self, name: str, content: bytes, mode: int = 0o644) -> None:
        """Add one file, and the folders above it."""
        self.add_folder(str(Path(name).parent))
        _add(self._tar, name, content, mode)

    def add_folder(self, name: str) -> None:
        """Add a folder, and those above it."""
        for folder in [*reversed(Path(name).parents), Path(name)]:
            if str(folder) not in {".", *self._folders}:
                self._folders.add(str(folder))
                entry = tarfile.TarInfo(str(folder))
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                self._tar.addfile(entry)

    def add_tree(self, source: Path, name: str) -> None:
        """Add what is below the folder ``source``, below the folder ``name`` of the image."""
        for path in sorted(source.rglob("*")):
            if path.is_file():
                mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
                self.add_file(f"{name}/{path.relative_to(source)}", path.read_bytes(), mode)


def _encode(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True).encode()


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _descriptor(kind: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": _digest(content), "size": len(content)}


def _blob(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))
