"""The function behind ``TenantBroker``: invokes the models of one tenant, as that tenant.

It stands alone: Lambda's Python runtime has boto3 and nothing of this library. The tenant is taken
from what the authorizer of API Gateway found in the caller's token, never from what the caller
sends; the model is the rest of the path. Even a fault here could not reach another tenant's model:
each tenant has a session of its own, whose tag decides which target models SageMaker lets it name.
"""

import base64
import json
import os
import re
import time
from collections import OrderedDict
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""What a tenant may be called: no slash and no wildcard, so that a tag is one folder's name."""
MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*\.tar\.gz")
MAX_SESSIONS = 256
SESSION_SECONDS = 900
RENEWED_SECONDS = 60
"""A session is renewed that long before it ends."""
STATUS = {
    "AccessDeniedException": 403,
    "ModelNotReadyException": 503,
    "ServiceUnavailable": 503,
    "ThrottlingException": 429,
    "ValidationError": 400,
}
"""What the caller is told for an error of InvokeEndpoint; 502 for all others."""
READ_SECONDS = 25  # API Gateway gives up after 29

_sts = boto3.client("sts")
_sessions: OrderedDict[str, tuple[float, Any]] = OrderedDict()


class RefusedError(Exception):
    """A request that does not reach the endpoint."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer a request that API Gateway passes on whole."""
    try:
        tenant = _tenant(event)
        target_model = f"{tenant}/{_model(event, tenant)}"
        return _invoke(_client(tenant), target_model, event)
    except RefusedError as refused:
        return _answer(refused.status, {"message": str(refused)})
    except ClientError as error:
        return _failure(error)


def _tenant(event: dict[str, Any]) -> str:
    """Out of a Cognito authorizer's claims, or a Lambda authorizer's context.

    Raises
    ------
    RefusedError
        It names no tenant.
    """
    found = (event.get("requestContext") or {}).get("authorizer") or {}
    tenant = (found.get("claims") or found).get(os.environ["TENANT_CLAIM"])
    if not isinstance(tenant, str) or not TENANT.fullmatch(tenant):
        raise RefusedError(403, "The token names no tenant.")
    return tenant


def _model(event: dict[str, Any], tenant: str) -> str:
    model = (event.get("pathParameters") or {}).get("model") or f"{tenant}.tar.gz"
    if not MODEL.fullmatch(model) or ".." in model:
        raise RefusedError(400, "The path is no model's name, such as name.tar.gz.")
    return str(model)


def _client(tenant: str) -> Any:
    """A client with the tenant's own session; the least recently used sessions are dropped."""
    ends, client = _sessions.pop(tenant, (0.0, None))
    if ends < time.time() + RENEWED_SECONDS:
        keys = _sts.assume_role(
            RoleArn=os.environ["TENANT_ROLE_ARN"],
            RoleSessionName=tenant,
            Tags=[{"Key": os.environ["TAG_KEY"], "Value": tenant}],
            DurationSeconds=SESSION_SECONDS,
        )["Credentials"]
        ends = keys["Expiration"].timestamp()
        client = boto3.client(
            "sagemaker-runtime",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            config=Config(read_timeout=READ_SECONDS, retries={"total_max_attempts": 1}),
        )
    _sessions[tenant] = (ends, client)
    while len(_sessions) > MAX_SESSIONS:
        _sessions.popitem(last=False)
    return client


def _invoke(client: Any, target_model: str, event: dict[str, Any]) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    body = event.get("body") or ""
    answer = client.invoke_endpoint(
        EndpointName=os.environ["ENDPOINT_NAME"],
        TargetModel=target_model,
        ContentType=headers.get("content-type", "application/json"),
        Accept=headers.get("accept", "application/json"),
        Body=base64.b64decode(body) if event.get("isBase64Encoded") else body.encode(),
    )
    content = answer["Body"].read()
    sent = {"statusCode": 200, "headers": {"Content-Type": answer["ContentType"]}}
    try:
        return {**sent, "body": content.decode()}
    except UnicodeDecodeError:  # API Gateway decodes it for a caller that says what it accepts
        return {**sent, "isBase64Encoded": True, "body": base64.b64encode(content).decode()}


def _failure(error: ClientError) -> dict[str, Any]:
    """The container's own refusals are told; of the service's, only their kind."""
    response: dict[str, Any] = {**error.response}
    code = response["Error"]["Code"]
    if code == "ModelError":
        status = int(response.get("OriginalStatusCode", 502))
        told = status if 400 <= status < 500 else 502
        return _answer(told, {"message": str(response.get("OriginalMessage", code))})
    return _answer(STATUS.get(code, 502), {"message": code})


def _answer(status: int, content: dict[str, str]) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(content),
    }
