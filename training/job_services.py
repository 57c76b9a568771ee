"""Training and transform jobs as ``training.jobs`` uses them, through the SageMaker API."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from training.job import JobState, Status

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


class TrainingJobs:
    """Training jobs of the SageMaker API."""

    def __init__(self, client: "SageMakerClient") -> None:
        self._client = client

    def create(self, name: str, request: Mapping[str, Any]) -> None:
        self._client.create_training_job(TrainingJobName=name, **request)

    def describe(self, name: str) -> JobState | None:
        try:
            answer = self._client.describe_training_job(TrainingJobName=name)
        except ClientError as error:
            if _is_not_found(error):
                return None
            raise
        status = Status(answer["TrainingJobStatus"])
        return JobState(status, answer.get("FailureReason", ""), dict(answer))

    def stop(self, name: str) -> None:
        self._client.stop_training_job(TrainingJobName=name)


class TransformJobs:
    """Batch transform jobs of the SageMaker API.

    ``make_model`` makes the model that a job is to use, if it is not there: another program that
    runs the same job deletes it when it is done.
    """

    def __init__(self, client: "SageMakerClient", make_model: Callable[[], None]) -> None:
        self._client = client
        self._make_model = make_model

    def create(self, name: str, request: Mapping[str, Any]) -> None:
        self._make_model()
        try:
            self._client.create_transform_job(TransformJobName=name, **request)
        except ClientError as error:
            if "Could not find model" not in str(error):
                raise
            self._make_model()
            self._client.create_transform_job(TransformJobName=name, **request)

    def describe(self, name: str) -> JobState | None:
        try:
            answer = self._client.describe_transform_job(TransformJobName=name)
        except ClientError as error:
            if _is_not_found(error):
                return None
            raise
        status = Status(answer["TransformJobStatus"])
        return JobState(status, answer.get("FailureReason", ""), dict(answer))

    def stop(self, name: str) -> None:
        self._client.stop_transform_job(TransformJobName=name)


def _is_not_found(error: ClientError) -> bool:
    # DescribeTrainingJob answers "ValidationException: Requested resource not found.";
    # DescribeTransformJob documents ResourceNotFound.
    code = error.response["Error"]["Code"]
    message = error.response["Error"].get("Message", "")
    return code == "ResourceNotFound" or "not found" in message or "Could not find" in message
