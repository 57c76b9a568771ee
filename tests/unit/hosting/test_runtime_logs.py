from tests.unit.hosting.platform import FIRST, GROUP, Platform, endpoint, variant


def test_container_output_goes_to_a_stream_of_variant_instance_and_container(
    pipeline: Platform,
) -> None:
    pipeline.runtime.flush()
    streams = sorted(stream for group, stream in pipeline.backend.lines if group == GROUP)
    variant_name, instance_id, container = streams[0].split("/")
    assert (variant_name, instance_id[:2], container) == ("AllTraffic", "i-", "container-1")
    assert "the server starts" in pipeline.log("container-1")


def test_a_single_container_has_a_stream_of_variant_and_instance(platform: Platform) -> None:
    platform.runtime.deploy(endpoint(variant(FIRST)))
    platform.runtime.flush()
    (stream,) = [stream for _, stream in platform.backend.lines]
    assert stream.count("/") == 1


def test_each_request_leaves_an_access_line(pipeline: Platform) -> None:
    pipeline.invoke()
    assert any(line.startswith('"POST /invocations') for line in pipeline.log("container-1"))
    assert any(
        line.startswith('"POST /models/') and "/invoke HTTP/1.1" in line
        for line in pipeline.log("container-2")
    )
