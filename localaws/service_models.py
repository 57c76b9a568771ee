"""botocore's models of services, read without its clients, which take a second to import."""

from collections.abc import Mapping
from functools import cache

from botocore.loaders import Loader
from botocore.model import ServiceModel

BOTOCORE_NAMES = {
    "apigateway": "apigateway",
    "application-autoscaling": "application-autoscaling",
    "cloudformation": "cloudformation",
    "cloudtrail": "cloudtrail",
    "cognito-idp": "cognito-idp",
    "dynamodb": "dynamodb",
    "ecr": "ecr",
    "events": "events",
    "iam": "iam",
    "kms": "kms",
    "lambda": "lambda",
    "logs": "logs",
    "monitoring": "cloudwatch",
    "s3": "s3",
    "sagemaker": "sagemaker",
    "scheduler": "scheduler",
    "servicequotas": "service-quotas",
    "sns": "sns",
    "sqs": "sqs",
    "ssm": "ssm",
    "states": "stepfunctions",
    "sts": "sts",
    "tagging": "resourcegroupstaggingapi",
}
"""botocore's name of each service that answers here, by the name that requests are signed for."""


@cache
def service_model(service: str) -> ServiceModel:
    """The operations and shapes of a service, by botocore's name; it takes a third of a second."""
    return ServiceModel(_loader().load_service_model(service, "service-2"), service)


@cache
def error_codes(service: str) -> Mapping[str, str]:
    """The codes on the wire of a service's exceptions, by the exceptions' names."""
    shapes = service_model(service).error_shapes
    return {shape.name: shape.metadata.get("error", {}).get("code", shape.name) for shape in shapes}


@cache
def _loader() -> Loader:
    """One for all, for it looks through hundreds of folders the first time."""
    return Loader()
