"""Asks the endpoint for predictions."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from botocore.config import Config
from numpy.typing import NDArray

from fleet.schema import Schema
from training.table import Table

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

REQUEST_BYTES = 400_000
"""Of CSV; the features between the containers are some ten times as long, and 5 MB are taken."""
ROWS_PER_REQUEST = 1000
# A cold model answers within 60 seconds or not at all, see
# https://docs.aws.amazon.com/sagemaker/latest/dg/invoke-multi-model-endpoint.html
READ_TIMEOUT_SECONDS = 70


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model answered.

    Parameters
    ----------
    scores
        Shape (n,): numbers in the label's unit, or the probability of the second of two classes;
        shape (n, k): the probabilities of k classes.
    classes
        Numbers of the predicted classes, shape (n,); None of a regressor.
    seconds
        What each request took.
    """

    scores: NDArray[np.float64]
    classes: NDArray[np.int64] | None
    seconds: tuple[float, ...]

    def values(self, schema: Schema) -> list[float] | list[str]:
        """What is predicted of each row: a number, or the name of a class."""
        if self.classes is None:
            numbers: list[float] = self.scores.tolist()
            return numbers
        return [schema.classes[number] for number in self.classes.tolist()]

    @property
    def numbers(self) -> NDArray[np.float64]:
        """What is predicted of each row as Linear Learner labels it, shape (n,)."""
        return self.scores if self.classes is None else self.classes.astype(np.float64)


def runtime_client(session: "boto3.Session") -> "SageMakerRuntimeClient":
    """A client that waits for a cold model and tries again while one is being loaded."""
    # ModelNotReadyException (429) is retried by this mode alone.
    config = Config(
        read_timeout=READ_TIMEOUT_SECONDS, retries={"mode": "legacy", "max_attempts": 5}
    )
    return session.client("sagemaker-runtime", config=config)


def predict(
    client: "SageMakerRuntimeClient", endpoint_name: str, target_model: str, table: Table
) -> Prediction:
    """What a model predicts, row by row."""
    answers: list[Mapping[str, Any]] = []
    seconds: list[float] = []
    for body in _bodies(table.without_label().to_csv().splitlines(keepends=True)):
        started = time.perf_counter()
        answer = client.invoke_endpoint(
            EndpointName=endpoint_name,
            TargetModel=target_model,
            ContentType="text/csv",
            Accept="application/json",
            Body=body.encode(),
        )
        answers += json.loads(answer["Body"].read())["predictions"]
        seconds.append(time.perf_counter() - started)
    classes = [answer["predicted_label"] for answer in answers if "predicted_label" in answer]
    return Prediction(
        scores=np.array([answer["score"] for answer in answers], dtype=np.float64),
        classes=np.array(classes, dtype=np.int64) if classes else None,
        seconds=tuple(seconds),
    )


def _bodies(lines: Sequence[str]) -> Iterator[str]:
    """The lines in as few requests as may be."""
    body: list[str] = []
    size = 0
    for line in lines:
        if body and (len(body) == ROWS_PER_REQUEST or size + len(line) > REQUEST_BYTES):
            yield "".join(body)
            body, size = [], 0
        body.append(line)
        size += len(line)
    if body:
        yield "".join(body)


def endpoint_preprocessor(client: "SageMakerClient", endpoint_name: str) -> str | None:
    """The model data URL of the first container behind the endpoint."""
    config_name = client.describe_endpoint(EndpointName=endpoint_name)["EndpointConfigName"]
    config = client.describe_endpoint_config(EndpointConfigName=config_name)
    model_name = config["ProductionVariants"][0]["ModelName"]
    containers = client.describe_model(ModelName=model_name).get("Containers", [])
    return containers[0].get("ModelDataUrl") if containers else None


def absolute_error(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    """Mean absolute error (MAE) in the label's unit."""
    return float(np.abs(predicted - true).mean())


def error_line(prediction: Prediction, table: Table) -> str:
    """How far the predictions are from the labels of the rows, in words."""
    true = table.label_numbers
    if prediction.classes is not None:
        return f"accuracy {float((prediction.classes == true).mean()):.1%}"
    unit = table.schema.label.unit
    return f"MAE {unit}{absolute_error(prediction.scores, true):,.4g}"


def percentage_error(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    """Mean absolute percentage error (MAPE) as a fraction of the true value."""
    return float((np.abs(predicted - true) / true).mean())
