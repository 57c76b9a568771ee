import threading
from pathlib import Path

import pytest

from localaws.containers.contract import ContainerRequest, ContainerResponse
from localaws.hosting.settings import HostingSettings
from localaws.hosting.start import DeploymentError
from tests.unit.hosting.platform import GROUP, Platform, answering, endpoint


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
    assert any("KeyError: 'missing'" in line for line in pipeline.log("container-2"))


def test_a_model_that_does_not_load_is_a_model_error(pipeline: Platform) -> None:
    pipeline.second.load_errors.add("a")
    error = pipeline.refusal()
    assert (error.code, error.fields["OriginalMessage"]) == ("ModelError", "unable to load model a")


def test_a_container_that_breaks_while_it_loads_tells_its_log(pipeline: Platform) -> None:
    pipeline.second.breaks_on = "a"
    assert pipeline.refusal().fields["OriginalMessage"] == "ValueError: a number was expected"
    assert "ValueError: a number was expected" in pipeline.log("container-2")


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
