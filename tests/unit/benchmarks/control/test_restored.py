"""One replica that finds on storage what another pod has stored."""

from __future__ import annotations

import pytest

from benchmarks.control.restored import Engine, Prompt, seconds_to_first_token
from cake_engine.config import LiveConfig, Mode
from cake_simulator.device import Device
from cake_simulator.file_tier import TierSpeed

STEP, CHUNK, TOKENS = 512, 128, 2048
DEVICE = Device(base=0.0, token=1e-3)
COMPUTING = TOKENS * DEVICE.token
LOADING = COMPUTING / 4


def engine(mode: Mode, *, stored_last: bool = True) -> Engine:
    """A device that takes four times as long for a prefix as its storage does."""
    storage = TierSpeed(bytes_per_second=1000 * TOKENS / LOADING, latency=0.0, readers=1)
    return Engine(DEVICE, 1000, STEP, CHUNK, storage, LiveConfig(mode=mode), stored_last=stored_last)


@pytest.mark.parametrize(
    ("mode", "seconds"),
    [(Mode.COMPUTE_ONLY, COMPUTING), (Mode.LOAD_ONLY, LOADING), (Mode.ADAPTIVE, LOADING * 4 / 5)],
)
def test_a_stored_prompt_takes_what_its_mode_takes_of_compute_and_loads(mode: Mode, seconds: float) -> None:
    [found] = seconds_to_first_token(engine(mode), [Prompt(TOKENS, 1)])
    assert found == pytest.approx(seconds, rel=0.12)


def test_short_prompts_go_before_a_stored_one_that_came_first_or_wait_for_it() -> None:
    prompts = [Prompt(TOKENS, 1), *[Prompt(0, STEP)] * 3]
    first, *behind = seconds_to_first_token(engine(Mode.COMPUTE_ONLY), prompts)
    assert max(behind) < first
    first, *behind = seconds_to_first_token(engine(Mode.COMPUTE_ONLY, stored_last=False), prompts)
    last = STEP * DEVICE.token  # its new token stands in a step that is filled up with others' text
    assert first == pytest.approx(COMPUTING + last, rel=0.01)
    assert min(behind) > first
