"""What InvokeEndpoint refuses: of a request before a container sees it, and of a response.

Lengths and characters as in botocore's model of ``sagemaker-runtime``.
"""

import uuid

from localaws.containers.base import ContainerResponse
from localaws.errors import AwsError
from localaws.hosting.errors import target_model_not_supported, validation_error
from localaws.hosting.invocation import MAXIMUM_BODY_BYTES, InvocationRequest

MAXIMUM_HEADER_CHARACTERS = 1024


def check_request(endpoint_name: str, is_multi_model: bool, request: InvocationRequest) -> None:
    """Raise ``AwsError`` where the platform would."""
    if len(request.body) > MAXIMUM_BODY_BYTES:
        raise _constraint("body", f"have length less than or equal to {MAXIMUM_BODY_BYTES}")
    _check_header("contentType", request.content_type)
    _check_header("accept", request.accept)
    _check_header("customAttributes", request.custom_attributes)
    _check_header("targetModel", request.target_model)
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
    _check_header("contentType", response.content_type)
    _check_header("customAttributes", response.custom_attributes)


def _check_header(member: str, value: str) -> None:
    if len(value) > MAXIMUM_HEADER_CHARACTERS:
        limit = f"have length less than or equal to {MAXIMUM_HEADER_CHARACTERS}"
        raise _constraint(member, limit)
    # isprintable is false for line ends, which would start a header of their own.
    if not (value.isascii() and value.isprintable()):
        raise _constraint(member, r"satisfy regular expression pattern: \p{Print}*")


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
