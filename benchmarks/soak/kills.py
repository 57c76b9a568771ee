"""kill -9 at random moments of a mixed load, after an hour of requests."""

import json
import os
import random
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.config import Config

from localaws import lifecycle
from localaws.http.access_log import ROTATE_BYTES
from localaws.state import ACCOUNT_ID
from localaws.testing import LocalAws, start_localaws

LOST_AFTER_SECONDS = 1.0
START_SECONDS = 2.0
OBJECT_BYTES = 20_000
ROLE = "soak"
LINEAR_LEARNER = "382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1"
TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
    },
}
PARAMETER = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "1"}}
STACKS = 20
"""That there are at most, but for those that a kill interrupted."""


@dataclass
class Acknowledged:
    """What was answered before the kill, with the moment; the newest value of each name."""

    parameters: dict[str, tuple[float, str]] = field(default_factory=dict)
    objects: dict[str, tuple[float, str]] = field(default_factory=dict)
    items: dict[str, tuple[float, str]] = field(default_factory=dict)
    stacks: deque[str] = field(default_factory=deque)

    def forget_after(self, moment: float) -> None:
        """Drop what a kill was allowed to lose: the next one is not to blame for it."""
        for kept in (self.parameters, self.objects, self.items):
            for name in [name for name, (at, _) in kept.items() if at >= moment]:
                del kept[name]


def kills(
    directory: Path, rounds: int, seconds: float, *, hours: float = 0.0, seed: int = 0
) -> list[str]:
    """Kill a loaded server again and again; what is then missing, wrong, late or in progress.

    ``hours`` is how long it answered 1,000 requests a second before, or as much of that as it
    keeps.
    """
    drawn = random.Random(seed)
    faults: list[str] = []
    started: list[float] = []
    acknowledged = Acknowledged()
    localaws = start_localaws(directory)
    clients = Clients(localaws)
    _prepare(localaws, clients, hours)
    for number in range(rounds):
        stop = threading.Event()
        threads = [
            threading.Thread(target=load, args=(clients, acknowledged, number, stop))
            for load in LOADS
        ]
        for thread in threads:
            thread.start()
        time.sleep(drawn.uniform(0.2, 1.0) * seconds)
        killed_at = _kill(directory)
        stop.set()
        for thread in threads:
            thread.join()
        lifecycle.start(directory, urlsplit(localaws.endpoint_url).port)
        started.append(_processor_seconds(directory))
        found = _missing(clients, acknowledged, killed_at) + _in_progress(clients)
        if started[-1] > START_SECONDS:
            found.append(f"the start took {started[-1]:.1f} s of processor time")
        print(
            f"kill {number + 1}: start took {started[-1]:.2f} s; {found or 'nothing is missing'}",
            flush=True,
        )
        faults += found
        acknowledged.forget_after(killed_at - LOST_AFTER_SECONDS)
    lifecycle.stop(directory)
    started.sort()
    middle, longest = started[rounds // 2], started[-1]
    print(f"{rounds} kills; starts: median {middle:.2f}, longest {longest:.2f} s of processor time")
    return faults


class Clients:
    """A client of each service, made once: the server always comes back on its port."""

    def __init__(self, localaws: LocalAws) -> None:
        session: Any = localaws.session()
        once = Config(retries={"total_max_attempts": 1})
        self.cloudformation: Any = session.client("cloudformation", config=once)
        self.cloudwatch: Any = session.client("cloudwatch", config=once)
        self.dynamodb: Any = session.client("dynamodb", config=once)
        self.logs: Any = session.client("logs", config=once)
        self.iam: Any = session.client("iam", config=once)
        self.s3: Any = session.client("s3", config=once)
        self.sagemaker: Any = session.client("sagemaker", config=once)
        self.ssm: Any = session.client("ssm", config=once)


def _prepare(localaws: LocalAws, clients: Clients, hours: float) -> None:
    clients.iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))
    clients.iam.attach_role_policy(
        RoleName=ROLE, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    clients.s3.create_bucket(Bucket="soak")
    clients.s3.put_object(Bucket="soak", Key="train.csv", Body=b"2,1\n4,2\n6,3\n" * 20)
    clients.dynamodb.create_table(
        TableName="soak",
        KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    if hours:
        _put_metrics(clients.cloudwatch, round(60 * hours))
        _put_log_events(clients.logs, round(3600 * 1000 * hours))
        with localaws.state.access_log.open("a") as log:
            line = "2026-11-27 06:00:00 200 sagemaker:InvokeEndpoint soak 0.tar.gz user/a 0.3ms\n"
            log.write(line * (ROTATE_BYTES // len(line)))
    time.sleep(2 * LOST_AFTER_SECONDS)


def _put_metrics(cloudwatch: Any, minutes: int) -> None:
    """Latencies of each minute and model, of 300 models."""
    drawn = random.Random(0)
    now = time.time()
    for minute in range(minutes):
        for first in range(0, 300, 50):
            data = [
                {
                    "MetricName": "ModelLatency",
                    "Dimensions": [{"Name": "TargetModel", "Value": f"{model}.tar.gz"}],
                    "Timestamp": now - 60 * (minutes - minute),
                    "Values": [drawn.expovariate(1 / 300) for _ in range(150)],
                }
                for model in range(first, first + 50)
            ]
            cloudwatch.put_metric_data(Namespace="Soak", MetricData=data)


def _put_log_events(logs: Any, count: int) -> None:
    """A line a request, by ten containers; no more than are kept."""
    logs.create_log_group(logGroupName="soak")
    now = int(time.time() * 1000)
    for stream in range(10):
        name = {"logGroupName": "soak", "logStreamName": str(stream)}
        logs.create_log_stream(**name)
        for first in range(0, min(count // 10, 15_000), 5_000):
            events = [
                {"timestamp": now - 3_600_000 + first + at, "message": f"predicted row {at}"}
                for at in range(5_000)
            ]
            logs.put_log_events(**name, logEvents=events)


Load = Callable[[Clients, Acknowledged, int, threading.Event], None]


def _regularly(put: Callable[[Any, Acknowledged, int, int], None], service: str) -> Load:
    """A load that goes on until it is stopped, or the server is gone."""

    def run(
        clients: Clients, acknowledged: Acknowledged, number: int, stop: threading.Event
    ) -> None:
        client = getattr(clients, service)
        count = 0
        while not stop.is_set():
            try:
                put(client, acknowledged, number, count)
            except Exception:
                time.sleep(0.05)
            count += 1

    return run


def _put_parameter(ssm: Any, acknowledged: Acknowledged, number: int, count: int) -> None:
    name, value = f"/soak/{count % 50}", f"{number}-{count}"
    ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
    acknowledged.parameters[name] = (time.time(), value)


def _put_object(s3: Any, acknowledged: Acknowledged, number: int, count: int) -> None:
    key, value = f"key-{count % 10}", f"{number}-{count}"
    s3.put_object(Bucket="soak", Key=key, Body=value.encode() + b"\n" + os.urandom(OBJECT_BYTES))
    acknowledged.objects[key] = (time.time(), value)


def _put_item(dynamodb: Any, acknowledged: Acknowledged, number: int, count: int) -> None:
    name, value = f"item-{count % 200}", f"{number}-{count}"
    dynamodb.put_item(TableName="soak", Item={"name": {"S": name}, "value": {"S": value}})
    acknowledged.items[name] = (time.time(), value)


def _make_stack(cloudformation: Any, acknowledged: Acknowledged, number: int, count: int) -> None:
    body = json.dumps({"Resources": {"A": PARAMETER, "B": {**PARAMETER, "DependsOn": "A"}}})
    name = f"soak-{number}-{count}"
    cloudformation.create_stack(StackName=name, TemplateBody=body)
    acknowledged.stacks.append(name)
    if len(acknowledged.stacks) > STACKS:
        cloudformation.delete_stack(StackName=acknowledged.stacks.popleft())
    time.sleep(0.05)


def _start_job(sagemaker: Any, acknowledged: Acknowledged, number: int, count: int) -> None:
    sagemaker.create_training_job(
        TrainingJobName=f"soak-{number}-{count}",
        AlgorithmSpecification={"TrainingImage": LINEAR_LEARNER, "TrainingInputMode": "File"},
        RoleArn=f"arn:aws:iam::{ACCOUNT_ID}:role/{ROLE}",
        HyperParameters={"predictor_type": "regressor", "epochs": "1", "mini_batch_size": "20"},
        InputDataConfig=[
            {
                "ChannelName": "train",
                "ContentType": "text/csv",
                "DataSource": {
                    "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://soak/train.csv"}
                },
            }
        ],
        OutputDataConfig={"S3OutputPath": "s3://soak/models"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )
    time.sleep(0.5)


LOADS = (
    _regularly(_put_parameter, "ssm"),
    _regularly(_put_object, "s3"),
    _regularly(_put_item, "dynamodb"),
    _regularly(_make_stack, "cloudformation"),
    _regularly(_start_job, "sagemaker"),
)


def _kill(directory: Path) -> float:
    running = lifecycle.find_running(directory)
    assert running is not None
    os.kill(running.process_id, signal.SIGKILL)
    killed_at = time.time()
    while lifecycle.find_running(directory) is not None:
        time.sleep(0.02)
    return killed_at


def _processor_seconds(directory: Path) -> float:
    """What a server took so far, which other programs' load does not change; Linux only."""
    running = lifecycle.find_running(directory)
    assert running is not None
    fields = Path(f"/proc/{running.process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _missing(clients: Clients, acknowledged: Acknowledged, killed_at: float) -> list[str]:
    """What was answered more than a second before the kill and is not there.

    Every value is written once, so that another one than the last must be a later one.
    """
    ssm, s3, dynamodb = clients.ssm, clients.s3, clients.dynamodb
    until = killed_at - LOST_AFTER_SECONDS
    faults = []
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path="/soak")
    parameters = {p["Name"]: p["Value"] for page in pages for p in page["Parameters"]}
    items = {
        item["name"]["S"]: item["value"]["S"]
        for item in dynamodb.scan(TableName="soak", ConsistentRead=True)["Items"]
    }
    objects, torn = _objects(s3, acknowledged.objects)
    faults += torn
    for kept, found in (
        (acknowledged.parameters, parameters),
        (acknowledged.items, items),
        (acknowledged.objects, objects),
    ):
        for name, (moment, value) in kept.items():
            if moment < until and _order(found.get(name)) < _order(value):
                faults.append(f"{name} is {found.get(name)}, not {value}")
    return faults


def _objects(s3: Any, keys: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """What the objects that are there say, by key, and those that are not whole."""
    found: dict[str, str] = {}
    faults = []
    for key in keys:
        try:
            body = s3.get_object(Bucket="soak", Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            continue
        value, _, rest = body.partition(b"\n")
        found[key] = value.decode()
        if len(rest) != OBJECT_BYTES:
            faults.append(f"object {key} has {len(rest)} bytes after its first line")
    return found, faults


def _order(value: str | None) -> tuple[int, ...]:
    """Where a value stands among those that were written; what is not there stands before all."""
    return tuple(int(part) for part in value.split("-")) if value else ()


def _in_progress(clients: Clients) -> list[str]:
    """The stacks and jobs that do not come to an end."""
    deadline = time.monotonic() + 20
    while True:
        pages = clients.cloudformation.get_paginator("list_stacks").paginate()
        stacks = [stack for page in pages for stack in page["StackSummaries"]]
        unended = [s["StackName"] for s in stacks if s["StackStatus"].endswith("IN_PROGRESS")]
        for status in ("InProgress", "Stopping"):
            jobs = clients.sagemaker.list_training_jobs(StatusEquals=status)
            unended += [job["TrainingJobName"] for job in jobs["TrainingJobSummaries"]]
        if not unended or time.monotonic() > deadline:
            return [f"{name} is in progress" for name in unended]
        time.sleep(0.2)
