import json
from pathlib import Path

from demo.load import Streams, custom_dataset


def test_the_results_of_the_benchmark_keep_the_order_of_the_prompts(tmp_path: Path) -> None:
    result = {"ttfts": [1.0, 0.0], "generated_texts": ["a", ""], "errors": ["", "cut"], "other": 1}
    (tmp_path / "r.json").write_text(json.dumps(result))
    streams = Streams.read(tmp_path / "r.json", 12.0)
    assert (streams.started, streams.texts, streams.failed) == (12.0, ("a", ""), ["cut"])


def test_a_failed_request_has_no_time_to_the_first_token(tmp_path: Path) -> None:
    result = {"ttfts": [1.0, 0.0, 2.0], "generated_texts": ["a", "", "b"], "errors": ["", "cut", ""]}
    (tmp_path / "r.json").write_text(json.dumps(result))
    assert Streams.read(tmp_path / "r.json", 12.0).ttfts == (1.0, 2.0)


def test_prompts_are_played_in_their_order_and_as_they_are() -> None:
    assert {"--disable-shuffle", "--skip-chat-template"} <= set(custom_dataset(Path("p.jsonl"), 3))
