"""The errors of InvokeEndpoint, in SageMaker Runtime's words.

Codes and members: botocore's model of ``sagemaker-runtime``. Texts: as public reports quote them.
"""

from localaws.errors import AwsError
from localaws.hosting.specification import EndpointSpecification


def endpoint_not_found(name: str, account_id: str) -> AwsError:
    """Also for an endpoint that is not in service yet (amazon-sagemaker-examples issue 293)."""
    return validation_error(f"Endpoint {name} of account {account_id} not found.")


def validation_error(message: str) -> AwsError:
    """A request that the runtime refuses; its code differs from the control plane's."""
    return AwsError("ValidationError", message)


def target_model_not_supported(endpoint_name: str) -> AwsError:
    """A target model for an endpoint without one (amazon-sagemaker-examples issue 1026)."""
    return AwsError(
        "ValidationError",
        f"Endpoint {endpoint_name} is not a multi-model endpoint and does not support target model "
        "header.",
        fields={"ErrorCode": "TARGET_MODEL_HEADER_NOT_SUPPORTED"},
    )


def model_not_ready(target_model: str) -> AwsError:
    """The model's first load takes longer than an invocation may wait."""
    return AwsError(
        "ModelNotReadyException",
        f"Model {target_model} is not ready for inference yet: it is being downloaded or loaded.",
        status=429,
    )


def model_error(
    endpoint: EndpointSpecification, container: str, status: int, message: str
) -> AwsError:
    """A container answered an error."""
    side = "client" if 400 <= status < 500 else "server"
    text = f'Received {side} error ({status}) from {container} with message "{message}"'
    return _model_error(endpoint, text, status, message)


def model_timeout(endpoint: EndpointSpecification, container: str) -> AwsError:
    """A container did not answer in time."""
    return model_error(
        endpoint,
        container,
        0,
        f"Your invocation timed out while waiting for a response from container {container}. "
        "Review the latency metrics for each container in Amazon CloudWatch, resolve the issue, "
        "and try again.",
    )


def payload_between_containers_too_large(
    endpoint: EndpointSpecification, sender: str, receiver: str, size: int
) -> AwsError:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/inference-pipeline-troubleshoot.html."""
    text = (
        f"Received response from {sender} with status code 200. However, the request payload from "
        f"{sender} to {receiver} is {size} bytes, which has exceeded the maximum limit of 5 MB"
    )
    return _model_error(endpoint, text, 200, text)


def _model_error(endpoint: EndpointSpecification, text: str, status: int, message: str) -> AwsError:
    account_id, region = endpoint.scope.account_id, endpoint.scope.region
    group = endpoint.log_group
    console = (
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
        f"#logEventViewer:group={group}"
    )
    return AwsError(
        "ModelError",
        f"{text}. See {console} in account {account_id} for more information.",
        status=424,
        fields={
            "OriginalStatusCode": status,
            "OriginalMessage": message,
            "LogStreamArn": f"arn:aws:logs:{region}:{account_id}:log-group:{group}",
        },
    )
