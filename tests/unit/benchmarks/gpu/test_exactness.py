"""Wherever compute and loads met, and however loads came, KV and logits are plain prefill's."""

import pytest

from benchmarks.gpu.device import Processor
from benchmarks.gpu.exactness import BOUNDS, Erratic, compare, stored, trial
from benchmarks.gpu.filling import Filling
from benchmarks.gpu.sources import paced
from cake_engine.config import Mode
from tests.unit.benchmarks.gpu.tiny import CHUNKS, PAGE_TOKENS, engine, prompt

SEEDS = range(10)


@pytest.mark.parametrize("meeting", range(CHUNKS + 1))
def test_no_bit_differs_at_any_meeting_point_where_steps_are_those_of_plain_prefill(
    device: Processor, meeting: int
) -> None:
    of = engine(device)
    request = prompt(of)
    reference = stored(of, request)
    of.pool.poison()

    served = Filling(of, request, None, Mode.STATIC, meeting / CHUNKS).serve()

    assert served.outcome.computed == meeting
    assert compare(of, request, reference, served.logits, meeting).identical


@pytest.mark.parametrize("seed", SEEDS)
def test_no_bit_differs_whenever_loads_come_and_whichever_of_them_fail(device: Processor, seed: int) -> None:
    of = engine(device)
    request = prompt(of)

    assert trial(of, request, stored(of, request), seed).identical


@pytest.mark.parametrize("step_tokens", [PAGE_TOKENS + 2, 2 * PAGE_TOKENS])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_step_that_ends_at_a_meeting_point_within_it_differs_by_roundings_alone(
    device: Processor, seed: int, step_tokens: int
) -> None:
    of = engine(device, step_tokens=step_tokens)
    request = prompt(of)

    assert trial(of, request, stored(of, request), seed).worst < BOUNDS[device.dtype]


def test_a_request_with_real_threads_for_its_reads_fills_the_same_kv(device: Processor) -> None:
    of = engine(device)
    request = prompt(of)
    reference = stored(of, request)
    of.pool.poison()
    source = paced(request.rows, cap=1e6)

    served = Filling(of, request, source, Mode.ADAPTIVE).serve()
    source.close()

    assert compare(of, request, reference, served.logits, served.outcome.computed).identical
    assert served.outcome.computed + served.outcome.loaded == CHUNKS


def test_one_wrong_number_in_a_loaded_chunk_is_seen(device: Processor) -> None:
    of = engine(device)
    request = prompt(of)
    reference = stored(of, request)
    request.rows[CHUNKS - 1].view(device.dtype)[0] += 1.0

    served = Filling(of, request, None, Mode.LOAD_ONLY).serve()

    assert compare(of, request, reference, served.logits, 0).worst > BOUNDS[device.dtype]


def test_a_chunk_that_nobody_filled_differs_without_bound(device: Processor) -> None:
    of = engine(device)
    request = prompt(of)
    reference = stored(of, request)
    of.pool.poison()

    assert compare(of, request, reference, reference.logits, 0).worst == float("inf")


def test_a_tier_that_loses_everything_leaves_a_request_that_computed_everything(device: Processor) -> None:
    of = engine(device)
    request = prompt(of)
    reference = stored(of, request)
    source = Erratic(seed=1)
    source._losses = 1.0

    served = Filling(of, request, source, Mode.LOAD_ONLY).serve()

    assert (served.outcome.computed, served.outcome.lost) == (CHUNKS, CHUNKS)
    assert compare(of, request, reference, served.logits, CHUNKS).identical
