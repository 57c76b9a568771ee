import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from localaws.hosting.settings import HostingSettings
from localaws.testing.memory import model_archive
from tests.unit.hosting.containers import wait_until
from tests.unit.hosting.platform import DIMENSIONS, FIRST, Platform, answering, endpoint, variant


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
