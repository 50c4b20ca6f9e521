from pathlib import Path

import pytest

from demo.documents import documents


def words(text: str) -> list[int]:
    """Token ends for a model whose tokens are words with the white space after them."""
    ends, inside = [], False
    for place, letter in enumerate(text):
        if letter.isspace() and inside:
            ends.append(place)
        inside = not letter.isspace()
    return [*ends, len(text)] if inside else ends


@pytest.fixture
def library(tmp_path: Path) -> Path:
    (tmp_path / "long.py").write_text("one two three\nfour five six\nseven eight nine\n")
    (tmp_path / "short.py").write_text("one\n")
    return tmp_path


@pytest.mark.parametrize(
    ("tokens", "text"),
    [(3, "one two three\n"), (4, "one two three\n"), (6, "one two three\nfour five six\n")],
)
def test_a_document_is_cut_after_the_last_whole_line_that_fits(library: Path, tokens: int, text: str) -> None:
    # A line's end belongs to its last word.
    [document] = documents(lambda t: [end + 1 for end in words(t)], tokens=tokens, folder=library, modules=["long"])
    assert document.text == text
    assert document.tokens == len(text.split())


def test_modules_that_are_missing_or_too_short_are_passed_over(library: Path) -> None:
    found = documents(words, tokens=5, folder=library, modules=["short", "absent", "long"])
    assert [document.name for document in found] == ["long.py"]


def test_the_standard_library_has_documents_enough_for_the_demo() -> None:
    from demo.documents import standard_library
    from demo.run import CONVERSATIONS, DOCUMENT_TOKENS

    # Source text has more than two tokens for each of these words.
    found = list(documents(words, tokens=DOCUMENT_TOKENS // 2, folder=standard_library()))
    assert len(found) >= CONVERSATIONS
