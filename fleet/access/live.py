"""Really assume each role and really invoke each model."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError

from fleet.access.matrix import INVOKE, INVOKE_ASYNC, Cell, Matrix, Question, Row, Subject

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

DENIED = {"AccessDenied", "AccessDeniedException"}
# Answers of callers who were allowed: the model is not there, or it did not like the row.
REACHED = {"ValidationError", "ModelError", "ModelNotReadyException", "InternalDependencyException"}


@dataclass(frozen=True)
class LiveCell:
    """What really happened, beside what the policies say; ``allowed`` None when it did not tell."""

    subject: Subject
    cell: Cell
    allowed: bool | None
    answer: str

    @property
    def agrees(self) -> bool:
        return self.allowed is None or self.allowed is self.cell.decision.allowed


def invoke_all(session: "boto3.Session", matrix: Matrix, body: bytes) -> Iterator[LiveCell]:
    """Send this row to every cell's model, as its session.

    A role that this caller cannot assume gives one cell that tells nothing.
    """
    for row in matrix.rows:
        if not row.subject.target_models:
            continue
        try:
            client = _client_of(session, row.subject)
        except ClientError as error:
            yield LiveCell(row.subject, row.cells[0], None, f"not assumed: {_code(error)}")
            continue
        yield from _row_cells(client, row, body)


def _client_of(session: "boto3.Session", subject: Subject) -> "SageMakerRuntimeClient":
    request: dict[str, Any] = {
        "RoleArn": subject.role.arn,
        "RoleSessionName": "access-check",
        "Tags": [{"Key": key, "Value": value} for key, value in subject.session_tags.items()],
    }
    if subject.external_id:
        request["ExternalId"] = subject.external_id
    keys = session.client("sts").assume_role(**request)["Credentials"]
    return session.client(
        "sagemaker-runtime",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=Config(retries={"max_attempts": 3}, read_timeout=70),
    )


def _row_cells(client: "SageMakerRuntimeClient", row: Row, body: bytes) -> Iterator[LiveCell]:
    for cell in row.cells:
        try:
            _invoke(client, cell.question, body)
        except ClientError as error:
            code = _code(error)
            if code in DENIED:
                yield LiveCell(row.subject, cell, False, code)
            else:
                yield LiveCell(row.subject, cell, True if code in REACHED else None, code)
        else:
            yield LiveCell(row.subject, cell, True, "invoked")


def _invoke(client: "SageMakerRuntimeClient", question: Question, body: bytes) -> None:
    endpoint = question.resource.rpartition("/")[2]
    if question.action == INVOKE_ASYNC:
        client.invoke_endpoint_async(EndpointName=endpoint, InputLocation="s3://none/none.csv")
        return
    if question.action != INVOKE:
        client.invoke_endpoint_with_response_stream(EndpointName=endpoint, Body=body)
        return
    target = {} if question.target_model is None else {"TargetModel": question.target_model}
    client.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=body, **target)


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]
