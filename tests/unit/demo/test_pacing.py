import pytest

from demo.pacing import Pace, kv_bytes_per_token


def test_a_chunk_loads_in_the_time_that_an_a100_with_32_gbit_gives_it_relative_to_compute() -> None:
    pace = Pace(first_chunk_seconds=0.4, bytes_per_token=23_040)
    assert pace.chunk_load_seconds == pytest.approx(0.4 * 62 / 40)
    assert pace.bytes_per_second == pytest.approx(512 * 23_040 / pace.chunk_load_seconds, abs=1)


def test_a_machine_as_fast_as_an_a100_with_a_model_of_its_size_gets_about_32_gbit() -> None:
    # LongAlpaca-7B of the paper: 512 KiB a token.
    pace = Pace(first_chunk_seconds=0.040, bytes_per_token=512 * 1024)
    assert pace.bytes_per_second == pytest.approx(32 * 2**30 / 8, rel=0.02)


def test_the_sentence_names_the_knob_and_both_ratios() -> None:
    sentence = Pace(0.4, 23_040).sentence()
    for part in ("400 ms here", "40 ms", "62 ms", "620 ms", "19.0 MB/s", "loadBandwidth"):
        assert part in sentence


def test_smollm2_has_23040_bytes_of_kv_cache_a_token() -> None:
    assert kv_bytes_per_token({"num_hidden_layers": 30, "num_key_value_heads": 3, "head_dim": 64}) == 23_040
