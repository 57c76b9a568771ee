"""Linear Learner: how long training and scoring take, and how close its models are to the real."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, SGDRegressor
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from benchmarks.figure import Figure
from benchmarks.linear_learner_reproduction import (
    ABALONE_ABSOLUTE_LOSS,
    ABALONE_MSE,
    HOUSING_MEAN_ABSOLUTE_ERROR,
    HOUSING_SEEDS,
    City,
    abalone,
    city,
    market,
    mean_absolute_error,
    train_city,
)
from training.linear_learner.artifact import read_artifact_bytes, write_artifact
from training.linear_learner.model import LinearModel
from training.linear_learner.predictor import predict
from training.linear_learner.wire import decode_request, encode_predictions, read_training_csv

CSV_ROW = b"0.5,-1.2,0.3,1.1,-0.7,0.2,1,0,0,1\n"
JSON_ROW = b'{"instances": [{"features": [0.5, -1.2, 0.3, 1.1, -0.7, 0.2, 1, 0, 0, 1]}]}'


def run() -> list[Figure]:
    """All figures; times are of one core."""
    with threadpool_limits(limits=1):
        one = city(0)
        model = train_city(one).model
        return [*_training(one), *_scoring(model), *_artifact(model), *_quality()]


def _training(one: City) -> Iterator[Figure]:
    rows = np.column_stack([one.train.labels, one.train.features])
    text = "\n".join(",".join(map(repr, row)) for row in rows.tolist()).encode()
    single = SGDRegressor(loss="epsilon_insensitive", epsilon=0, max_iter=10, tol=None)
    yield Figure(
        "train a city: 629 x 10, 10 epochs, 32 models",
        1e3 * _seconds(lambda: train_city(one), 20),
        "ms",
        _beside(
            "scikit-learn SGDRegressor, one model",
            lambda: single.fit(one.train.features, one.train.labels),
            20,
            1e3,
            "ms",
        ),
    )
    yield Figure(
        "read its training file",
        1e3 * _seconds(lambda: read_training_csv(text, "train.csv"), 50),
        "ms",
        _beside("pandas.read_csv", lambda: pd.read_csv(BytesIO(text), header=None), 50, 1e3, "ms"),
    )


def _scoring(model: LinearModel) -> Iterator[Figure]:
    row = decode_request(CSV_ROW, "text/csv")
    rows = np.repeat(row, 10_000, axis=0)
    peer = LinearRegression().fit(rows[:20], np.arange(20))
    yield Figure(
        "score one row",
        1e6 * _seconds(lambda: predict(model, row), 5000),
        "µs",
        _beside("scikit-learn LinearRegression", lambda: peer.predict(row), 1000, 1e6, "µs"),
    )
    yield Figure("score 10,000 rows", 1e6 * _seconds(lambda: predict(model, rows), 100), "µs")
    for name, body in (("text/csv", CSV_ROW), ("application/json", JSON_ROW)):
        answer = partial(_answer, model, body, name)
        yield Figure(f"answer one row of {name} in JSON", 1e6 * _seconds(answer, 5000), "µs")


def _artifact(model: LinearModel) -> Iterator[Figure]:
    data = write_artifact(model)
    yield Figure("write an artifact", 1e6 * _seconds(lambda: write_artifact(model), 500), "µs")
    yield Figure("read an artifact", 1e6 * _seconds(lambda: read_artifact_bytes(data), 500), "µs")


def _quality() -> Iterator[Figure]:
    metrics = abalone().metrics
    yield Figure(
        "Abalone, mean squared error", metrics["train:mse"], "rings²", f"service {ABALONE_MSE}"
    )
    yield Figure(
        "Abalone, mean absolute error",
        metrics["train:absolute_loss"],
        "rings",
        f"service {ABALONE_ABSOLUTE_LOSS}",
    )
    cities = [one for seed in HOUSING_SEEDS for one in market(seed)]
    yield Figure(
        f"house prices, mean absolute error, median of {len(cities)} cities",
        float(np.median([mean_absolute_error(train_city(one), one.test) for one in cities])),
        "$",
        f"service {HOUSING_MEAN_ABSOLUTE_ERROR:.0f} (one city)",
    )


def _answer(model: LinearModel, body: bytes, content_type: str) -> bytes:
    features = decode_request(body, content_type)
    return encode_predictions(predict(model, features), "application/json")[0]


def _beside(name: str, work: Callable[[], object], times: int, factor: float, unit: str) -> str:
    return f"{name}: {factor * _seconds(work, times):.3g} {unit}"


def _seconds(work: Callable[[], object], times: int, rounds: int = 7) -> float:
    """Processor time of one call: the best mean of several rounds."""
    work()
    return min(_mean_seconds(work, times) for _ in range(rounds))


def _mean_seconds(work: Callable[[], object], times: int) -> float:
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times
