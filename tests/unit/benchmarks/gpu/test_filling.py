"""What a request waits for, and what it leaves behind."""

import threading
from pathlib import Path

import pytest

from benchmarks.gpu.decoders import Decoders
from benchmarks.gpu.device import Processor, open_device
from benchmarks.gpu.exactness import BOUNDS, compare, stored
from benchmarks.gpu.filling import Filling
from benchmarks.gpu.sources import FileTier
from cake_engine.config import Mode
from cake_engine.core.chunk import Chunk
from tests.unit.benchmarks.gpu.tiny import CHUNKS, PAGE_TOKENS, SHAPE, engine, prompt


def test_a_request_that_is_given_up_waits_for_its_copies_before_others_may_have_its_pages(device: Processor) -> None:
    of = engine(device)
    request = prompt(of)
    stored(of, request)
    gate, freed = threading.Event(), threading.Event()
    device.copy(lambda: [gate.wait(), None][1])  # copies begin in order: all others stand behind it
    filling = Filling(of, request, None, Mode.STATIC, 0.5)
    filling.advance()
    assert filling.plan.count(Chunk.COPYING) == CHUNKS / 2

    def end() -> None:
        filling.close()
        of.pool.poison()
        freed.set()

    ending = threading.Thread(target=end)
    ending.start()
    too_early = freed.wait(0.2)
    gate.set()
    ending.join()

    assert not too_early
    assert of.pool.data.isnan().all()


def test_chunks_are_read_from_files_and_a_damaged_one_is_computed(device: Processor, tmp_path: Path) -> None:
    of = engine(device)
    request = prompt(of)
    reference = stored(of, request)
    tier = FileTier(tmp_path, request.rows)
    tier.save()
    damaged = sorted(tmp_path.rglob("*.kv"))[3]
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    request.rows.zero_()
    of.pool.poison()

    served = Filling(of, request, tier.source, Mode.LOAD_ONLY).serve()
    tier.close()

    assert (served.outcome.computed, served.outcome.loaded, served.outcome.lost) == (1, CHUNKS - 1, 1)
    assert compare(of, request, reference, served.logits, 1).identical


def test_where_loads_are_all_that_goes_on_decoding_goes_on_as_well(device: Processor) -> None:
    of = engine(device, step_tokens=2 * PAGE_TOKENS)
    request = prompt(of)
    reference = stored(of, request)
    of.decoders = Decoders(SHAPE, device, requests=PAGE_TOKENS, context=8)
    of.pool.poison()

    served = Filling(of, request, None, Mode.STATIC, 0.5).serve()

    assert compare(of, request, reference, served.logits, CHUNKS // 2).worst < BOUNDS[device.dtype]
    assert of.decoders.requests == of.decoding


def test_phases_that_follow_each_other_add_up_to_the_requests_time(device: Processor) -> None:
    of = engine(device)
    request = prompt(of)

    served = Filling(of, request, None, Mode.COMPUTE_ONLY).serve()

    phases = served.phases
    counted = phases.planning + phases.launching + phases.computing + phases.waiting
    assert 0 < counted <= served.seconds
    assert phases.waiting == phases.copying == 0


def test_a_gpu_that_is_not_there_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.set_num_threads", lambda threads: None)

    with pytest.raises(ValueError, match="write --device cpu"):
        open_device("cuda")
    assert isinstance(open_device(), Processor)
