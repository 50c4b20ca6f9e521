"""What of a log tells why the engine ended. The logs are vLLM's, as the kubelet keeps them: their last 2 KiB."""

import pytest

from cake_operator.status.last_words import last_words

TOO_LONG = """\
_validator__.validate_python(ArgsKwargs(args, kwargs), self_instance=s)
pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig
  Value error, User-specified max_model_len (999999) is greater than the derived max_model_len (8192) \
[type=value_error, input_value=ArgsKwargs((), {'model': ...nderer_num_workers': 1}), input_type=ArgsKwargs]
    For further information visit https://errors.pydantic.dev/2.14/v/value_error
"""
TWO_FIELDS = """\
ValidationError: 2 validation errors for CacheConfig
block_size
  Input should be a valid integer [type=int_parsing, input_value='a
b', input_type=str]
    For further information visit https://errors.pydantic.dev/2.14/v/int_parsing
gpu_memory_utilization
  Input should be less than or equal to 1 [type=less_than_equal, input_value=7, input_type=int]
    For further information visit https://errors.pydantic.dev/2.14/v/less_than_equal
INFO 11-22 19:45:02 [launcher.py:110] shutting down
"""
CORE = """\
(EngineCore pid=77) ERROR 11-22 19:45:01 [core.py:842] EngineCore failed to start.
(EngineCore pid=77) ERROR 11-22 19:45:01 [core.py:842]     raise ValueError(
(EngineCore pid=77) ERROR 11-22 19:45:01 [core.py:842] ValueError: No available memory for the cache blocks.
(APIServer pid=1)     raise RuntimeError(
(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}
"""
QUOTED = """\
ValidationError: 1 validation error for SpeculativeConfig
draft
  Value error, cannot read the file: parse error: expected a value at line 1 [type=value_error, input_value='{', \
input_type=str]
    For further information visit https://errors.pydantic.dev/2.14/v/value_error
"""
CASES = {
    "nothing": ("", ""),
    "blank lines": ("\n \n", ""),
    "no error": ("INFO 11-22 19:45:02 [x.py:1] one\nINFO 11-22 19:45:02 [x.py:1] two\n", "two"),
    "an exception": (
        '    raise OSError(f"{e}") from e\nOSError: Repo id must be in the form',
        "OSError: Repo id must be in the form",
    ),
    "an exception before other lines": ("ValueError: too long\nINFO shutting down\n", "ValueError: too long"),
    "an exception without words": ("  assert x\nAssertionError\n", "AssertionError"),
    "an argument": ("usage: vllm\nvllm serve: error: unrecognized arguments: --x", "vllm serve: error: unrecognized"),
    "one sentence of ours": ("cake-engine: /etc/cake/engine.json: tiers is missing.\n", "cake-engine: /etc/cake"),
    "pydantic, of a whole": (
        TOO_LONG,
        "ModelConfig: User-specified max_model_len (999999) is greater than the derived",
    ),
    "pydantic, of fields": (
        TWO_FIELDS,
        "CacheConfig: block_size: Input should be a valid integer; gpu_memory_utilization: Input should be less than or"
        " equal to 1",
    ),
    "pydantic, cut off": ("ValidationError: 1 validation error for ModelConfig", "ValidationError: 1 validation error"),
    "pydantic, its headline cut off": (
        TWO_FIELDS[TWO_FIELDS.index("block_size") :],
        "block_size: Input should be a valid integer; gpu_memory_utilization: Input should be less than or equal to 1",
    ),
    "pydantic, cut off in the first fault": (
        TWO_FIELDS[TWO_FIELDS.index("int_parsing, input") :],
        "gpu_memory_utilization: Input should be less than or equal to 1",
    ),
    "pydantic, its headline cut off, and an echo": (
        TWO_FIELDS[TWO_FIELDS.index("block_size") :] + CORE.splitlines()[-1],
        "block_size: Input should be a valid integer; gpu_memory_utilization: Input should be less than or equal to 1",
    ),
    "pydantic, of another one's error": (
        QUOTED,
        "SpeculativeConfig: draft: cannot read the file: parse error: expected a value at line 1",
    ),
    "the engine's process, not the server's": (CORE, "ValueError: No available memory for the cache blocks."),
    "only the echo is left": (CORE.splitlines()[-1], "RuntimeError: Engine core initialization failed."),
}


@pytest.mark.parametrize("which", CASES)
def test_the_line_that_tells_is_found(which: str) -> None:
    log, told = CASES[which]
    assert last_words(log).startswith(told)
    assert bool(last_words(log)) == bool(told)
    assert "[type=" not in last_words(log)
    assert "pid=" not in last_words(log)
