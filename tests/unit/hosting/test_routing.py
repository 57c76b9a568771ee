import asyncio
import random
import threading

from localaws.containers.contract import ContainerRequest, ContainerResponse
from tests.unit.hosting.platform import FIRST, Platform, answering, endpoint, variant


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
