import asyncio
from typing import Any

import pytest

from localaws.errors import AwsError
from localaws.hosting.invocation import InvocationRequest
from localaws.testing.memory import SCOPE
from tests.unit.hosting.platform import FIRST, Platform, answering, endpoint, variant


def only(header: str, value: str) -> dict[str, Any]:
    return {header: value}


def test_a_body_of_6_mib_is_taken_and_a_larger_one_refused(pipeline: Platform) -> None:
    pipeline.first.answer = lambda _: answering(b"small")
    pipeline.invoke(bytes(6_291_456))
    error = pipeline.refusal(bytes(6_291_457))
    assert error.code == "ValidationError"
    assert "at 'body'" in error.message
    assert "less than or equal to 6291456" in error.message


@pytest.mark.parametrize("header", ["custom_attributes", "content_type", "accept"])
def test_headers_have_at_most_1024_characters(pipeline: Platform, header: str) -> None:
    pipeline.invoke(**only(header, "x" * 1024))
    assert "less than or equal to 1024" in pipeline.refusal(**only(header, "x" * 1025)).message


def test_a_target_model_with_control_characters_is_refused(pipeline: Platform) -> None:
    assert "at 'targetModel'" in pipeline.refusal(target_model="a\n.tar.gz").message


@pytest.mark.parametrize(
    "header", ["target_container_hostname", "inference_component_name", "session_id"]
)
def test_what_the_endpoint_does_not_have_cannot_be_addressed(
    pipeline: Platform, header: str
) -> None:
    assert pipeline.refusal(**only(header, "x")).code == "ValidationError"


def test_an_unknown_endpoint_is_not_found(platform: Platform) -> None:
    error = platform.refusal()
    assert (error.code, error.message) == (
        "ValidationError",
        "Endpoint housing of account 123456789012 not found.",
    )


def test_the_case_of_the_name_matters(pipeline: Platform) -> None:
    with pytest.raises(AwsError, match="Endpoint Housing of account"):
        asyncio.run(
            pipeline.runtime.invoke(
                SCOPE, "Housing", InvocationRequest(b"", target_model="a.tar.gz")
            )
        )


def test_a_response_above_6_mib_is_refused(platform: Platform) -> None:
    platform.runtime.deploy(endpoint(variant(FIRST)))
    platform.first.answer = lambda _: answering(bytes(6_291_457))
    assert "6291457 bytes" in platform.refusal(target_model="").message


@pytest.mark.parametrize("value", ["text/plain\r\nX-Other: 1", "größe", "x" * 1025])
def test_a_container_cannot_write_headers_of_its_own(pipeline: Platform, value: str) -> None:
    pipeline.second.answer = lambda _: answering(content_type=value)
    assert "at 'contentType'" in pipeline.refusal().message
    pipeline.second.answer = lambda _: answering(custom_attributes=value)
    assert "at 'customAttributes'" in pipeline.refusal().message
