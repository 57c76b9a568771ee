"""Asks the endpoint for prices."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from botocore.config import Config
from numpy.typing import NDArray

from training.houses import Houses

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

HOUSES_PER_REQUEST = 1000
"""A house is about 100 bytes on the way in and 200 between the containers, which take 5 MB."""
# A cold model answers within 60 seconds or not at all, see
# https://docs.aws.amazon.com/sagemaker/latest/dg/invoke-multi-model-endpoint.html
READ_TIMEOUT_SECONDS = 70


@dataclass(frozen=True)
class Prediction:
    """Predicted prices in dollars, shape (n,), and what each request took in seconds."""

    prices: NDArray[np.float64]
    seconds: tuple[float, ...]


def runtime_client(session: "boto3.Session") -> "SageMakerRuntimeClient":
    """A client that waits for a cold model and tries again while one is being loaded."""
    # ModelNotReadyException (429) is retried by this mode alone.
    config = Config(
        read_timeout=READ_TIMEOUT_SECONDS, retries={"mode": "legacy", "max_attempts": 5}
    )
    return session.client("sagemaker-runtime", config=config)


def predict(
    client: "SageMakerRuntimeClient", endpoint_name: str, target_model: str, houses: Houses
) -> Prediction:
    """The prices that a model predicts, house by house."""
    lines = houses.without_price().to_csv().splitlines(keepends=True)
    prices: list[float] = []
    seconds: list[float] = []
    for begin in range(0, len(lines), HOUSES_PER_REQUEST):
        body = "".join(lines[begin : begin + HOUSES_PER_REQUEST])
        started = time.perf_counter()
        answer = client.invoke_endpoint(
            EndpointName=endpoint_name,
            TargetModel=target_model,
            ContentType="text/csv",
            Accept="application/json",
            Body=body.encode(),
        )
        scores = _scores(answer["Body"].read())
        seconds.append(time.perf_counter() - started)
        prices += scores
    return Prediction(np.array(prices), tuple(seconds))


def _scores(body: bytes) -> Sequence[float]:
    return [prediction["score"] for prediction in json.loads(body)["predictions"]]


def endpoint_preprocessor(client: "SageMakerClient", endpoint_name: str) -> str | None:
    """The model data URL of the first container behind the endpoint."""
    config_name = client.describe_endpoint(EndpointName=endpoint_name)["EndpointConfigName"]
    config = client.describe_endpoint_config(EndpointConfigName=config_name)
    model_name = config["ProductionVariants"][0]["ModelName"]
    containers = client.describe_model(ModelName=model_name).get("Containers", [])
    return containers[0].get("ModelDataUrl") if containers else None


def absolute_error(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    """Mean absolute error (MAE) in dollars."""
    return float(np.abs(predicted - true).mean())


def percentage_error(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    """Mean absolute percentage error (MAPE) as a fraction of the true price."""
    return float((np.abs(predicted - true) / true).mean())
