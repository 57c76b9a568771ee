"""What a Task state asks of which service.

https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.model import StructureShape

from localaws.admission.services.state_values import is_expression, schema
from localaws.service_models import service_model

_OPTIMIZED = frozenset(
    {"apigateway", "athena", "batch", "bedrock", "codebuild", "dynamodb", "ecs", "eks",
     "elasticmapreduce", "emr-containers", "emr-serverless", "events", "glue", "databrew", "http",
     "lambda", "mediaconvert", "sagemaker", "sns", "sqs", "states"}
)  # fmt: skip
_PATTERNS = ("", "sync", "sync:2", "waitForTaskToken")
"""https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html"""
_LIKE_THEIR_API = ("dynamodb", "lambda", "sagemaker", "sns")
"""Integrations whose parameters are those of the API, and whose models are read here anyway."""


def task_problems(state: Mapping[str, Any], path: str) -> Iterator[str]:
    """What is wrong with the resource of a task, and with what it is given."""
    resource = state.get("Resource")
    if not isinstance(resource, str) or not _is_resource(resource):
        yield schema(f"{path}/Resource", "Value is not a valid resource ARN")
        return
    service, _, api = resource.partition(":states:::")[2].partition(":")
    if service not in _LIKE_THEIR_API:
        return
    name, _, pattern = api.partition(".")
    shape = _input_of(service, name)
    if shape is None or pattern not in _PATTERNS:
        yield schema(f"{path}/Resource", f"The resource provided {resource} is not recognized")
        return
    for field in ("Parameters", "Arguments"):
        given = state.get(field)
        if isinstance(given, dict):
            yield from _parameter_problems(shape, given, f"{path}/{field}")


def _parameter_problems(shape: StructureShape, given: dict[str, Any], path: str) -> Iterator[str]:
    names = {name.removesuffix(".$") for name in given}
    for name in sorted(names - shape.members.keys()):
        yield schema(path, f"The field '{name}' is not supported by Step Functions")
    for name in shape.required_members:
        if name not in names:
            yield schema(path, f"The field '{name}' is required but was missing")


def _input_of(service: str, name: str) -> StructureShape | None:
    model = service_model(service)
    operation = name[:1].upper() + name[1:]
    if operation not in model.operation_names:
        return None
    return model.operation_model(operation).input_shape


def _is_resource(resource: str) -> bool:
    if is_expression(resource):
        return True
    parts = resource.split(":")
    if parts[0] != "arn" or len(parts) < 6:
        return False
    return parts[2] != "states" or parts[5] in ("activity", "aws-sdk") or parts[5] in _OPTIMIZED
