import asyncio
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from localaws.containers.base import ContainerRequest, ContainerResponse
from localaws.containers.registry import ContainerRegistry
from localaws.errors import AwsError
from localaws.hosting.endpoint import Capacity
from localaws.hosting.host import DeploymentError
from localaws.hosting.invocation import InvocationRequest, InvocationResponse
from localaws.hosting.runtime import Runtime
from localaws.hosting.settings import HostingSettings
from localaws.hosting.specification import (
    ContainerSpecification,
    EndpointSpecification,
    VariantSpecification,
)
from tests.unit.hosting.containers import ScriptedImage, wait_until
from tests.unit.memory_backend import BUCKET, ROLE, SCOPE, MemoryBackend, model_archive

GROUP = "/aws/sagemaker/Endpoints/housing"
DIMENSIONS = {"EndpointName": "housing", "VariantName": "AllTraffic"}
FIRST = ContainerSpecification("container-1", "first", f"s3://{BUCKET}/preprocessor/model.tar.gz")
SECOND = ContainerSpecification("container-2", "second", f"s3://{BUCKET}/models/", multi_model=True)


def variant(
    *containers: ContainerSpecification,
    name: str = "AllTraffic",
    count: int = 1,
    weight: float = 1.0,
) -> VariantSpecification:
    return VariantSpecification(
        name=name,
        model_name="model",
        execution_role_arn=ROLE,
        instance_type="ml.m5.xlarge",
        instance_count=count,
        weight=weight,
        containers=containers or (FIRST, SECOND),
    )


def endpoint(*variants: VariantSpecification, config: str = "config-1") -> EndpointSpecification:
    return EndpointSpecification(SCOPE, "housing", config, variants or (variant(),))


class Platform:
    """A runtime with two scripted images over S3 and CloudWatch in memory."""

    def __init__(self, directory: Path, settings: HostingSettings | None = None) -> None:
        self.backend = MemoryBackend()
        self.first, self.second = ScriptedImage("first"), ScriptedImage("second")
        objects = self.backend.s3.objects
        objects["preprocessor/model.tar.gz"] = model_archive({"model": b"scaler"})
        for name in "abcdef":
            objects[f"models/{name}.tar.gz"] = model_archive({"model": name.encode()})
        images = ContainerRegistry([self.first, self.second])
        self.runtime = Runtime(directory, self.backend, images, settings)

    def invoke(
        self, body: bytes = b"1,2", target_model: str = "a.tar.gz", **headers: str
    ) -> InvocationResponse:
        return asyncio.run(self.invoke_async(body, target_model, **headers))

    async def invoke_async(
        self, body: bytes = b"1,2", target_model: str = "a.tar.gz", **headers: str
    ) -> InvocationResponse:
        request = InvocationRequest(body, target_model=target_model, **headers)
        return await self.runtime.invoke(SCOPE, "housing", request)

    def refusal(
        self, body: bytes = b"1,2", target_model: str = "a.tar.gz", **headers: str
    ) -> AwsError:
        with pytest.raises(AwsError) as caught:
            self.invoke(body, target_model, **headers)
        return caught.value

    def metric(self, name: str, **dimensions: str) -> list[float]:
        self.runtime.flush()
        return self.backend.values("AWS/SageMaker", name, DIMENSIONS | dimensions)

    def instance_metric(self, name: str) -> list[float]:
        self.runtime.flush()
        return self.backend.values("/aws/sagemaker/Endpoints", name, DIMENSIONS)


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    platform = Platform(tmp_path)
    yield platform
    platform.runtime.stop()


@pytest.fixture
def pipeline(platform: Platform) -> Platform:
    platform.runtime.deploy(endpoint())
    return platform


def answering(
    body: bytes = b"", content_type: str = "", status: int = 200, custom_attributes: str = ""
) -> ContainerResponse:
    return ContainerResponse(body, content_type, status, custom_attributes)


def only(header: str, value: str) -> dict[str, Any]:
    return {header: value}


# The pipeline


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


# What is refused


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


# Errors of containers


@pytest.mark.parametrize(("status", "side"), [(400, "client"), (415, "client"), (500, "server")])
def test_an_error_of_a_container_is_a_model_error(
    pipeline: Platform, status: int, side: str
) -> None:
    pipeline.second.answer = lambda _: answering(b"no such feature", status=status)
    error = pipeline.refusal()
    assert (error.code, error.status) == ("ModelError", 424)
    assert error.message.startswith(
        f'Received {side} error ({status}) from container-2 with message "no such feature". '
        "See https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1"
        f"#logEventViewer:group={GROUP} in account 123456789012"
    )


def test_it_carries_the_original_status_message_and_log(pipeline: Platform) -> None:
    pipeline.first.answer = lambda _: answering(b"bad row", status=400)
    assert pipeline.refusal().fields == {
        "OriginalStatusCode": 400,
        "OriginalMessage": "bad row",
        "LogStreamArn": f"arn:aws:logs:us-east-1:123456789012:log-group:{GROUP}",
    }


def test_after_an_error_no_further_container_is_called(pipeline: Platform) -> None:
    pipeline.first.answer = lambda _: answering(status=400)
    pipeline.refusal()
    assert pipeline.second.requests == []


def test_a_container_that_breaks_answers_500_and_tells_its_log(pipeline: Platform) -> None:
    def answer(_: ContainerRequest) -> ContainerResponse:
        raise KeyError("missing")

    pipeline.second.answer = answer
    assert pipeline.refusal().fields["OriginalStatusCode"] == 500
    assert any("KeyError: 'missing'" in line for line in _log(pipeline, "container-2"))


def test_a_model_that_does_not_load_is_a_model_error(pipeline: Platform) -> None:
    pipeline.second.load_errors.add("a")
    error = pipeline.refusal()
    assert (error.code, error.fields["OriginalMessage"]) == ("ModelError", "unable to load model a")


def test_a_container_that_breaks_while_it_loads_tells_its_log(pipeline: Platform) -> None:
    pipeline.second.breaks_on = "a"
    assert pipeline.refusal().fields["OriginalMessage"] == "ValueError: a number was expected"
    assert "ValueError: a number was expected" in _log(pipeline, "container-2")


def test_a_container_that_breaks_at_its_start_fails_the_deployment(platform: Platform) -> None:
    platform.first.breaks_on = "scaler"
    with pytest.raises(DeploymentError, match="ValueError: a number was expected"):
        platform.runtime.deploy(endpoint())


def test_no_room_for_a_model_is_a_model_error_507(tmp_path: Path) -> None:
    platform = Platform(tmp_path, HostingSettings(model_memory_mib=20 * 1024))
    platform.runtime.deploy(endpoint())
    assert platform.refusal().fields["OriginalStatusCode"] == 507
    platform.runtime.stop()


def test_a_container_that_is_too_slow_is_a_model_error(tmp_path: Path) -> None:
    platform = Platform(tmp_path, HostingSettings(invocation_timeout_seconds=0.05))
    release = threading.Event()
    platform.first.blocking = True
    platform.first.answer = lambda _: answering(b"late" if release.wait(10) else b"never")
    platform.runtime.deploy(endpoint())
    error = platform.refusal()
    release.set()
    assert error.message.startswith(
        'Received server error (0) from container-1 with message "Your invocation timed out while '
        "waiting for a response from container container-1."
    )
    platform.runtime.stop()


# Threads


def test_user_code_does_not_hold_up_other_requests(platform: Platform) -> None:
    entered, release = threading.Event(), threading.Event()

    def answer(request: ContainerRequest) -> ContainerResponse:
        if request.body == b"slow":
            entered.set()
            release.wait(10)
        return answering(request.body)

    platform.first.blocking, platform.first.answer = True, answer
    platform.runtime.deploy(endpoint())

    async def scenario() -> tuple[bytes, bytes]:
        slow = asyncio.create_task(platform.invoke_async(b"slow"))
        await asyncio.to_thread(entered.wait, 10)
        quick = await platform.invoke_async(b"quick")
        release.set()
        return quick.body, (await slow).body

    assert asyncio.run(scenario()) == (b"a:quick", b"a:slow")


def test_large_bodies_leave_the_event_loop_and_small_ones_stay(pipeline: Platform) -> None:
    threads: list[str] = []

    def answer(_: ContainerRequest) -> ContainerResponse:
        threads.append(threading.current_thread().name)
        return answering()

    pipeline.first.answer = answer
    pipeline.invoke(bytes(65_536))
    pipeline.invoke(bytes(65_537))
    assert threads[0] == threading.main_thread().name
    assert threads[1].startswith("invoke")


# Variants


def test_traffic_is_split_by_weight(platform: Platform) -> None:
    random.seed(1)
    platform.runtime.deploy(
        endpoint(variant(FIRST, name="A", weight=3.0), variant(FIRST, name="B", weight=1.0))
    )
    drawn = [platform.invoke(target_model="").invoked_production_variant for _ in range(400)]
    assert 260 <= drawn.count("A") <= 340


def test_a_variant_of_weight_zero_gets_only_what_names_it(platform: Platform) -> None:
    platform.runtime.deploy(
        endpoint(variant(FIRST, name="A"), variant(FIRST, name="B", weight=0.0))
    )
    drawn = {platform.invoke(target_model="").invoked_production_variant for _ in range(50)}
    named = platform.invoke(target_model="", target_variant="B").invoked_production_variant
    assert (drawn, named) == ({"A"}, "B")


def test_an_unknown_variant_is_refused(pipeline: Platform) -> None:
    assert pipeline.refusal(target_variant="Other").message == (
        "Variant Other not found for Endpoint housing."
    )


# Instances


def test_a_model_stays_with_the_instance_that_loaded_it(platform: Platform) -> None:
    platform.runtime.deploy(endpoint(variant(count=2)))
    for _ in range(5):
        platform.invoke(target_model="a.tar.gz")
    assert platform.second.loaded == ["a"]


def test_models_are_spread_over_the_instances(platform: Platform) -> None:
    platform.runtime.deploy(endpoint(variant(count=2)))
    for name in "abcd":
        platform.invoke(target_model=f"{name}.tar.gz")
    assert platform.instance_metric("LoadedModelCount")[-2:] == [2.0, 2.0]


def test_a_busy_model_spills_to_another_instance(platform: Platform) -> None:
    release = threading.Event()
    platform.second.blocking = True
    platform.runtime.deploy(endpoint(variant(count=2)))
    platform.invoke()

    def answer(_: ContainerRequest) -> ContainerResponse:
        release.wait(10)
        return answering()

    platform.second.answer = answer

    async def scenario() -> None:
        calls = [asyncio.create_task(platform.invoke_async()) for _ in range(8)]
        async with asyncio.timeout(10):
            while platform.second.loaded != ["a", "a"]:
                await asyncio.sleep(0.002)
        release.set()
        await asyncio.gather(*calls)

    asyncio.run(scenario())


# Deployments


def test_an_update_starts_with_cold_caches(pipeline: Platform) -> None:
    pipeline.invoke()
    pipeline.runtime.deploy(endpoint(config="config-2"))
    pipeline.invoke()
    assert pipeline.second.loaded == ["a", "a"]


def test_requests_inside_are_answered_by_the_instances_that_an_update_replaces(
    platform: Platform,
) -> None:
    entered, release = threading.Event(), threading.Event()
    platform.first.blocking = True
    platform.runtime.deploy(endpoint())

    def answer(request: ContainerRequest) -> ContainerResponse:
        entered.set()
        release.wait(10)
        return answering(request.body)

    platform.first.answer = answer

    async def scenario() -> bytes:
        call = asyncio.create_task(platform.invoke_async(b"before"))
        await asyncio.to_thread(entered.wait, 10)
        update = asyncio.create_task(
            asyncio.to_thread(platform.runtime.deploy, endpoint(config="config-2"))
        )
        while len(platform.first.settings) < 2:
            await asyncio.sleep(0.002)
        assert not update.done()
        release.set()
        await update
        return (await call).body

    assert asyncio.run(scenario()) == b"a:before"


def test_a_failing_update_leaves_what_served_before(pipeline: Platform) -> None:
    pipeline.first.start_error = "no module named sklearn"
    with pytest.raises(DeploymentError):
        pipeline.runtime.deploy(endpoint(config="config-2"))
    assert pipeline.invoke().body == b"a:scaler:1,2"


def test_a_container_that_does_not_start_fails_its_health_check(platform: Platform) -> None:
    platform.second.start_error = "port in use"
    with pytest.raises(DeploymentError) as caught:
        platform.runtime.deploy(endpoint())
    assert str(caught.value) == (
        "The container-2 container for production variant AllTraffic did not pass the ping health "
        "check. Please check CloudWatch logs for this endpoint. (port in use)"
    )


def test_its_log_tells_why(platform: Platform) -> None:
    platform.first.start_error = "no module named sklearn"
    with pytest.raises(DeploymentError):
        platform.runtime.deploy(endpoint())
    assert "no module named sklearn" in _log(platform, "container-1")


def test_containers_that_had_started_are_stopped_when_another_fails(platform: Platform) -> None:
    platform.second.start_error = "port in use"
    with pytest.raises(DeploymentError):
        platform.runtime.deploy(endpoint(variant(count=2)))
    assert platform.first.stopped == 1


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda s3: s3.objects.clear(), "Failed to download model data for container"),
        (lambda s3: s3.denied.add("s3:GetObject"), "s3:GetObject"),
        (
            lambda s3: s3.objects.update({"preprocessor/model.tar.gz": b"junk"}),
            "Failed to extract model data archive for container",
        ),
    ],
    ids=["missing", "denied", "junk"],
)
def test_an_artifact_that_cannot_be_had_fails_the_deployment(
    platform: Platform, spoil: object, reason: str
) -> None:
    spoil(platform.backend.s3)  # type: ignore[operator]
    with pytest.raises(DeploymentError, match=reason):
        platform.runtime.deploy(endpoint())


def test_a_role_that_cannot_be_assumed_fails_the_deployment(platform: Platform) -> None:
    other = replace(variant(), execution_role_arn="arn:aws:iam::123456789012:role/other")
    with pytest.raises(DeploymentError, match="may not assume"):
        platform.runtime.deploy(endpoint(other))


def test_containers_get_their_environment_and_model_directory(pipeline: Platform) -> None:
    first, second = pipeline.first.settings[0], pipeline.second.settings[0]
    assert first.model_directory is not None
    assert (first.model_directory / "model").read_bytes() == b"scaler"
    assert second.model_directory is None


def test_scaling_out_keeps_loaded_models(pipeline: Platform) -> None:
    pipeline.invoke()
    specification = pipeline.runtime.scale(SCOPE, "housing", {"AllTraffic": Capacity(3, 1.0)})
    pipeline.invoke()
    assert specification.variants[0].instance_count == 3
    assert pipeline.second.loaded == ["a"]
    assert len(pipeline.first.settings) == 3


def test_scaling_out_that_fails_starts_nothing(pipeline: Platform) -> None:
    pipeline.first.start_error = "no module named sklearn"
    with pytest.raises(DeploymentError):
        pipeline.runtime.scale(SCOPE, "housing", {"AllTraffic": Capacity(3, 1.0)})
    pipeline.runtime.remove(SCOPE, "housing")
    assert pipeline.second.stopped == 1


def test_scaling_in_stops_containers(platform: Platform) -> None:
    platform.runtime.deploy(endpoint(variant(count=3)))
    platform.runtime.scale(SCOPE, "housing", {"AllTraffic": Capacity(1, 1.0)})
    assert platform.first.stopped == 2


def test_a_removed_endpoint_is_gone_with_its_containers_and_files(
    pipeline: Platform, tmp_path: Path
) -> None:
    pipeline.invoke()
    pipeline.runtime.remove(SCOPE, "housing")
    assert "not found" in pipeline.refusal().message
    assert (pipeline.first.stopped, pipeline.second.stopped) == (1, 1)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_what_an_earlier_run_left_on_disk_is_deleted_at_the_start(tmp_path: Path) -> None:
    left = tmp_path / "i-0123456789abcdef0" / "container-2"
    left.mkdir(parents=True)
    platform = Platform(tmp_path)
    platform.runtime.start()
    assert not left.exists()
    platform.runtime.stop()


# Metrics and logs


def test_a_successful_invocation_is_counted_and_timed(pipeline: Platform) -> None:
    pipeline.invoke()
    counts = {
        name: pipeline.metric(name)
        for name in (
            "Invocations",
            "InvocationsPerInstance",
            "Invocation4XXErrors",
            "Invocation5XXErrors",
            "InvocationModelErrors",
        )
    }
    assert counts == {
        "Invocations": [1.0],
        "InvocationsPerInstance": [1.0],
        "Invocation4XXErrors": [0.0],
        "Invocation5XXErrors": [0.0],
        "InvocationModelErrors": [0.0],
    }
    assert len(pipeline.metric("OverheadLatency")) == 1


def test_model_latency_is_the_sum_over_the_containers(pipeline: Platform) -> None:
    pipeline.first.answer = lambda _: time.sleep(0.02) or answering()  # type: ignore[func-returns-value]
    pipeline.invoke()
    total = pipeline.metric("ModelLatency")[0]
    first = pipeline.metric("ContainerLatency", ContainerName="container-1")[0]
    second = pipeline.metric("ContainerLatency", ContainerName="container-2")[0]
    assert first > 20_000
    assert total == pytest.approx(first + second, rel=0.02)


def test_waiting_for_a_model_is_overhead_and_not_model_latency(pipeline: Platform) -> None:
    pipeline.invoke()
    waited = pipeline.metric("ModelLoadingWaitTime")[0]
    assert pipeline.metric("OverheadLatency")[0] >= 0.99 * waited


@pytest.mark.parametrize(
    ("status", "client_errors", "server_errors"), [(400, 1.0, 0.0), (500, 0.0, 1.0)]
)
def test_errors_count_by_the_containers_status(
    pipeline: Platform, status: int, client_errors: float, server_errors: float
) -> None:
    pipeline.second.answer = lambda _: answering(status=status)
    pipeline.refusal()
    assert pipeline.metric("Invocation4XXErrors") == [client_errors]
    assert pipeline.metric("Invocation5XXErrors") == [server_errors]
    assert pipeline.metric("InvocationModelErrors") == [1.0]


def test_invocations_per_instance_share_out_a_request(platform: Platform) -> None:
    platform.runtime.deploy(endpoint(variant(count=2)))
    platform.invoke()
    assert platform.metric("InvocationsPerInstance") == [0.5]


def test_a_single_container_has_no_container_latency(platform: Platform) -> None:
    platform.runtime.deploy(endpoint(variant(FIRST)))
    platform.invoke(target_model="")
    assert platform.metric("ContainerLatency", ContainerName="container-1") == []


def test_instances_report_models_memory_and_disk(tmp_path: Path) -> None:
    platform = Platform(tmp_path, HostingSettings(model_memory_mib=1024))
    platform.runtime.deploy(endpoint())
    platform.invoke(target_model="a.tar.gz")
    platform.invoke(target_model="b.tar.gz")
    assert platform.instance_metric("LoadedModelCount") == [2.0]
    assert platform.instance_metric("MemoryUtilization") == [4.0 + 100 * 2 / 16]
    assert platform.instance_metric("DiskUtilization")[0] == pytest.approx(100 * 2 / 30e9, rel=0.01)
    platform.runtime.stop()


def test_an_ml_m4_xlarge_levels_off_at_121_linear_learner_models_and_79_percent(
    platform: Platform,
) -> None:
    platform.second.model_memory_bytes = int(101.5 * 2**20)
    for number in range(130):
        artifact = model_archive({"model": str(number).encode()})
        platform.backend.s3.objects[f"models/{number}.tar.gz"] = artifact
    platform.runtime.deploy(endpoint(replace(variant(), instance_type="ml.m4.xlarge")))

    async def scenario() -> None:
        for number in range(130):
            await platform.invoke_async(target_model=f"{number}.tar.gz")

    asyncio.run(scenario())
    assert platform.instance_metric("LoadedModelCount") == [121.0]
    assert round(platform.instance_metric("MemoryUtilization")[0]) == 79
    assert platform.second.unloaded == [str(number) for number in range(9)]


def test_container_output_goes_to_a_stream_of_variant_instance_and_container(
    pipeline: Platform,
) -> None:
    pipeline.runtime.flush()
    streams = sorted(stream for group, stream in pipeline.backend.lines if group == GROUP)
    variant_name, instance_id, container = streams[0].split("/")
    assert (variant_name, instance_id[:2], container) == ("AllTraffic", "i-", "container-1")
    assert "the server starts" in _log(pipeline, "container-1")


def test_a_single_container_has_a_stream_of_variant_and_instance(platform: Platform) -> None:
    platform.runtime.deploy(endpoint(variant(FIRST)))
    platform.runtime.flush()
    (stream,) = [stream for _, stream in platform.backend.lines]
    assert stream.count("/") == 1


def test_each_request_leaves_an_access_line(pipeline: Platform) -> None:
    pipeline.invoke()
    assert any(line.startswith('"POST /invocations') for line in _log(pipeline, "container-1"))
    assert any(
        line.startswith('"POST /models/') and "/invoke HTTP/1.1" in line
        for line in _log(pipeline, "container-2")
    )


def test_metrics_are_flushed_without_being_asked(platform: Platform) -> None:
    platform.runtime.start()
    platform.runtime.deploy(endpoint())
    platform.invoke()
    wait_until(lambda: bool(platform.backend.values("AWS/SageMaker", "Invocations", DIMENSIONS)))


def test_a_backend_that_fails_once_does_not_end_the_publishing(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[int] = []

    def fail_once(*_: object) -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise RuntimeError("the metrics store is away")

    monkeypatch.setattr(platform.backend, "put_log_lines", fail_once)
    platform.runtime.start()
    platform.runtime.deploy(endpoint())
    wait_until(lambda: len(attempts) >= 1)
    platform.invoke()
    wait_until(lambda: len(attempts) >= 2)


def _log(platform: Platform, container: str) -> list[str]:
    platform.runtime.flush()
    return [
        line
        for (_, stream), lines in platform.backend.lines.items()
        if stream.endswith(f"/{container}")
        for line in lines
    ]
