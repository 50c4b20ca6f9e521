"""The images that pods of the local cluster run: thin layers on one base."""

from collections.abc import Callable
from pathlib import Path

from tests.localcluster import cache
from tests.localcluster.oci import Image, Layer, LayerWriter


def make(name: str) -> Image:
    """The image of that short name."""
    return NAMED[name]()


def pause() -> Image:
    """What holds a pod's namespaces: a static program that sleeps."""
    return Image("localhost/pause:dev", [_layer("pause", _write_pause)], ["/bin/busybox", "sleep", "infinity"])


def _write_pause(layer: LayerWriter) -> None:
    layer.add_file("bin/busybox", Path("/bin/busybox").read_bytes(), 0o755)


def _layer(name: str, write: Callable[[LayerWriter], None]) -> Layer:
    """Write a layer into the cache, under the digest that it turns out to have."""
    with cache.scratch(f"layer-{name}") as folder:
        fresh = folder / "layer.tar"
        writer = LayerWriter(fresh)
        write(writer)
        writer.close()
        layer = Layer.of(fresh)
        kept = cache.root() / "layers" / name / f"{layer.digest.removeprefix('sha256:')[:16]}.tar"
        kept.parent.mkdir(parents=True, exist_ok=True)
        fresh.rename(kept)
    return Layer(kept, layer.digest)


NAMED: dict[str, Callable[[], Image]] = {"pause": pause}
