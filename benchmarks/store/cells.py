"""What is measured."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from benchmarks.cells import Cell
from benchmarks.store import coding, crashes, damage, fleet, population, throughput
from cake_engine.config import CodecName

SEED = 1


def cells(*, quick: bool) -> list[Cell]:
    """All of them; quick ones say whether they work, not how fast the tier is."""
    total, rounds = (16, 1) if quick else (512, 3)
    sizes: Sequence[tuple[int, int]] = [(1, 2)] if quick else [(mib, n) for mib in (1, 4, 16) for n in (1, 4, 16)]
    made = [
        Cell(
            f"throughput/{mib} MiB/{threads} threads",
            partial(throughput.beside_the_device, block_mib=mib, threads=threads, total_mib=total, rounds=rounds),
        )
        for mib, threads in sizes
    ]
    made.append(Cell("writing", partial(throughput.while_others_write, block_mib=4, threads=4, total_mib=total)))
    made += [
        Cell(f"files/{files}", partial(population.measure, files=files, requests=100))
        for files in ([2000] if quick else [10**4, 10**5, 10**6])
    ]
    block_mib, times = (1, 3) if quick else (16, 9)
    made += [
        Cell(f"codec/{name}", partial(coding.measure, name, block_mib=block_mib, rounds=times)) for name in CodecName
    ]
    seconds, kills, points = (3.0, 1, 20) if quick else (60.0, 10, 300)
    flips, others = (100, 20) if quick else (10_000, 1_000)
    return [
        *made,
        Cell("capacity", partial(fleet.overshoot, seconds=seconds, kills=kills)),
        Cell("crashes", partial(crashes.measure, points=points, seed=SEED)),
        Cell("damage", partial(damage.measure, flips=flips, others=others, seed=SEED)),
    ]
