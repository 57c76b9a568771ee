"""InvokeEndpoint as it goes over the wire.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

import uuid
from collections.abc import Mapping
from typing import NamedTuple

from localaws.containers.contract import ContainerResponse
from localaws.errors import AwsError
from localaws.hosting.specification import EndpointSpecification

MAXIMUM_BODY_BYTES = 6_291_456
"""Of a request and of a response."""


class InvocationRequest(NamedTuple):
    """One InvokeEndpoint call; an empty string stands for an absent header."""

    body: bytes
    content_type: str = ""
    accept: str = ""
    custom_attributes: str = ""
    target_model: str = ""
    target_variant: str = ""
    target_container_hostname: str = ""
    inference_component_name: str = ""
    session_id: str = ""
    inference_id: str = ""

    @classmethod
    def from_http(cls, headers: Mapping[str, str], body: bytes) -> "InvocationRequest":
        """Read the headers (names in lower case) of POST /endpoints/{name}/invocations."""
        get = headers.get
        return cls(
            body=body,
            content_type=get("content-type", ""),
            accept=get("accept", ""),
            custom_attributes=get("x-amzn-sagemaker-custom-attributes", ""),
            target_model=get("x-amzn-sagemaker-target-model", ""),
            target_variant=get("x-amzn-sagemaker-target-variant", ""),
            target_container_hostname=get("x-amzn-sagemaker-target-container-hostname", ""),
            inference_component_name=get("x-amzn-sagemaker-inference-component", ""),
            session_id=get("x-amzn-sagemaker-session-id", ""),
            inference_id=get("x-amzn-sagemaker-inference-id", ""),
        )

    @property
    def addresses_more_than_a_model(self) -> bool:
        """Whether it names something that endpoints here do not have."""
        return bool(
            self.target_container_hostname or self.inference_component_name or self.session_id
        )


class InvocationResponse(NamedTuple):
    """The answer of an endpoint."""

    body: bytes
    content_type: str
    invoked_production_variant: str
    custom_attributes: str = ""

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The response headers, as ASGI takes them."""
        headers = [
            (b"content-type", self.content_type.encode()),
            (b"x-amzn-invoked-production-variant", self.invoked_production_variant.encode()),
        ]
        if self.custom_attributes:
            attributes = self.custom_attributes.encode()
            headers.append((b"x-amzn-sagemaker-custom-attributes", attributes))
        return headers


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


MAXIMUM_HEADER_CHARACTERS = 1024
MAXIMUM_INFERENCE_ID = 64


def check_request(endpoint_name: str, is_multi_model: bool, request: InvocationRequest) -> None:
    """Raise ``AwsError`` where the platform would."""
    if len(request.body) > MAXIMUM_BODY_BYTES:
        raise _constraint("body", f"have length less than or equal to {MAXIMUM_BODY_BYTES}")
    _check_headers(
        contentType=request.content_type,
        accept=request.accept,
        customAttributes=request.custom_attributes,
        targetModel=request.target_model,
    )
    if len(request.inference_id) > MAXIMUM_INFERENCE_ID:
        raise _constraint("inferenceId", f"have at most {MAXIMUM_INFERENCE_ID} characters")
    if is_multi_model and not request.target_model:
        raise validation_error(f"Request {uuid.uuid4()} is missing a target model header.")
    if request.target_model and not is_multi_model:
        raise target_model_not_supported(endpoint_name)
    if request.addresses_more_than_a_model:
        raise _not_there(endpoint_name, request)


def check_response(response: ContainerResponse) -> None:
    """Raise ``AwsError`` for a response that cannot go back to the client."""
    if len(response.body) > MAXIMUM_BODY_BYTES:
        raise validation_error(
            f"The response has {len(response.body)} bytes, which has exceeded the maximum limit of "
            f"{MAXIMUM_BODY_BYTES} bytes."
        )
    _check_headers(contentType=response.content_type, customAttributes=response.custom_attributes)


def _check_headers(**members: str) -> None:
    together = "".join(members.values())
    if len(together) <= MAXIMUM_HEADER_CHARACTERS and _is_printable(together):
        return
    for member, value in members.items():
        _check_header(member, value)


def _check_header(member: str, value: str) -> None:
    if len(value) > MAXIMUM_HEADER_CHARACTERS:
        limit = f"have length less than or equal to {MAXIMUM_HEADER_CHARACTERS}"
        raise _constraint(member, limit)
    if not _is_printable(value):
        raise _constraint(member, r"satisfy regular expression pattern: \p{Print}*")


def _is_printable(value: str) -> bool:
    """False for line ends, too, which would start a header of their own."""
    return value.isascii() and value.isprintable()


def _not_there(endpoint_name: str, request: InvocationRequest) -> AwsError:
    if request.inference_component_name:
        return validation_error(
            f"Endpoint {endpoint_name} has no inference components; remove the header "
            "X-Amzn-SageMaker-Inference-Component."
        )
    if request.target_container_hostname:
        return validation_error(
            f"Endpoint {endpoint_name} is not a multi-container endpoint with direct invocation "
            "and does not support target container hostname header."
        )
    return validation_error(f"Endpoint {endpoint_name} does not support stateful sessions.")


def _constraint(member: str, rule: str) -> AwsError:
    return validation_error(
        f"1 validation error detected: Value at '{member}' failed to satisfy constraint: "
        f"Member must {rule}"
    )
