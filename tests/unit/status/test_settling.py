import pytest

from cake_operator.status.settling import settled_figure, settled_fraction, settled_sentence

FIGURES = [
    (None, None, None),
    ("0.42s", None, None),
    (None, 0.4234, "0.42s"),
    (None, 12.7, "13s"),
    (None, 0.0312, "31ms"),
    (None, 0.1, "0.1s"),
    (None, 0.0, "0ms"),
    ("0.42s", 0.45, "0.42s"),
    ("0.42s", 0.47, "0.47s"),
    ("31ms", 0.032, "31ms"),
    ("31ms", 0.05, "50ms"),
    ("99ms", 0.105, "99ms"),
    ("nonsense", 0.05, "50ms"),
]


@pytest.mark.parametrize(("old", "new", "shown"), FIGURES)
def test_a_figure_is_shown_to_two_digits_and_moves_in_tenths(old: str | None, new: float | None, shown: str) -> None:
    assert settled_figure(old, new) == shown


FRACTIONS = [
    (None, None, None),
    (0.42, None, None),
    (None, 0.536, 0.54),
    (0.35, 0.349, 0.35),
    (0.35, 0.44, 0.35),
    (0.35, 0.46, 0.46),
    (0.0, 0.05, 0.0),
]


@pytest.mark.parametrize(("old", "new", "shown"), FRACTIONS)
def test_a_fraction_moves_in_tenths_of_the_whole(old: float | None, new: float | None, shown: float | None) -> None:
    assert settled_fraction(old, new) == shown


SENTENCES = [
    ("held: TTFT is 0.41 s (3 s old)", "held: TTFT is 0.4 s (12 s old)", False),
    ("held: TTFT is 0.41 s", "grown: TTFT is 0.41 s", True),
    ("", "first", True),
]


@pytest.mark.parametrize(("old", "new", "written"), SENTENCES)
def test_a_sentence_is_written_anew_when_its_words_change(old: str, new: str, written: bool) -> None:
    assert settled_sentence(old, new) == (new if written else old)
