"""InvokeEndpoint as it goes over the wire.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

MAXIMUM_BODY_BYTES = 6_291_456
"""Of a request and of a response."""


@dataclass(frozen=True, slots=True)
class InvocationRequest:
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
        )

    @property
    def addresses_more_than_a_model(self) -> bool:
        """Whether it names something that endpoints here do not have."""
        return bool(
            self.target_container_hostname or self.inference_component_name or self.session_id
        )


@dataclass(frozen=True, slots=True)
class InvocationResponse:
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
