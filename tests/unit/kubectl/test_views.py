"""What a terminal shows."""

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from cake_operator.kubectl.cells import age, cell
from cake_operator.kubectl.decisions import decisions
from cake_operator.kubectl.summary import summary
from cake_operator.kubectl.views import explain_view, status_view, top_view
from tests.unit.kubectl.recorded import CHAT, EVENTS, NEW, NOW, chat, condition


def shown(view: RenderableType, width: int = 160, **console: Any) -> str:
    file = io.StringIO()
    Console(file=file, width=width, highlight=False, **console).print(view)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


STATUS = """\
team-a/chat

model               smollm2
tenant              search
replicas            2 ready of 3 (between 1 and 4)
why                 TTFT p95 is 1.4 s of 1 s: one more
starts              the longest took 95 s; 1800 s are allowed
ttft                p95 is 1.4s, and shall be 1s at most
interTokenLatency   p90 is not measured, and shall be 50ms at most
balance             Adaptive, generation 7 confirmed up to 6; computed part of prefixes: predicted 0.40, measured 0.35
why                 recommended only: p10 of 50 meeting points is 0.20
advice              tuning would set retainFrom 0.2, writeBandwidth {'shared': '1048576'}

CONDITION           STATUS    REASON          SINCE   MESSAGE
Ready               True      PartlyServing   2d      2 of 3 pods take requests
Progressing         False     Unschedulable   3m      pod chat-7: 0/3 nodes: 3 Insufficient nvidia.com/gpu
SLOMet              False     Missed          3m      TTFT p95 is 1.4 s of 1 s
MetricsAvailable    True      Scraped         3m      Prometheus has figures of every ready pod
BalanceApplied      Unknown   Unknown         3m      no ready pod reports anything
TierDegraded        False     TiersUsable     3m      every tier's claim can be used
ReplicasContested   False     OneWriter       3m      nobody contradicts the number of replicas

TIER      CAPACITY       TTL   CODEC   WHERE
memory    4Gi            -     Raw     memory of each pod
scratch   20Gi           1h    Raw     scratch space of each node
shared    107374182400   -     Raw     claim kv, folder chat
made      1T             -     Raw     claim chat-made"""
TOP = """\
NAMESPACE   NAME   READY   TTFT   INTER-TOKEN   SLO      MODE       MEETS-AT   TROUBLE
team-a      chat   2/3     1.4s   -             Missed   Adaptive   0.35       Unschedulable: pod chat-7: 0/3 nodes: 3 \
Insufficient nvidia.com/gpu
team-b      new    0/?     -      -             Unknown  -          -          -"""
EXPLAIN = """\
NOW              WHY
replicas         TTFT p95 is 1.4 s of 1 s: one more
balance          recommended only: p10 of 50 meeting points is 0.20
Progressing      Unschedulable: pod chat-7: 0/3 nodes: 3 Insufficient nvidia.com/gpu
SLOMet           Missed: TTFT p95 is 1.4 s of 1 s
BalanceApplied   Unknown: no ready pod reports anything

AGO   TIMES   DECISION        WHY
10m   -       Scaled          from 2 to 3 replicas: TTFT p95 is 1.4 s of 1 s: one more
5m    -       KnobsChanged    -
2m    x3      Unschedulable   pod chat-7: 3 Insufficient nvidia.com/gpu"""


def test_a_status_is_read_from_top_to_bottom() -> None:
    assert shown(status_view(summary(CHAT), NOW)) == STATUS


def test_top_has_a_line_for_each_with_its_first_trouble() -> None:
    found = shown(top_view([summary(CHAT), summary(NEW)]))
    assert [line.split() for line in found.splitlines()] == [line.split() for line in TOP.splitlines()]


def test_an_explanation_has_what_is_not_well_now_and_what_led_there() -> None:
    assert shown(explain_view(summary(CHAT), decisions(EVENTS), NOW)) == EXPLAIN


def test_what_has_no_past_says_so() -> None:
    assert "Nothing was decided in the last hour." in shown(explain_view(summary(NEW), [], NOW))


def test_a_spec_that_was_not_acted_on_yet_is_told_of() -> None:
    behind = shown(status_view(summary(chat(observedGeneration=3)), NOW))
    assert "generation 4, of which the operator has acted on 3 yet" in behind


def test_a_narrow_terminal_folds_messages_and_loses_none() -> None:
    narrow = shown(status_view(summary(CHAT), NOW), width=80)
    assert max(len(line) for line in narrow.splitlines()) <= 80
    assert "gpu" in narrow


def test_what_is_wrong_is_red_and_what_is_well_is_green() -> None:
    coloured = shown(status_view(summary(CHAT), NOW), force_terminal=True, color_system="standard")
    assert "\x1b[32mTrue" in coloured
    assert "\x1b[1;31mFalse" in coloured
    assert "\x1b[33mUnknown" in coloured


@given(st.text())
def test_nothing_that_a_user_wrote_reaches_the_terminal_as_a_control_character(text: str) -> None:
    assert all(one.isprintable() for one in cell(text).plain)


@pytest.mark.parametrize("text", ["\x1b[2J gone", "[bold]not markup[/bold]", "a\nb"])
def test_messages_are_shown_as_they_are_and_do_nothing(text: str) -> None:
    shouted = chat(conditions=[condition("Ready", "False", "Starting", text)])
    found = shown(status_view(summary(shouted), NOW), force_terminal=True, color_system=None)
    assert "\x1b[2J" not in found
    assert text.replace("\x1b", " ").replace("\n", " ").strip() in found


AGES = [
    ("2026-01-01T12:00:00Z", "0s"),
    ("2026-01-01T11:59:01Z", "59s"),
    ("2026-01-01T11:59:00Z", "1m"),
    ("2026-01-01T09:00:01Z", "2h"),
    ("2025-12-01T12:00:00.123456Z", "30d"),
    ("2026-01-01T12:00:05Z", "0s"),
    (None, "-"),
]


@pytest.mark.parametrize(("moment", "said"), AGES)
def test_an_age_is_its_largest_unit(moment: str | None, said: str) -> None:
    assert age(moment, NOW) == said
