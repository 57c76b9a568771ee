import asyncio
import threading

from localaws.containers.contract import ContainerRequest, ContainerResponse
from tests.unit.hosting.platform import Platform, answering, endpoint


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
