"""The reference of the chart's values says what stands in values.yaml, and lets nothing stand there unexplained."""

import textwrap

import pytest

from scripts.pages.chart_values import UndescribedError, values


def described(text: str) -> dict[str, tuple[str, object]]:
    return {value.name: (value.meaning, value.default) for value in values(textwrap.dedent(text))}


def test_a_comment_above_a_value_is_its_meaning_however_many_lines_it_has() -> None:
    found = described(
        """\
        # About the file as a whole.

        # How many,
        # at least one.
        replicas: 2
        """
    )
    assert found == {"replicas": ("How many, at least one.", 2)}


def test_a_mapping_is_gone_into_where_its_keys_have_comments_and_is_a_value_where_they_have_none() -> None:
    found = described(
        """\
        image:
          # What to run.
          tag: ""
        # Of each replica.
        resources:
          limits: {memory: 1Gi}
        # On one line.
        labels: {a: b}
        """
    )
    assert found == {
        "image.tag": ("What to run.", ""),
        "resources": ("Of each replica.", {"limits": {"memory": "1Gi"}}),
        "labels": ("On one line.", {"a": "b"}),
    }


@pytest.mark.parametrize(
    ("text", "line", "name"),
    [
        ("# One.\none: 1\ntwo: 2\n", 3, "two"),
        ("image:\n  # One.\n  tag: a\n  digest: b\n", 4, "image.digest"),
        ("# Far away.\n\none: 1\n", 3, "one"),
    ],
)
def test_a_value_without_a_comment_is_refused_with_its_place(text: str, line: int, name: str) -> None:
    with pytest.raises(UndescribedError, match=f"line {line}: say what {name} is"):
        list(values(text))
