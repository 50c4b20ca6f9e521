"""What the measured operator has in common with its image."""

from benchmarks.operator.stage import image_variables


def test_the_measured_operator_has_the_heap_of_its_image() -> None:
    assert image_variables("MALLOC_") == {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "131072"}
