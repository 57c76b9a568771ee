"""What InvokeEndpoint refuses: of a request before a container sees it, and of a response."""

import uuid

from localaws.containers.base import ContainerResponse
from localaws.hosting.errors import target_model_not_supported, validation_error
from localaws.hosting.invocation import MAXIMUM_BODY_BYTES, InvocationRequest

MAXIMUM_HEADER_CHARACTERS = 1024


def check_request(endpoint_name: str, is_multi_model: bool, request: InvocationRequest) -> None:
    """Raise ``AwsError`` where the platform would.

    Lengths and characters as in botocore's model of ``sagemaker-runtime``.
    """
    if len(request.body) > MAXIMUM_BODY_BYTES:
        raise _constraint("body", f"have length less than or equal to {MAXIMUM_BODY_BYTES}")
    for member, value in (
        ("contentType", request.content_type),
        ("accept", request.accept),
        ("customAttributes", request.custom_attributes),
        ("targetModel", request.target_model),
    ):
        if len(value) > MAXIMUM_HEADER_CHARACTERS:
            limit = f"have length less than or equal to {MAXIMUM_HEADER_CHARACTERS}"
            raise _constraint(member, limit)
        if value and not (value.isascii() and value.isprintable()):
            raise _constraint(member, r"satisfy regular expression pattern: \p{ASCII}*")
    if request.inference_component_name:
        raise validation_error(
            f"Endpoint {endpoint_name} has no inference components; remove the header "
            "X-Amzn-SageMaker-Inference-Component."
        )
    if request.target_container_hostname:
        raise validation_error(
            f"Endpoint {endpoint_name} is not a multi-container endpoint with direct invocation "
            "and does not support target container hostname header."
        )
    if request.session_id:
        raise validation_error(f"Endpoint {endpoint_name} does not support stateful sessions.")
    if is_multi_model and not request.target_model:
        raise validation_error(f"Request {uuid.uuid4()} is missing a target model header.")
    if request.target_model and not is_multi_model:
        raise target_model_not_supported(endpoint_name)


def check_response(response: ContainerResponse) -> None:
    """Raise ``AwsError`` when the last container answered too much."""
    size = len(response.body)
    if size > MAXIMUM_BODY_BYTES:
        raise validation_error(
            f"The response has {size} bytes, which has exceeded the maximum limit of "
            f"{MAXIMUM_BODY_BYTES} bytes."
        )


def _constraint(member: str, rule: str) -> Exception:
    return validation_error(
        f"1 validation error detected: Value at '{member}' failed to satisfy constraint: "
        f"Member must {rule}"
    )
