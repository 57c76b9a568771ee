"""From the bytes of cities' files to their artifacts, and to what a report says of them."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from training.fleet_trainer.measures import baselines, error_of, signal_of
from training.fleet_trainer.recipe import Recipe, digest
from training.fleet_trainer.rows import Columns, RowsError, Table, read_rows
from training.linear_learner.artifact import write_artifact
from training.linear_learner.hyperparameters import Hyperparameters
from training.linear_learner.model import Dataset
from training.linear_learner.trainer import (
    TrainingError,
    TrainingResult,
    train_exactly,
    train_many,
)

BINS = 10
VALIDATION_LOSS = "validation:absolute_loss"
ACCURACIES = ("validation:binary_classification_accuracy", "validation:multiclass_accuracy")

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


class Preprocessor(Protocol):
    """The fitted preprocessor, as it serves; ``url`` is where it comes from."""

    url: str
    columns: Columns

    def features(self, table: Table) -> Floats:
        """The features of rows, of shape (n, d)."""
        ...


@dataclass(frozen=True)
class Served:
    """A city's model that serves: its target model, and the bytes of its artifact."""

    target_model: str
    artifact: bytes


@dataclass(frozen=True)
class Trained:
    """What became of a city: its line of the report and, unless it failed, its artifact."""

    report: Mapping[str, Any]
    artifact: bytes | None = None


def train_cities(
    files: Mapping[str, bytes],
    preprocessor: Preprocessor,
    recipe: Recipe,
    serving: Mapping[str, Served] | None = None,
) -> Iterator[Trained]:
    """Train a model for each city, of the bytes of its CSV file; one that fails fails alone.

    What serves is measured on the validation rows of its successor, for the gate to compare.
    """
    hyperparameters = Hyperparameters.parse(recipe.hyperparameters)
    cities: list[_City | Trained] = []
    for name, data in files.items():
        base = {
            "city": name,
            "data_digest": digest(data),
            "hyperparameters_digest": recipe.digest,
            "preprocessor_url": preprocessor.url,
            "solver": recipe.solver,
        }
        try:
            table = read_rows(data, preprocessor.columns)
            cities.append(_City.of(base, table, preprocessor, recipe))
        except RowsError as error:
            cities.append(Trained({**base, "error": f"{name}.csv, {error}"}))
    ready = [city for city in cities if isinstance(city, _City)]
    pairs = [(city.train, city.validation) for city in ready]
    results = iter(SOLVERS[recipe.solver](hyperparameters, pairs))
    for city in cities:
        if isinstance(city, _City):
            city = city.finished(next(results), (serving or {}).get(city.base["city"]))
        yield city


def _solve_exactly(
    hyperparameters: Hyperparameters, pairs: Sequence[tuple[Dataset, Dataset]]
) -> list[TrainingResult | TrainingError]:
    results: list[TrainingResult | TrainingError] = []
    for train, validation in pairs:
        try:
            results.append(train_exactly(hyperparameters, train, validation))
        except TrainingError as error:
            results.append(error)
    return results


SOLVERS = {"linear-learner": train_many, "exact": _solve_exactly}
"""``exact`` goes to the optimum of the loss, where Linear Learner makes so many epochs."""


@dataclass(frozen=True, eq=False)
class _City:
    """A city's rows, ready to train on."""

    base: Mapping[str, Any]
    columns: Mapping[str, Any]
    train: Dataset
    validation: Dataset

    @classmethod
    def of(
        cls, base: Mapping[str, Any], table: Table, preprocessor: Preprocessor, recipe: Recipe
    ) -> "_City":
        columns = preprocessor.columns
        labels = table[columns.label].astype(np.float32)
        features = preprocessor.features(table).astype(np.float32)
        train, validation = split_rows(len(labels), recipe.test_share, recipe.validation_share)
        used = np.concatenate([train, validation])
        return cls(
            base,
            describe_columns({name: table[name][used] for name in columns.names}, columns),
            Dataset(features[train], labels[train]),
            Dataset(features[validation], labels[validation]),
        )

    def finished(self, result: TrainingResult | TrainingError, served: Served | None) -> Trained:
        """Its artifact, and what the report says."""
        rows = {"train": len(self.train), "validation": len(self.validation)}
        report = {**self.base, "rows": rows}
        if isinstance(result, TrainingError):
            return Trained({**report, "error": f"{self.base['city']}.csv: {result}"})
        artifact = write_artifact(result.model)
        metrics = {
            "mae": _validation_error(result),
            "signal": signal_of(result.model, self.validation),
        }
        if served is not None:
            metrics["serving_mae"] = error_of(served.artifact, self.validation)
            report["compared_with"] = served.target_model
        report |= {
            "epoch": result.epoch,
            "candidate": dict(result.best_hyperparameters),
            "metrics": metrics,
            "baselines": baselines(self.train, self.validation, result.model.predictor_type),
            "columns": self.columns,
            "artifact": {"sha256": hashlib.sha256(artifact).hexdigest(), "bytes": len(artifact)},
        }
        return Trained(report, artifact)


@lru_cache(maxsize=256)
def split_rows(count: int, test_share: float, validation_share: float) -> tuple[Integers, Integers]:
    """The numbers of the train and of the validation rows, as the service trainer splits them.

    That shuffles and cuts twice: the test houses off, then the train rows from the validation rows.
    """
    kept = np.random.default_rng(0).permutation(count)[: round((1 - test_share) * count)]
    shuffled = kept[np.random.default_rng(0).permutation(len(kept))]
    cut = round((1 - validation_share) * len(kept))
    return shuffled[:cut], shuffled[cut:]


def _validation_error(result: TrainingResult) -> float:
    """The mean absolute error; of a classifier the share of wrong classes."""
    for name in ACCURACIES:
        if name in result.metrics:
            return 1 - result.metrics[name]
    return result.metrics[VALIDATION_LOSS]


def describe_columns(table: Table, columns: Columns) -> dict[str, Any]:
    """How each column is distributed, as ``fleet.drift`` compares later rows with."""
    described: dict[str, Any] = {}
    for name, values in table.items():
        choices = columns.choices.get(name)
        values = values[values >= 0] if choices is not None else values[~np.isnan(values)]
        if not len(values):
            continue
        if choices is not None:
            counts = np.bincount(values.astype(np.int64), minlength=len(choices)) / len(values)
            shares = dict(zip(choices, counts.tolist(), strict=True))
            described[name] = {"values": {value: share for value, share in shares.items() if share}}
            continue
        ordered = np.sort(values)
        deciles = ordered[len(ordered) * np.arange(1, BINS) // BINS]
        edges = sorted(set(deciles.tolist()) - {float(ordered[0])})
        below = [0, *np.searchsorted(ordered, edges, side="left").tolist(), len(ordered)]
        shares_of_bins = [(end - start) / len(ordered) for start, end in pairwise(below)]
        described[name] = {"edges": edges, "shares": shares_of_bins}
    return described
