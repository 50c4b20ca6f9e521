"""What is served to Prometheus."""

from prometheus_client.parser import text_string_to_metric_families

from cake_operator import instruments
from cake_operator.endpoints import exposition


def families(*names: str) -> set[str]:
    return {family.name for family in text_string_to_metric_families(exposition(names).decode())}


def test_metrics_that_are_asked_for_by_name_come_alone() -> None:
    instruments.ACTING.set(1)
    assert families() > {"cake_operator_acting", "cake_operator_queue_depth", "process_cpu_seconds"}
    assert families("cake_operator_acting") == {"cake_operator_acting"}
    assert families("cake_operator_acting", "cake_operator_observe_seconds_count") == {
        "cake_operator_acting",
        "cake_operator_observe_seconds",
    }
    assert families("nobody_knows") == set()
