"""A folder that engines share whose every step somebody else decides, and what is known of it."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import tempfile
import time
from pathlib import Path

import pytest

from cake_engine.store.archive import Entry, add, entries
from cake_engine.store.census import census, files_of, key_spaces
from cake_engine.store.keys import Fingerprint
from cake_engine.store.manifest import MANIFEST
from cake_engine.store.orphans import ORPHAN_SECONDS
from cake_engine.store.reader import FileReader
from cake_engine.store.tenant import Tenant
from cake_engine.store.verification import read_whole
from tests.unit.store.engines import CALLS_OF_A_PIECE, GIVEN_UP, SPACE, Engine, content, make_engines_steppable
from tests.unit.store.stepping import Work

KINDS = ((None, SPACE), (Tenant(bytes(range(32))), SPACE), (None, GIVEN_UP))
FOREIGN = ("notes.txt", f"{SPACE.folder}/readme.kv", f"{SPACE.folder}/0ff/notes.kv", "other/0ff/0ff0.kv")


class SharedFolder:
    """Engines come and go; files of somebody else lie there, too.

    Attributes:
        written: What was ever given to be saved, by the engine's folder and the number of the block.
        damaged: Paths of the blocks that somebody has damaged.
    """

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        make_engines_steppable(self.patch)
        self.root = Path(tempfile.mkdtemp(prefix="cake-machine-"))
        self.engines: list[Engine] = []
        self.numbers = 0
        self.written: dict[tuple[str, int], set[bytes]] = {}
        self.damaged: set[str] = set()
        for name in FOREIGN:
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_bytes(name.encode())
            os.utime(self.root / name, (0, 0))

    def close(self) -> None:
        for engine in self.engines:
            engine.die()
        self.patch.undo()
        shutil.rmtree(self.root)

    def start(self) -> Engine:
        self.numbers += 1
        return self.start_of(*KINDS[self.numbers % len(KINDS)])

    def start_of(self, tenant: Tenant | None, fingerprint: Fingerprint) -> Engine:
        self.engines.append(Engine(self.root, self.numbers, tenant, fingerprint))
        return self.engines[-1]

    def engine(self, chance: int) -> Engine:
        """One of them; a new one where none is left."""
        if not self.engines:
            self.start()
        return self.engines[chance % len(self.engines)]

    def unfinished(self) -> list[Work]:
        return [work for engine in self.engines for work in engine.works if not work.ended]

    @staticmethod
    def finish(work: Work) -> None:
        work.step(CALLS_OF_A_PIECE)

    def end(self, engine: Engine) -> None:
        engine.die()
        self.check(engine)
        self.engines.remove(engine)

    def save(self, engine: Engine, key: int) -> Work:
        self.written.setdefault((engine.folder, key), set()).add(content(key, engine.number))
        return engine.save(key)

    def check(self, engine: Engine) -> None:
        """Work ends well, or is refused; nothing else ever comes out of it."""
        for work in engine.works:
            assert work.error is None, work.name
        engine.works = [work for work in engine.works if not work.ended]
        for key, found in engine.found:
            assert found in self.written.get((engine.folder, key), set())
        engine.found.clear()

    @property
    def removing(self) -> bool:
        """Whether somebody may be about to remove what he chose before."""
        return any(engine.tending and not engine.tending.ended for engine in self.engines)

    def archived(self) -> list[Entry]:
        """What an archive of all blocks holds."""
        archive, reader = io.BytesIO(), FileReader()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for space in map(Path, key_spaces(self.root)):
                if (space / MANIFEST).exists():  # else no block of it was ever published
                    add(tar, f"{space.name}/{MANIFEST}", (space / MANIFEST).read_bytes())
                for file in sorted(files_of(space)):
                    if not file.temporary:
                        add(tar, str(Path(file.path).relative_to(self.root)), read_whole(file.path, reader))
        archive.seek(0)
        with tarfile.open(fileobj=archive) as tar:
            return list(entries(tar))

    @staticmethod
    def count(engine: Engine) -> Work:
        """Let it count whether or not a count is due."""
        engine.keeper._collector._ended = float("-inf")
        return engine.tend()

    def given_up(self) -> set[str]:
        return {file.path for file in census(self.root) if file.key_space == GIVEN_UP.folder}

    def the_other_revision_is_given_up(self) -> None:
        then = time.time() - 2 * ORPHAN_SECONDS
        for path in self.given_up():
            os.utime(path, (then, then))

    @staticmethod
    def path(engine: Engine, key: int) -> str:
        return engine.store._directory.path_of(engine.name_of(key))
