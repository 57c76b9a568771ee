"""The options of the cache experiment: which models are invoked how often, and how fast."""

from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from fleet.errors import HousingError
from scripts.command import Function

POSITIVE = click.IntRange(min=1)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True, kw_only=True)
class ExperimentOptions:
    """What an experiment was asked for; the options' help says what each field means."""

    model: str | None
    payload: Path | None
    content_type: str
    passes: tuple[int, ...]
    copies: int | None
    traffic: str
    exponent: float
    seed: int
    trace: Path | None
    concurrency: int
    pace: str | float
    period: int | None
    metrics_timeout: float
    output: Path

    @property
    def number_of_copies(self) -> int:
        """Copies to publish.

        Raises
        ------
        HousingError
            A scan needs more than were asked for.
        """
        largest = max(self.passes)
        copies = self.copies or largest
        if self.traffic == "scan" and copies < largest:
            raise HousingError(
                f"--copies is {copies}; a scan of {largest} needs at least {largest}"
            )
        return copies

    def per_second(self, automatic: float) -> float | None:
        """Invocations a second; None is as fast as they are answered."""
        if isinstance(self.pace, float):
            return self.pace
        return automatic if self.pace == "auto" else None


class Sizes(click.ParamType[tuple[int, ...]]):
    """Whole numbers of at least 1, separated by commas."""

    name = "sizes"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        return tuple(POSITIVE.convert(part.strip(), param, ctx) for part in value.split(","))


class Pace(click.ParamType[str | float]):
    """``auto``, ``max``, or invocations a second."""

    name = "pace"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str | float:
        if value in ("auto", "max"):
            return str(value)
        rate: float = click.FloatRange(min=0).convert(value, param, ctx)
        if not 0 < rate < float("inf"):
            self.fail(f"{value} invocations a second would never end, or never begin")
        return rate


def experiment_options(function: Function) -> Function:
    """Add the experiment's options, which the function gets as ``options``."""

    @click.option(
        "--model",
        metavar="TARGET_MODEL",
        help="The published model to copy.  [default: the first one]",
    )
    @click.option(
        "--payload", type=FILE, metavar="FILE", help="Body of each request.  [default: a row]"
    )
    @click.option("--content-type", default="text/csv", show_default=True, help="Of the body.")
    @click.option(
        "--passes",
        type=Sizes(),
        default="100,100,200",
        show_default=True,
        metavar="N,N,...",
        help="Invocations of each pass.",
    )
    @click.option("--copies", type=POSITIVE, help="Models.  [default: the largest pass]")
    @click.option(
        "--traffic",
        type=click.Choice(["scan", "uniform", "zipf"]),
        default="scan",
        show_default=True,
        help="scan: the first N models in order; otherwise N draws from all copies.",
    )
    @click.option(
        "--exponent",
        type=click.FloatRange(min=0, max=100),
        default=1.0,
        show_default=True,
        help="Of zipf; 0 is uniform.",
    )
    @click.option("--seed", type=int, default=0, show_default=True, help="Of the draws.")
    @click.option(
        "--trace",
        type=FILE,
        metavar="CSV",
        help="Replay its column target_model; each distinct one becomes a copy.",
    )
    @click.option(
        "--concurrency", type=POSITIVE, default=4, show_default=True, help="Requests at a time."
    )
    @click.option(
        "--pace",
        type=Pace(),
        default="auto",
        metavar="PER_SECOND",
        help="Invocations a second, or max.  [default: 20 in each CloudWatch period]",
    )
    @click.option(
        "--period",
        type=POSITIVE,
        help="CloudWatch period in seconds.  [default: how often the endpoint publishes]",
    )
    @click.option(
        "--metrics-timeout",
        type=click.FloatRange(min=0, max=86_400),
        default=300.0,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for CloudWatch in the end.",
    )
    @click.option(
        "--output",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("output/cache-experiment"),
        show_default=True,
        help="Folder of the rows, figures and charts.",
    )
    @wraps(function)
    def with_options(**given: Any) -> Any:
        names = ExperimentOptions.__dataclass_fields__
        own = {name: given.pop(name) for name in names}
        return function(options=ExperimentOptions(**own), **given)

    return with_options
