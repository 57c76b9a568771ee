"""Asks the endpoint for predictions."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from fleet.client import Answer, Client
from fleet.schema import Schema
from training.table import Table

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient


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

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """What a client was answered."""
        predictions = answer.predictions
        classes = [each["predicted_label"] for each in predictions if "predicted_label" in each]
        return cls(
            scores=np.array([each["score"] for each in predictions], dtype=np.float64),
            classes=np.array(classes, dtype=np.int64) if classes else None,
            seconds=answer.seconds,
        )

    @property
    def numbers(self) -> NDArray[np.float64]:
        """What is predicted of each row as Linear Learner labels it, shape (n,)."""
        return self.scores if self.classes is None else self.classes.astype(np.float64)


def predict(
    client: "SageMakerRuntimeClient", endpoint_name: str, target_model: str, table: Table
) -> Prediction:
    """What a model predicts, row by row."""
    return Prediction.of(Client(client, endpoint_name).invoke("", target_model, lines_of(table)))


def lines_of(table: Table) -> list[str]:
    """The rows as the endpoint takes them, without their labels."""
    return table.without_label().to_csv().splitlines()


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


def percentage_error(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    """Mean absolute percentage error (MAPE) as a fraction of the true value."""
    return float((np.abs(predicted - true) / true).mean())
