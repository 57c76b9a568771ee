"""What the models are worth: errors on the rows kept for the test, as a table and as pictures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fleet.console import Console
from fleet.schema import Schema
from fleet.words import plural, significant, with_unit
from training.endpoint import absolute_error, percentage_error, predict
from training.run import Training

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

DOTS_PER_INCH = 200
IN_OVERVIEW, IN_ERRORS = 24, 40
"""Cities in the pictures of many: the first, and those of the greatest errors."""
GOOD, MIDDLE, BAD, GREY = "#1f5fa8", "#8a94a0", "#d1495b", "#c8ced3"


@dataclass(frozen=True, eq=False)
class CityResult:
    """What the endpoint predicts of a city's test rows; arrays of shape (n,).

    Numbers are in the label's unit; of a classifier they are numbers of classes, and errors are
    shares of wrong ones.
    """

    city: str
    schema: Schema
    rows: int
    validation_error: float
    baselines: Mapping[str, float]
    predicted: NDArray[np.float64]
    true: NDArray[np.float64]

    @property
    def error(self) -> float:
        """The mean absolute error, or the share of wrong classes."""
        if self.schema.classes:
            return float((self.predicted != self.true).mean())
        return absolute_error(self.predicted, self.true)

    @property
    def share(self) -> str:
        """The error as a share of the true values; empty where that says nothing."""
        if self.schema.classes or not self.true.all():
            return ""
        return f"{percentage_error(self.predicted, self.true):.2%}"


def evaluate_cities(
    client: "SageMakerRuntimeClient", endpoint_name: str, training: Training
) -> list[CityResult]:
    """Ask the endpoint about all test rows of all published cities."""
    results = []
    for city, target in training.models.items():
        test = training.dataset.test[city]
        if test.label is None or not len(test):
            continue
        candidate = training.publications[city].candidate
        results.append(
            CityResult(
                city=candidate.title,
                schema=test.schema,
                rows=len(training.dataset.train[city]) + len(test),
                validation_error=candidate.metrics["mae"],
                baselines=candidate.baselines,
                predicted=predict(client, endpoint_name, target, test).numbers,
                true=test.label_numbers,
            )
        )
    return results


def print_results(console: Console, results: Sequence[CityResult]) -> None:
    """Errors by city: of the baselines and of the model."""
    if not results:
        return
    schema = results[0].schema
    rows = [
        [
            result.city,
            f"{result.rows:,}",
            significant(result.baselines["median_mae"]),
            significant(result.baselines["least_squares_mae"]),
            significant(result.validation_error),
            significant(result.error),
            *([result.share] if result.share else []),
        ]
        for result in results
    ]
    columns = [schema.entity, plural(schema.row), *_error_titles(schema, "validation", "test")]
    if len(rows[0]) > len(columns):
        columns.append("test %")
    title = f"Errors on the {plural(schema.row)} kept for validation and for the test"
    console.table(title, columns, [[*row, *[""] * (len(columns) - len(row))] for row in rows])


def _error_titles(schema: Schema, *own: str) -> Iterator[str]:
    baseline = "most frequent" if schema.classes else "median"
    for name in (baseline, "least squares", *own):
        yield with_unit(name, "wrong" if schema.classes else schema.label.unit)


def draw_results(results: Sequence[CityResult], directory: Path) -> Mapping[str, Path]:
    """A PNG of each city's test rows; returns the files."""
    from matplotlib.figure import Figure  # slow to import, needed here alone

    directory.mkdir(parents=True, exist_ok=True)
    files = {}
    for result in results:
        figure = Figure(figsize=(5, 5))
        axes = figure.add_axes((0.18, 0.13, 0.78, 0.79))
        _draw_city(axes, result)
        axes.set_title(_title(result), fontsize="medium")
        files[result.city] = directory / f"{result.city}.png"
        figure.savefig(files[result.city], dpi=DOTS_PER_INCH)
    return files


def draw_overviews(results: Sequence[CityResult], directory: Path) -> Sequence[Path]:
    """Two pictures of all cities, as vectors for reports; returns the files.

    ``overview.svg`` has predicted against true values, ``errors.svg`` the errors beside those of
    the baselines.
    """
    if not results:
        return []
    directory.mkdir(parents=True, exist_ok=True)
    files = [directory / "overview.svg", directory / "errors.svg"]
    for file, figure in zip(files, (_overview(results), _errors(results)), strict=True):
        figure.savefig(file, metadata={"Date": None})  # the same results give the same file
    return files


def _title(result: CityResult) -> str:
    rows = f"{len(result.true)} test {plural(result.schema.row)}"
    if result.schema.classes:
        return f"{result.city}: {1 - result.error:.1%} of {rows} right"
    share = f", MAPE {result.share}" if result.share else ""
    return (
        f"{result.city}: MAE {result.schema.label.unit}{significant(result.error)}{share}, {rows}"
    )


def _draw_city(axes: "Axes", result: CityResult, *, labelled: bool = True) -> None:
    """Predicted against true values; of classes, how often each was taken for each."""
    from matplotlib.ticker import MaxNLocator

    title = result.schema.label.title
    if result.schema.classes:
        classes = result.schema.classes
        counts = np.zeros((len(classes), len(classes)))
        np.add.at(counts, (result.true.astype(int), result.predicted.astype(int)), 1)
        axes.imshow(counts, cmap="Blues")
        if labelled:
            for (row, column), count in np.ndenumerate(counts):
                color = "white" if count > counts.max() / 2 else "black"
                axes.text(column, row, f"{count:.0f}", ha="center", va="center", color=color)
            axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
            axes.set_yticks(range(len(classes)), classes)
    else:
        limits = [
            min(result.true.min(), result.predicted.min()),
            max(result.true.max(), result.predicted.max()),
        ]
        axes.plot(limits, limits, color=GREY, linewidth=1, zorder=0)
        axes.scatter(result.true, result.predicted, s=10 if labelled else 3, linewidths=0)
        axes.set_aspect("equal")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(6 if labelled else 3))
            axis.set_major_formatter(_shortened)
    if labelled:
        axes.set_xlabel(
            with_unit(f"{'predicted' if result.schema.classes else 'true'} {title}", "")
        )
        axes.set_ylabel(
            with_unit(f"{'true' if result.schema.classes else 'predicted'} {title}", "")
        )


def _shortened(value: float, _: object = None) -> str:
    """An axis' number: ``1.2M``, ``350k``, ``0.4``."""
    for divisor, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= divisor:
            return f"{value / (1e3 if letter == 'k' else divisor):g}{letter}"
    return f"{value:g}"


def _overview(results: Sequence[CityResult]) -> "Figure":
    """Predicted against true values of all cities, each on scales of its own."""
    from matplotlib.figure import Figure

    shown = results[:IN_OVERVIEW]
    columns = min(len(shown), 4)
    lines = ceil(len(shown) / columns)
    width, height = 2.4 * columns + 0.8, 2.7 * lines + 0.8
    figure = Figure(figsize=(width, height))
    # In inches: what would find the places by itself takes a minute for so many.
    margins = {"left": 0.8 / width, "right": 1 - 0.1 / width}
    margins |= {"bottom": 0.7 / height, "top": 1 - 0.5 / height}
    grid = figure.subplots(lines, columns, squeeze=False, gridspec_kw=margins).flat
    figure.subplots_adjust(wspace=0.35, hspace=0.45)
    for axes, result in zip(grid, shown, strict=False):
        _draw_city(axes, result, labelled=False)
        error = f"{result.error:.1%} wrong" if result.schema.classes else result.share
        axes.set_title(f"{result.city}\n{error or significant(result.error)}", fontsize="small")
        axes.tick_params(labelsize="x-small")
    for axes in list(figure.axes)[len(shown) :]:
        axes.set_visible(False)
    label = with_unit(shown[0].schema.label.title, shown[0].schema.label.unit)
    figure.supxlabel(f"true {label}{_rest(results, IN_OVERVIEW)}", fontsize="small", y=0.2 / height)
    figure.supylabel(f"predicted {label}", fontsize="small")
    return figure


def _errors(results: Sequence[CityResult]) -> "Figure":
    """Each city's test error beside those of the baselines; the greatest error on top."""
    from matplotlib.figure import Figure

    shown = sorted(results, key=lambda result: -result.error)[:IN_ERRORS]
    schema = shown[0].schema
    figure = Figure(figsize=(7, 1.4 + 0.28 * len(shown)), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(shown))[::-1]
    median, least_squares, test = _error_titles(schema, "test")
    series = (
        (median, [result.baselines["median_mae"] for result in shown], BAD, "|"),
        (least_squares, [result.baselines["least_squares_mae"] for result in shown], MIDDLE, "|"),
        (test, [result.error for result in shown], GOOD, "o"),
    )
    for label, values, color, marker in series:
        axes.plot(values, places, marker, color=color, label=label, markersize=8, markeredgewidth=2)
    axes.hlines(
        places,
        0,
        [max(v) for v in zip(*(s[1] for s in series), strict=True)],
        GREY,
        lw=0.5,
        zorder=0,
    )
    axes.set_yticks(places, [result.city for result in shown])
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(_shortened)
    error = (
        "share of wrong classes" if schema.classes else f"mean absolute error {schema.label.unit}"
    )
    axes.set_xlabel(f"{error.strip()}{_rest(results, IN_ERRORS)}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)
    return figure


def _rest(results: Sequence[CityResult], shown: int) -> str:
    more = len(results) - shown
    return f"  ({more:,} more {plural(results[0].schema.entity)} are not shown)" if more > 0 else ""
