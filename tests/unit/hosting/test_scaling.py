import pytest

from localaws.hosting.endpoint import Capacity
from localaws.hosting.start import DeploymentError
from localaws.testing.memory import SCOPE
from tests.unit.hosting.platform import Platform, endpoint, variant


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
