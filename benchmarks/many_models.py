"""Many models below one prefix of one endpoint: put, called, held in memory, found again.

``MANY_MODELS=20000`` for fewer than 100,000. Their artifacts have the same bytes.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from botocore.credentials import Credentials

from benchmarks.figure import Figure
from benchmarks.http_load import Load, invocation, measure, measure_once, put_object
from fleet.table import chunks
from localaws import lifecycle
from localaws.testing import LocalAws, start_localaws
from localaws.testing.hosting import Hosting
from localaws.testing.jobs import make_jobs
from training.images import linear_learner_image
from training.linear_learner.artifact import write_artifact
from training.linear_learner.model import LinearModel, PredictorType

MODELS = 100_000
FEATURES = 13
CONNECTIONS = 8
SIGNED_AT_ONCE = 5_000
FEW = 200
LOADED = 5_000
INSTANCE_TYPE = "ml.r5.24xlarge"
"""Has memory for more models than are loaded here."""
ENDPOINT = "many"
ROW = ",".join(["1"] * FEATURES).encode()


def run() -> list[Figure]:
    """The figures of 100,000 models, or of as many as ``MANY_MODELS`` says."""
    count = int(os.environ.get("MANY_MODELS", MODELS))
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "state"
        aws = start_localaws(directory)
        try:
            return list(_figures(aws, count))
        finally:
            lifecycle.stop(directory)


def _figures(aws: LocalAws, count: int) -> Iterator[Figure]:
    jobs = make_jobs(aws.session(), "many-models")
    hosting = Hosting(aws.session(), jobs.bucket, jobs.role_arn)
    _put(aws, jobs.bucket, range(FEW))
    _deploy(hosting)
    first = _cold(aws, range(FEW))
    puts = _put(aws, jobs.bucket, range(FEW, count))
    beside = f"{count:,}, {CONNECTIONS} connections, signed beforehand"
    yield Figure("artifacts put", puts, "1/s", beside)
    step = (count - FEW) // FEW
    later = _cold(aws, range(FEW, FEW + step * FEW, step))
    yield Figure(
        f"first call of a model among {count:,}",
        later.p50_milliseconds,
        "ms",
        f"among {FEW}: {first.p50_milliseconds:.2f} ms",
    )
    before = _resident_bytes(aws)
    more = range(count - LOADED, count)
    _cold(aws, more)
    grown = (_resident_bytes(aws) - before) / len(more) / 1024
    yield Figure("memory of a loaded model", grown, "KiB", f"{len(more):,} loaded")
    lifecycle.stop(aws.state.directory)
    starts = [_start(aws.state.directory) for _ in range(3)]
    yield Figure("start", statistics.median(starts), "s", f"with {count:,} objects; aim: 2")


def _put(aws: LocalAws, bucket: str, numbers: range) -> float:
    """Put the models' artifacts; how many a second."""
    weights = np.linspace(1, 2, FEATURES, dtype=np.float32)[:, None]
    model = LinearModel(PredictorType.REGRESSOR, "squared_loss", weights, np.ones(1, np.float32))
    artifact = write_artifact(model)
    seconds = 0.0
    for some in chunks(numbers, SIGNED_AT_ONCE):
        requests = [
            put_object(_port(aws), _credentials(aws), bucket, f"models/{_target(n)}", artifact)
            for n in some
        ]
        load = measure_once(_port(aws), requests, connections=CONNECTIONS)
        seconds += len(requests) / load.requests_per_second
    return len(numbers) / seconds


def _target(number: int) -> str:
    return f"City{number:06}_AA/City{number:06}_AA.tar.gz"


def _deploy(hosting: Hosting) -> None:
    container = {
        "Image": linear_learner_image(hosting.session.region_name),
        "Mode": "MultiModel",
        "ModelDataUrl": f"s3://{hosting.bucket}/models/",
    }
    hosting.deploy(ENDPOINT, [container], InstanceType=INSTANCE_TYPE)


def _cold(aws: LocalAws, numbers: range) -> Load:
    """One call of each model, none of which is loaded."""
    requests = [
        invocation(_port(aws), _credentials(aws), ENDPOINT, _target(n), ROW) for n in numbers
    ]
    return measure(_port(aws), requests, connections=1, seconds=0)


def _port(aws: LocalAws) -> int:
    return urlsplit(aws.endpoint_url).port or 0


def _credentials(aws: LocalAws) -> Credentials:
    keys = aws.state.credentials
    return Credentials(keys.access_key_id, keys.secret_access_key)


def _resident_bytes(aws: LocalAws) -> int:
    running = lifecycle.find_running(aws.state.directory)
    if running is None:
        raise RuntimeError("the server ended")
    # https://man7.org/linux/man-pages/man5/proc.5.html: the second field of statm is resident pages
    pages = int(Path(f"/proc/{running.process_id}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


def _start(directory: Path) -> float:
    lifecycle.stop(directory)
    began = time.perf_counter()
    start_localaws(directory)
    return time.perf_counter() - began
