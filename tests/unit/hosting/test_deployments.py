import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from localaws.containers.contract import ContainerRequest, ContainerResponse
from localaws.hosting.start import DeploymentError
from localaws.testing.hosting import wait_until
from localaws.testing.memory import SCOPE
from tests.unit.hosting.platform import Platform, answering, endpoint, variant


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
    assert "no module named sklearn" in platform.log("container-1")


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
    assert (first.directory / "model" / "model").read_bytes() == b"scaler"
    assert (first.is_multi_model, second.is_multi_model) == (False, True)


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
    wait_until(lambda: not left.exists(), "the deletion")
    platform.runtime.stop()


def test_a_stop_leaves_the_files_to_the_next_start(pipeline: Platform, tmp_path: Path) -> None:
    pipeline.invoke()
    pipeline.runtime.stop()
    assert [path for path in tmp_path.rglob("*") if path.is_file()]
