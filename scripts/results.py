"""What the models are worth: errors on the test houses, as a table and as pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fleet.console import Console
from scripts.training_run import Training
from training.endpoint import absolute_error, percentage_error, predict

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient


@dataclass(frozen=True)
class CityResult:
    """A city's test houses as the endpoint prices them, in dollars; arrays of shape (n,)."""

    city: str
    houses: int
    validation_error: float
    baselines: Mapping[str, float]
    predicted: NDArray[np.float64]
    true: NDArray[np.float64]

    @property
    def absolute_error(self) -> float:
        """MAE against the true price, in dollars."""
        return absolute_error(self.predicted, self.true)

    @property
    def percentage_error(self) -> float:
        """MAPE against the true price, as a fraction."""
        return percentage_error(self.predicted, self.true)


def evaluate_cities(
    client: "SageMakerRuntimeClient", endpoint_name: str, training: Training
) -> list[CityResult]:
    """Ask the endpoint for the prices of all test houses of all published cities."""
    results = []
    for city, target in training.models.items():
        test = training.dataset.test[city]
        if test.label is None or not len(test):
            continue
        prediction = predict(client, endpoint_name, target, test)
        results.append(
            CityResult(
                city=city,
                houses=len(training.dataset.train[city]) + len(test),
                validation_error=training.publications[city].candidate.metrics["mae"],
                baselines=training.publications[city].candidate.baselines,
                predicted=prediction.numbers,
                true=test.label_numbers,
            )
        )
    return results


def print_results(console: Console, results: Sequence[CityResult]) -> None:
    """Mean absolute errors by city: of the baselines and of the model."""
    rows = [
        [
            result.city,
            f"{result.houses:,}",
            f"{result.baselines['median_mae']:,.0f}",
            f"{result.baselines['least_squares_mae']:,.0f}",
            f"{result.validation_error:,.0f}",
            f"{result.absolute_error:,.0f}",
            f"{result.percentage_error:.2%}",
        ]
        for result in results
    ]
    columns = [
        "city",
        "houses",
        "median $",
        "least squares $",
        "validation $",
        "test $",
        "test %",
    ]
    console.table("Errors on the houses kept for validation and for the test", columns, rows)


def draw_results(results: Sequence[CityResult], directory: Path) -> Mapping[str, Path]:
    """A PNG of predicted against true prices for each city; returns the files."""
    from matplotlib.figure import Figure  # slow to import, needed here alone

    directory.mkdir(parents=True, exist_ok=True)
    files = {}
    for result in results:
        figure = Figure(figsize=(5, 5))
        axes = figure.add_axes((0.16, 0.12, 0.8, 0.8))
        thousands = np.stack([result.true, result.predicted]) / 1000
        limits = [thousands.min(), thousands.max()]
        axes.plot(limits, limits, color="0.7", linewidth=1, zorder=0)
        axes.scatter(thousands[0], thousands[1], s=10)
        axes.set_aspect("equal")
        axes.set_xlabel("true price, $1000")
        axes.set_ylabel("predicted price, $1000")
        axes.set_title(
            f"{result.city}: MAE ${result.absolute_error:,.0f}, "
            f"MAPE {result.percentage_error:.2%}, {len(result.true)} test houses",
            fontsize="medium",
        )
        files[result.city] = directory / f"{result.city}.png"
        figure.savefig(files[result.city], dpi=100)
    return files
