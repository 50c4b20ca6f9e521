from xml.etree import ElementTree

from demo.charts import Span
from demo.checks import Check
from demo.comparing import Comparison
from demo.measure import Counts, ModeRun
from demo.narration import Moment
from demo.pacing import Pace
from demo.prometheus import Series
from demo.report import Findings, Recording, render
from demo.scaling import Scaling
from demo.tuning import Retuning

RUNS = tuple(
    ModeRun(mode, (0.0,), (1.0, 2.0), ("a", "b"), (), Counts({"computed": 5.0, "loaded": 7.0}, (2.0, 1.0)))
    for mode in ("ComputeOnly", "LoadOnly", "Adaptive")
)
LINE = [Series({"kind": "actual", "knob": "retainFrom", "replicas": "ready"}, ((100.0, 0.5), (160.0, 0.25)))]


def page(retuned: list[Retuning]) -> str:
    found = Findings(
        Comparison(Pace(0.4, 23_040), RUNS, []),
        retuned,
        Scaling(60.0, 90.0, ("1 to 2: TTFT p90 is 3.1 s of 2.0 s",), 12, ()),
        [Check(True, "this <happened>"), Check(False, "that did not")],
        [Moment(100.0, "began"), Moment(150.0, "Mode Adaptive")],
        "2 cores of a test",
    )
    return render(found, Recording(Span(100.0, 200.0), LINE, LINE, LINE, []))


def test_the_report_has_every_figure_reason_and_verdict() -> None:
    text = page([Retuning(130.0, 5, (0.0, 0.05), "p10 is 0.30")])
    for part in (
        "2 cores of a test",
        "<td>1.50 s</td>",
        "30 s: generation 5, confirmed by every ready pod",
        "p10 is 0.30",
        "1 to 2: TTFT p90 is 3.1 s of 2.0 s",
        "yes: this &lt;happened&gt;",
        "NO: that did not",
        "50 s: Mode Adaptive",
    ):
        assert part in text


def test_the_report_says_when_the_tuner_did_nothing() -> None:
    assert "It turned no knob." in page([])


def test_the_report_needs_nothing_beside_itself() -> None:
    text = page([])
    assert "<script" not in text
    assert "src=" not in text
    charts = [part[: part.index("</svg>") + 6] for part in ("<svg" + rest for rest in text.split("<svg")[1:])]
    assert len(charts) == 5
    for chart in charts:
        ElementTree.fromstring(chart)
