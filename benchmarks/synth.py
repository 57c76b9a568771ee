"""How long people wait for templates."""

import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.figure import Figure
from fleet.cdk import run_cdk

ROOT = Path(__file__).parents[1]
FURTHER = 5
STACKS = 5


def run() -> list[Figure]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh_process:
        first, further = fresh_process.submit(stage_templates, validate=True).result()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh_process:
        first_unchecked, further_unchecked = fresh_process.submit(
            stage_templates, validate=False
        ).result()
    return [
        Figure("cdk synth of a stage, cold", _cdk_synth(), "s"),
        Figure(
            "first template of a process, imports included",
            first,
            "s",
            f"unvalidated: {first_unchecked:.2f} s",
        ),
        Figure(
            "a further template of the same process",
            further,
            "s",
            f"unvalidated: {further_unchecked:.2f} s; aim: 0.3 s",
        ),
    ]


def stage_templates(*, validate: bool) -> tuple[float, float]:
    """Seconds for the first templates of a new process, and for each one after them."""
    start = perf_counter()
    import aws_cdk as cdk  # what it takes to import is measured
    from aws_cdk.assertions import Template

    from stacks.housing import add_stacks

    context = json.loads((ROOT / "cdk.json").read_text())["context"]

    def synthesize() -> None:
        app = cdk.App(context=context, builtin_cloud_formation_validation=validate)
        Template.from_stack(add_stacks(app, "dev").storage)  # makes those of its app's stacks

    synthesize()
    first = perf_counter() - start
    return first, median(_seconds(synthesize) for _ in range(FURTHER)) / STACKS


def _seconds(call: Callable[[], None]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def _cdk_synth() -> float:
    with TemporaryDirectory() as folder:
        return _seconds(lambda: run_cdk(["synth", "--quiet", "--output", folder], quiet=True))
