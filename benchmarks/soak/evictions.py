"""Many connections over more models than there is room for: answers, memory, latency."""

import os
import random
import statistics
import subprocess
import threading
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from botocore.config import Config

from localaws import lifecycle
from localaws.state import open_state
from localaws.testing import LocalAws, start_localaws
from localaws.testing.hosting import make_hosting
from localaws.testing.memory import model_archive
from localaws.testing.stacks import ECHO

WARM_MODEL = "0.tar.gz"
"""Called all the time, and so never the least recently used."""
PAUSE_SECONDS = 0.02
SLOWER = 3.0
"""The p99 of warm calls over that where all models fit, at most."""
LEVEL = 1.1
"""Memory of the last minute over that of the second one, at most."""


@dataclass
class Evictions:
    """What was seen: how often each answer came, seconds of warm calls, MiB of the server."""

    answers: Counter[str] = field(default_factory=Counter)
    warm: list[float] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    """With the seconds since the begin."""

    def faults(self, undisturbed: "Evictions") -> list[str]:
        """What was promised otherwise; beside a run in which all models fit."""
        found = [f"{count} x {name}" for name, count in self.answers.items() if name != "right"]
        after = [each for at, each in self.memory if 60 <= at < 120]
        ended = self.memory[-1][0] if self.memory else 0.0
        last = [each for at, each in self.memory if at > ended - 60]
        if ended > 180 and statistics.median(last) > LEVEL * statistics.median(after):
            found.append(f"memory rose from {after[0]:.0f} to {last[-1]:.0f} MiB")
        slow, usual = self.warm_milliseconds(0.99), undisturbed.warm_milliseconds(0.99)
        if slow > SLOWER * usual:
            found.append(f"the p99 of warm calls is {slow:.1f} ms, and undisturbed {usual:.1f}")
        return found

    def warm_milliseconds(self, share: float) -> float:
        """What such a share of the warm calls took at most."""
        return sorted(self.warm)[int(len(self.warm) * share)] * 1000

    def __str__(self) -> str:
        p50, p99 = self.warm_milliseconds(0.5), self.warm_milliseconds(0.99)
        minutes = [
            statistics.median(m for at, m in self.memory if at // 60 == minute)
            for minute in sorted({at // 60 for at, _ in self.memory})
        ]
        return (
            f"{dict(self.answers)}; {len(self.warm)} warm calls of one more connection:"
            f" p50 {p50:.1f}, p99 {p99:.1f} ms; MiB by minute {[round(each) for each in minutes]}"
        )


def evictions(
    directory: Path, connections: int, models: int, room: int, seconds: float
) -> Evictions:
    """Call ``models`` from so many connections while an instance has room for ``room`` of them."""
    os.environ["LOCALAWS_MODEL_MEMORY_MIB"] = str(int(8192 * 0.75 / room))
    try:
        localaws = start_localaws(directory)
    finally:
        del os.environ["LOCALAWS_MODEL_MEMORY_MIB"]
    _deploy_echo(localaws, models)
    seen = Evictions()
    session: Any = localaws.session()
    runtime = session.client("sagemaker-runtime", config=Config(max_pool_connections=connections))
    began = time.monotonic()

    def load(seed: int) -> None:
        drawn = random.Random(seed)
        while time.monotonic() - began < seconds:
            _call(runtime, f"{drawn.randrange(models)}.tar.gz", drawn, seen.answers)

    threads = [threading.Thread(target=load, args=(seed,)) for seed in range(connections)]
    # A process of its own, so that it waits for the server and not for this interpreter.
    with ProcessPoolExecutor(1, get_context("spawn")) as apart:
        for thread in threads:
            thread.start()
        warm = apart.submit(_warm_calls, directory, seconds)
        while time.monotonic() - began < seconds:
            seen.memory.append((time.monotonic() - began, _memory(directory)))
            time.sleep(min(5, seconds / 4))
        for thread in threads:
            thread.join()
        answers, seen.warm = warm.result()
    seen.answers.update(answers)
    localaws.stop()
    return seen


def _warm_calls(directory: Path, seconds: float) -> tuple[Counter[str], list[float]]:
    """Answers and seconds of calls to the model that is always loaded."""
    running = lifecycle.find_running(directory)
    assert running is not None
    localaws = LocalAws(open_state(directory), running.endpoint_url)
    session: Any = localaws.session()
    runtime = session.client("sagemaker-runtime")
    answers: Counter[str] = Counter()
    latencies = []
    drawn = random.Random(-1)
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        began = time.perf_counter()
        _call(runtime, WARM_MODEL, drawn, answers)
        latencies.append(time.perf_counter() - began)
        time.sleep(PAUSE_SECONDS)
    return answers, latencies[1:]  # the first call loads it


def _call(runtime: Any, target: str, drawn: random.Random, answers: Counter[str]) -> None:
    body = str(drawn.random()).encode()
    try:
        answer = runtime.invoke_endpoint(EndpointName="soak", TargetModel=target, Body=body)
        answers["right" if answer["Body"].read() == body else "wrong"] += 1
    except Exception as error:
        answers[type(error).__name__] += 1


def _memory(directory: Path) -> float:
    """Resident memory of the server in MiB."""
    running = lifecycle.find_running(directory)
    assert running is not None
    command = ["ps", "-o", "rss=", "-p", str(running.process_id)]
    return int(subprocess.run(command, capture_output=True, check=True).stdout) / 1024


def _deploy_echo(localaws: LocalAws, models: int) -> None:
    hosting = make_hosting(localaws.session(), "soak")
    for number in range(models):
        key = f"models/{number}.tar.gz"
        hosting.s3.put_object(Bucket=hosting.bucket, Key=key, Body=model_archive())
    container = {"Image": ECHO, "Mode": "MultiModel", "ModelDataUrl": hosting.models_url}
    hosting.deploy("soak", [container])
