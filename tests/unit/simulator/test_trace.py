from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from cake_simulator import trace
from cake_simulator.trace import Request, TraceError

EXCERPT = Path(__file__).parents[3] / "simulator/traces/mooncake-conversation-excerpt.jsonl"


def excerpt() -> list[Request]:
    return list(trace.read(EXCERPT))


def reused(requests: list[Request]) -> float:
    """Share of blocks that came before."""
    seen: set[int] = set()
    blocks = [block for request in requests for block in request.blocks]
    again = sum(block in seen or seen.add(block) is not None for block in blocks)
    return again / len(blocks)


def test_the_published_form_is_read_with_its_full_blocks_alone() -> None:
    first = excerpt()[0]
    assert (first.arrival, first.input_tokens, first.output_tokens) == (0.0, 6758, 500)
    assert first.blocks == tuple(range(13))
    assert len(excerpt()) == 300


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("nonsense", "line 1: not a request; write"),
        ('{"timestamp": 0, "input_length": 1024, "output_length": 1, "hash_ids": [1]}', "one for each 512 tokens"),
        ('{"timestamp": -1, "input_length": 1, "output_length": 1, "hash_ids": []}', "line 1: not a request"),
        ('{"timestamp": 0, "input_length": 1}', "line 1: not a request"),
    ],
)
def test_a_line_that_is_no_request_is_named_with_what_to_write(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(TraceError, match=complaint):
        list(trace.read(path))


def test_a_trace_out_of_order_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    lines = [{"timestamp": at, "input_length": 1, "output_length": 1, "hash_ids": []} for at in (2000, 1000)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(TraceError, match="line 2: earlier than the line before; sort it"):
        list(trace.read(path))


def test_requests_of_one_bucket_are_spread_over_it_in_their_order() -> None:
    before, after = excerpt(), list(trace.spread(excerpt(), seed=3))
    assert [one.number for one in after] == [one.number for one in before]
    assert all(b.arrival <= a.arrival < b.arrival + 3 for a, b in zip(after, before, strict=True))
    assert all(a.arrival <= b.arrival for a, b in itertools.pairwise(after))


@pytest.mark.parametrize("rate", [0.25, 0.5, 1.0, 2.0, 3.5])
def test_more_and_fewer_conversations_keep_what_they_reuse_of_their_own(rate: float) -> None:
    requests = list(trace.scaled(excerpt(), rate))
    assert len(requests) == pytest.approx(300 * rate, rel=0.25)
    assert reused(requests) == pytest.approx(reused(excerpt()), abs=0.1)
    assert [one.number for one in requests] == list(range(len(requests)))
    assert all(a.arrival <= b.arrival for a, b in itertools.pairwise(requests))


def test_a_rate_that_changes_is_followed() -> None:
    requests = list(trace.scaled(excerpt(), lambda at: 1.0 if at < 60 else 0.0))
    assert requests == [one for one in excerpt() if one.arrival < 60]


@pytest.mark.parametrize("length", [0.25, 0.5, 2.0, 3.0])
def test_longer_and_shorter_prompts_share_what_they_shared(length: float) -> None:
    for before, after in zip(excerpt(), trace.scaled(excerpt(), length=length), strict=True):
        assert after.input_tokens == max(1, round(before.input_tokens * length))
        assert len(after.blocks) == (after.input_tokens // 512 if before.blocks else 0)
    assert reused(list(trace.scaled(excerpt(), length=length))) == pytest.approx(reused(excerpt()), abs=0.12)


def test_a_trace_goes_on_from_the_start_with_conversations_of_its_own() -> None:
    whole = list(trace.repeated(EXCERPT, 250.0))
    assert whole[-1].arrival < 250.0
    assert len(whole) > 600
    assert [one.number for one in whole] == list(range(len(whole)))
    second = [one for one in whole if one.arrival > 130]
    assert not {b for one in second for b in one.blocks[1:]} & {b for one in excerpt() for b in one.blocks[1:]}
