from tests.unit.hosting.platform import FIRST, SECOND, Platform, answering, endpoint, variant


def test_each_container_gets_the_answer_of_the_one_before(pipeline: Platform) -> None:
    assert pipeline.invoke(b"1,2").body == b"a:scaler:1,2"


def test_the_first_container_gets_the_callers_content_type_and_the_next_that_of_the_answer(
    pipeline: Platform,
) -> None:
    pipeline.first.answer = lambda _: answering(b"{}", "application/json")
    pipeline.invoke(content_type="text/csv")
    assert pipeline.first.requests[0].content_type == "text/csv"
    assert pipeline.second.requests[0].content_type == "application/json"


def test_the_callers_accept_is_for_the_last_container(pipeline: Platform) -> None:
    pipeline.invoke(accept="application/jsonlines")
    assert pipeline.first.requests[0].accept == ""
    assert pipeline.second.requests[0].accept == "application/jsonlines"


def test_only_the_multi_model_container_sees_the_target_model(pipeline: Platform) -> None:
    pipeline.invoke(target_model="b.tar.gz")
    assert pipeline.first.requests[0].target_model == ""
    assert pipeline.second.requests[0].target_model == "b.tar.gz"


def test_custom_attributes_reach_the_containers_and_come_back(pipeline: Platform) -> None:
    pipeline.second.answer = lambda request: answering(custom_attributes=request.custom_attributes)
    assert pipeline.invoke(custom_attributes="trace=1").custom_attributes == "trace=1"


def test_the_answer_names_the_variant_and_the_content_type(pipeline: Platform) -> None:
    response = pipeline.invoke()
    assert (response.invoked_production_variant, response.content_type) == (
        "AllTraffic",
        "text/plain",
    )


def test_what_goes_between_containers_is_bounded_to_5_mb(pipeline: Platform) -> None:
    pipeline.first.answer = lambda _: answering(bytes(6_000_000))
    error = pipeline.refusal()
    assert error.code == "ModelError"
    assert (
        "the request payload from container-1 to container-2 is 6000000 bytes, which has "
        "exceeded the maximum limit of 5 MB" in error.message
    )


# Target models


def test_a_multi_model_endpoint_wants_a_target_model(pipeline: Platform) -> None:
    error = pipeline.refusal(target_model="")
    assert (error.code, error.status) == ("ValidationError", 400)
    assert "is missing a target model header" in error.message


def test_an_endpoint_of_one_model_wants_none(platform: Platform) -> None:
    platform.runtime.deploy(endpoint(variant(FIRST)))
    error = platform.refusal(target_model="a.tar.gz")
    assert error.message == (
        "Endpoint housing is not a multi-model endpoint and does not support target model header."
    )


def test_an_endpoint_of_one_model_answers_without(platform: Platform) -> None:
    platform.runtime.deploy(endpoint(variant(FIRST)))
    assert platform.invoke(target_model="").body == b"scaler:1,2"


def test_the_multi_model_container_can_come_first(platform: Platform) -> None:
    platform.runtime.deploy(endpoint(variant(SECOND, FIRST)))
    assert platform.invoke(target_model="b.tar.gz").body == b"scaler:b:1,2"
