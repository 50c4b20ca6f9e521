"""`python -m benchmarks.quality`: what each codec does to a model's next tokens, perplexity and answers.

The whole takes some twenty minutes on one core and writes docs/benchmarks/codecs.*; a part of it, or another model,
writes nothing there unless `--output` says where. It fails when an exact codec changed anything, and when a lossy one
kept fewer tokens than is published of it, which is what `qualityFloor` is compared with.
"""

from __future__ import annotations

import argparse
import datetime
import math
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cells import MeasurementError
from benchmarks.pages import machine
from benchmarks.quality import report
from benchmarks.quality.answers import Answers
from benchmarks.quality.material import Material, material
from benchmarks.quality.report import Quality
from benchmarks.ttft.processes import ENVIRONMENT
from cake_engine.config import MAX_TIERS, MEASURED_QUALITY, CodecName
from demo.model import MODEL_FOLDER, model_folder
from tests.localcluster import cache

PUBLISHED = Path("docs/benchmarks")
PREFIX_TOKENS = 1536


def main() -> int:
    """Exit 1 when a codec is worse than it has to be, or could not be measured."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return benchmark(arguments)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130


def benchmark(arguments: argparse.Namespace) -> int:
    """Ask with each codec, then write and print what was found."""
    os.environ.update(ENVIRONMENT)
    model = arguments.model or model_folder()
    sizes = {"texts": 3, "positions": 8, "per_task": 1, "turns": 2} if arguments.quick else {}
    asked = material(
        model, **{"texts": 12, "prefix": PREFIX_TOKENS, "positions": 64, "per_task": 2, "turns": 3} | sizes
    )
    return _report(arguments, asked, model)


def _report(arguments: argparse.Namespace, asked: Material, model: Path) -> int:
    from benchmarks.quality.engine import Engine  # noqa: PLC0415 - imports vLLM, which reads the environment

    answers: dict[CodecName, Answers] = {}
    for codecs in shares_of(arguments.codecs, MAX_TIERS - 1):
        with cache.scratch("bench-quality") as folder:
            engine = Engine(model, folder, codecs)
            try:
                engine.store(asked)
                for codec in codecs:
                    answers[codec] = engine.answers(asked, codec)
                    _tell(codec, report.judge(asked, answers[CodecName.RAW], answers[codec]))
            except MeasurementError as error:
                print(f"The benchmark cannot go on with {codec}: {error}", file=sys.stderr)
                return 1
            finally:
                engine.close()
    run = report.Run(
        codecs={codec: report.judge(asked, answers[CodecName.RAW], found) for codec, found in answers.items()},
        positions=len(answers[CodecName.RAW].next_tokens),
        questions=len(answers[CodecName.RAW].said),
        model=MODEL_FOLDER if arguments.model is None else arguments.model.name,
        machine=machine(),
        command=shlex.join(["python", "-m", "benchmarks.quality", *sys.argv[1:]]),
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
    )
    if arguments.output is not None:
        report.write(run, arguments.output)
        print(f"Written: {arguments.output}/codecs.md, codecs.json, codecs.svg.")
    if arguments.output == PUBLISHED:
        print(
            "`make generate` writes what follows from them: shares that qualityFloor is compared with, and references."
        )
    broken = [f"{codec} is exact and changed something" for codec in run.changed_exact()]
    if arguments.model is None and not arguments.quick:
        broken += [
            f"{c} kept fewer tokens than the published {MEASURED_QUALITY[c]}" for c in run.worse_than_published()
        ]
    for sentence in broken:
        print(f"A promise is broken: {sentence}", file=sys.stderr)
    return 1 if broken else 0


def shares_of(codecs: Sequence[CodecName], most: int) -> list[Sequence[CodecName]]:
    """What one engine has tiers for, and the next: as few engines as can be, with as many tiers each."""
    engines = math.ceil(len(codecs) / most)
    each = math.ceil(len(codecs) / engines)
    return [codecs[start : start + each] for start in range(0, len(codecs), each)]


def _tell(codec: CodecName, quality: Quality) -> None:
    said = (
        f"bytes {quality.size:.3f}, same tokens {quality.agreement:.3f}, perplexity {quality.perplexity:.3f}, "
        f"same answers {quality.same_answers:.2f}, score {quality.score:.2f}"
    )
    print(f"{codec}: {said}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few questions, six minutes: does it work?")
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="another model than the demo's")
    parser.add_argument("--codecs", help="some of them, as in Int8,Kivi4; raw blocks are always measured")
    parser.add_argument("--output", type=Path, help=f"folder for the page ({PUBLISHED} after a whole run)")
    arguments = parser.parse_args()
    try:
        named = [CodecName(name) for name in arguments.codecs.split(",")] if arguments.codecs else list(CodecName)
    except ValueError as error:
        parser.error(f"--codecs: {error}; there are {', '.join(CodecName)}")
    whole = not (arguments.quick or arguments.model or arguments.codecs)
    arguments.codecs = [CodecName.RAW, *(name for name in named if name is not CodecName.RAW)]
    if whole and arguments.output is None:
        arguments.output = PUBLISHED
    return arguments


if __name__ == "__main__":
    sys.exit(main())
