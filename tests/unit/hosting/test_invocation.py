from hypothesis import given
from hypothesis import strategies as st

from localaws.hosting.invocation import InvocationRequest, InvocationResponse

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


def test_headers_that_are_absent_are_empty() -> None:
    assert InvocationRequest.from_http({}, b"x") == InvocationRequest(b"x")


@given(
    content_type=TEXT, accept=TEXT, custom_attributes=TEXT, target_model=TEXT, target_variant=TEXT
)
def test_headers_become_members(
    content_type: str, accept: str, custom_attributes: str, target_model: str, target_variant: str
) -> None:
    headers = {
        "content-type": content_type,
        "accept": accept,
        "x-amzn-sagemaker-custom-attributes": custom_attributes,
        "x-amzn-sagemaker-target-model": target_model,
        "x-amzn-sagemaker-target-variant": target_variant,
        "authorization": "none of the container's business",
    }
    assert InvocationRequest.from_http(headers, b"x") == InvocationRequest(
        b"x", content_type, accept, custom_attributes, target_model, target_variant
    )


def test_the_answer_names_its_variant() -> None:
    response = InvocationResponse(b"", "application/json", "AllTraffic")
    assert response.headers() == [
        (b"content-type", b"application/json"),
        (b"x-amzn-invoked-production-variant", b"AllTraffic"),
    ]


def test_custom_attributes_are_a_header_where_there_are_any() -> None:
    response = InvocationResponse(b"", "text/csv", "AllTraffic", custom_attributes="trace=1")
    assert (b"x-amzn-sagemaker-custom-attributes", b"trace=1") in response.headers()
