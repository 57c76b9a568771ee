"""Calls as CloudTrail's records tell them.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from localaws.admission.reading import Call, HttpRequest, read_call
from localaws.authorization import Identity
from localaws.backend import Scope
from localaws.errors import AwsError
from localaws.service_models import BOTOCORE_NAMES, service_model

VERSION = "1.11"
ENDPOINT_TYPE = "AWS::SageMaker::Endpoint"
HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
LONGEST_PARAMETERS = 100_000
"""Characters; longer ones are left out."""
_READING = ("Get", "List", "Describe", "Head", "Lookup", "Simulate", "Filter", "Query", "Scan")
_RESOURCES = {
    "bucket": "AWS::S3::Bucket",
    "bucketName": "AWS::S3::Bucket",
    "s3BucketName": "AWS::S3::Bucket",
    "endpointName": ENDPOINT_TYPE,
    "endpointConfigName": "AWS::SageMaker::EndpointConfig",
    "modelName": "AWS::SageMaker::Model",
    "roleArn": "AWS::IAM::Role",
    "roleName": "AWS::IAM::Role",
    "stackName": "AWS::CloudFormation::Stack",
}
"""The types of the resources that requests name, by the names of the parameters."""
_DATA = {
    "dynamodb": (
        *("Batch", "DeleteItem", "Execute", "GetItem", "PutItem", "Query", "Scan", "Transact"),
        "UpdateItem",
    ),
    "events": ("PutEvents",),
    "lambda": ("Invoke",),
    "logs": ("PutLogEvents",),
    "monitoring": ("PutMetricData", "GetMetric"),
    "sns": ("Publish",),
}
"""Operations on data, by how they begin: data events, of which none but invocations of endpoints
are recorded here."""

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was answered.

    ``service`` is the name that it was signed for; ``endpoint_arn`` tells an invocation; ``answer``
    is the body of the response.
    """

    at: float
    scope: Scope
    identity: Identity
    access_key_id: str
    service: str
    request: HttpRequest
    request_id: str
    status: int
    answer: bytes = b""
    error: AwsError | None = None
    endpoint_arn: str = ""


def is_management(service: str, path: str, operation: str) -> bool:
    """Whether a request is a management event, as far as a glance tells."""
    if service == "s3":
        return "/" not in path.strip("/")  # else it names an object
    return not operation.startswith(_DATA.get(service, ()) or ("\n",))


def record_of(asked: Asked) -> Record | None:
    """The record of a call; None for one that is none of its service's operations."""
    if asked.endpoint_arn:
        account = asked.scope.account_id
        # docs.aws.amazon.com/sagemaker/latest/dg/logging-using-cloudtrail.html: no parameters.
        return _record(asked, "InvokeEndpoint", None, None, read_only=True) | {
            "resources": [{"accountId": account, "type": ENDPOINT_TYPE, "ARN": asked.endpoint_arn}],
            "managementEvent": False,
            "eventCategory": "Data",
        }
    call = _call(asked)
    if call is None or not is_management(asked.service, asked.request.path, call.operation):
        return None
    if asked.service == "s3" and "Object" in call.operation:
        return None
    read_only = call.operation.startswith(_READING)
    parameters = shown(call.shape, call.parameters) if call.parameters else None
    if len(json.dumps(parameters, default=str)) > LONGEST_PARAMETERS:
        parameters = None
    answered = None if read_only or asked.status >= 400 else _answered(call, asked.answer)
    return _record(asked, call.operation, parameters, answered, read_only=read_only) | {
        "managementEvent": True,
        "eventCategory": "Management",
    }


def resources_of(record: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """What a record is about, as LookupEvents tells it."""
    for name, value in (record["requestParameters"] or {}).items():
        if name in _RESOURCES and isinstance(value, str):
            yield {"ResourceType": _RESOURCES[name], "ResourceName": value}


def user_name(record: Mapping[str, Any]) -> str:
    """Whose call it was, as LookupEvents tells it: a user's or a session's name."""
    identity = record["userIdentity"]
    name = identity.get("userName") or identity.get("arn", "").rpartition("/")[2]
    return str(name)


def _call(asked: Asked) -> Call | None:
    model = BOTOCORE_NAMES.get(asked.service)
    if model is None:
        return None
    try:
        return read_call(model, asked.request)
    except AwsError:
        return None


def _record(asked: Asked, name: str, parameters: Any, answered: Any, *, read_only: bool) -> Record:
    error = asked.error or (_error(asked.answer) if asked.status >= 400 else None)
    failed = {"errorCode": error.code, "errorMessage": error.message} if error else {}
    return {
        "eventVersion": VERSION,
        "userIdentity": _user_identity(asked.identity, asked.access_key_id),
        "eventTime": _time(asked.at),
        "eventSource": f"{asked.service}.amazonaws.com",
        "eventName": name,
        "awsRegion": asked.scope.region,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": asked.request.headers.get("user-agent", ""),
        **failed,
        "requestParameters": parameters,
        "responseElements": answered,
        "requestID": asked.request_id,
        "eventID": str(uuid.uuid4()),
        "readOnly": read_only,
        "eventType": "AwsApiCall",
        "recipientAccountId": asked.scope.account_id,
    }


def _user_identity(identity: Identity, access_key_id: str) -> dict[str, Any]:
    principal, context = identity.principal, identity.context
    kind, user_id = str(context.get("aws:PrincipalType", "")), str(context.get("aws:userid", ""))
    known = {
        "type": "IAMUser" if kind == "User" else kind,
        "principalId": user_id,
        "arn": principal.arn,
        "accountId": principal.account_id,
        "accessKeyId": access_key_id,
    }
    if principal.role_arn is None:
        return known | {"userName": principal.arn.rpartition("/")[2]}
    return known | {
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": user_id.partition(":")[0],
                "arn": principal.role_arn,
                "accountId": principal.account_id,
                "userName": principal.role_arn.rpartition("/")[2],
            },
            "attributes": {
                "creationDate": context.get("aws:TokenIssueTime", ""),
                "mfaAuthenticated": "false",
            },
        }
    }


def _answered(call: Call, answer: bytes) -> Any:
    """The members of an answer in JSON; of other protocols it is left out."""
    shape = service_model(call.service).operation_model(call.operation).output_shape
    try:
        content = json.loads(answer)
    except ValueError:
        return None
    return shown(shape, content) if content and isinstance(content, dict) else None


def _error(answer: bytes) -> AwsError:
    text = answer.decode("utf-8", "replace")
    try:
        content = json.loads(text)
        code = str(content.get("__type") or content.get("code") or "")
        return AwsError(code.rpartition("#")[2], str(content.get("message", "")))
    except (ValueError, AttributeError):
        return AwsError(_element(text, "Code"), _element(text, "Message"))


def _element(text: str, name: str) -> str:
    return text.partition(f"<{name}>")[2].partition(f"</{name}>")[0]


def shown(shape: Shape | None, value: Any) -> Any:
    """A value as records show it: names in lower camel case, what is sensitive hidden."""
    if shape is not None and shape.metadata.get("sensitive"):
        return HIDDEN
    match value:
        case dict() if isinstance(shape, MapShape):
            return {key: shown(shape.value, member) for key, member in value.items()}
        case dict():
            members = shape.members if isinstance(shape, StructureShape) else {}
            return {_lower(k): shown(members.get(k), member) for k, member in value.items()}
        case list():
            item = shape.member if isinstance(shape, ListShape) else None
            return [shown(item, member) for member in value]
        case bytes():
            return HIDDEN
    return value


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
