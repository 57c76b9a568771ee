"""What localaws promises, under load and kills: ``make soak``.

Three parts, each with a small form in ``tests/local/test_soak.py``: kill -9 at random moments of a
mixed load, many connections over more models than there is room for, and botocore's signatures.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from localaws import lifecycle
from localaws.errors import AwsError
from localaws.signature import SignedRequest, parse_authorization, verify
from tests.local.conftest import LocalAws, start_localaws
from tests.local.stacks import ECHO, artifact

LOST_AFTER_SECONDS = 1.0
PARAMETER = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "1"}}


@dataclass
class Acknowledged:
    """What was answered before the kill, with the moment; the newest value of each name."""

    parameters: dict[str, tuple[float, str]] = field(default_factory=dict)
    objects: dict[str, tuple[float, str]] = field(default_factory=dict)
    items: dict[str, tuple[float, str]] = field(default_factory=dict)

    def forget_after(self, moment: float) -> None:
        """Drop what a kill was allowed to lose: the next one is not to blame for it."""
        for kept in (self.parameters, self.objects, self.items):
            for name in [name for name, (at, _) in kept.items() if at >= moment]:
                del kept[name]


def kills(directory: Path, rounds: int, seconds: float, seed: int = 0) -> list[str]:
    """Kill a loaded server again and again; what is then missing, wrong or in progress."""
    drawn = random.Random(seed)
    faults: list[str] = []
    acknowledged = Acknowledged()
    localaws = start_localaws(directory)
    _prepare(localaws)
    for number in range(rounds):
        stop = threading.Event()
        loads = (_put_parameters, _put_objects, _put_items, _make_stacks)
        threads = [
            threading.Thread(target=load, args=(localaws, acknowledged, number, stop))
            for load in loads
        ]
        for thread in threads:
            thread.start()
        time.sleep(drawn.uniform(0.2, 1.0) * seconds)
        killed_at = _kill(directory)
        stop.set()
        for thread in threads:
            thread.join()
        began = time.monotonic()
        localaws = start_localaws(directory)
        took = time.monotonic() - began
        found = _missing(localaws, acknowledged, killed_at) + _in_progress(localaws)
        print(f"kill {number + 1}: started in {took:.1f} s; {found or 'nothing is missing'}")
        faults += found
        acknowledged.forget_after(killed_at - LOST_AFTER_SECONDS)
    lifecycle.stop(directory)
    return faults


def evictions(
    directory: Path, connections: int, models: int, room: int, seconds: float
) -> Counter[str]:
    """How often each answer came, of many connections over more models than there is room for."""
    os.environ["LOCALAWS_MODEL_MEMORY_MIB"] = str(int(8192 * 0.75 / room))
    try:
        localaws = start_localaws(directory)
    finally:
        del os.environ["LOCALAWS_MODEL_MEMORY_MIB"]
    _echo_endpoint(localaws, models)
    answers: Counter[str] = Counter()
    latencies: list[float] = []
    session: Any = localaws.session()
    config = Config(max_pool_connections=connections)
    runtime = session.client("sagemaker-runtime", config=config)
    deadline = time.monotonic() + seconds

    def call(seed: int) -> None:
        drawn = random.Random(seed)
        while time.monotonic() < deadline:
            began = time.perf_counter()
            body = str(drawn.random()).encode()
            target = f"{drawn.randrange(models)}.tar.gz"
            try:
                answer = runtime.invoke_endpoint(EndpointName="soak", TargetModel=target, Body=body)
                right = answer["Body"].read() == body
                answers["right" if right else "wrong"] += 1
            except Exception as error:
                answers[type(error).__name__] += 1
            latencies.append(time.perf_counter() - began)

    threads = [threading.Thread(target=call, args=(seed,)) for seed in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lifecycle.stop(directory)
    latencies.sort()
    print(f"{dict(answers)}, p50 {latencies[len(latencies) // 2] * 1000:.1f} ms")
    return answers


def signatures(count: int, seed: int = 0) -> list[str]:
    """Requests that botocore signed and that are not taken, or that are taken when changed."""
    drawn = random.Random(seed)
    keys = Credentials("AKIAEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    alphabet = "abcXYZ019-_.~ /+=&%äß€:*'()!"
    faults = []
    for number in range(count):
        service = drawn.choice(("s3", "sagemaker", "iam", "sts", "dynamodb"))
        path = "/" + quote("".join(drawn.choices(alphabet, k=drawn.randrange(20))).strip("/"))
        pairs = {drawn.choice("abAB"): drawn.choice(alphabet) for _ in range(drawn.randrange(4))}
        query = f"?{urlencode(pairs, quote_via=quote)}" if pairs else ""
        body = drawn.randbytes(drawn.randrange(100))
        headers = {"X-Amz-Meta-City": "".join(drawn.choices("abc  1", k=6)).strip() or "x"}
        method = drawn.choice(("GET", "PUT", "POST"))
        url = f"http://127.0.0.1:4566{path}{query}"
        request = AWSRequest(method, url, headers=headers, data=body)
        signer = S3SigV4Auth if service == "s3" else SigV4Auth
        signer(keys, service, "us-east-1").add_auth(request)
        sent = {name.lower(): value for name, value in request.headers.items()}
        parts = urlsplit(url)
        arrived = SignedRequest(
            method, parts.path, parts.query, {"host": parts.netloc, **sent}, body
        )
        if not _is_taken(arrived, keys.secret_key):
            faults.append(f"{number}: {service} {method} {path}{query} is refused")
        changed = SignedRequest(
            arrived.method, arrived.raw_path + "x", arrived.query_string, arrived.headers, body
        )
        if _is_taken(changed, keys.secret_key):
            faults.append(f"{number}: {service} {path}x is taken")
    return faults


def _is_taken(request: SignedRequest, secret: str) -> bool:
    signature, given = parse_authorization(request)
    try:
        payload_hash = request.headers.get("x-amz-content-sha256")
        verify(request, signature, given, secret, time.time(), payload_hash)
    except AwsError:
        return False
    return True


def _prepare(localaws: LocalAws) -> None:
    session: Any = localaws.session()
    session.client("s3").create_bucket(Bucket="soak")
    session.client("dynamodb").create_table(
        TableName="soak",
        KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    time.sleep(2 * LOST_AFTER_SECONDS)


Load = Callable[[LocalAws, Acknowledged, int, threading.Event], None]


def _regularly(put: Callable[[Any, Acknowledged, int, int], None], service: str) -> Load:
    """A load that goes on until it is stopped, or the server is gone."""

    def run(
        localaws: LocalAws, acknowledged: Acknowledged, number: int, stop: threading.Event
    ) -> None:
        session: Any = localaws.session()
        client = session.client(service)
        client.meta.events.unregister("needs-retry.*")
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
    key, body = f"key-{count % 10}", os.urandom(20_000)
    s3.put_object(Bucket="soak", Key=key, Body=body)
    acknowledged.objects[key] = (time.time(), hashlib.sha256(body).hexdigest())


def _put_item(dynamodb: Any, acknowledged: Acknowledged, number: int, count: int) -> None:
    name, value = f"item-{count % 200}", f"{number}-{count}"
    dynamodb.put_item(TableName="soak", Item={"name": {"S": name}, "value": {"S": value}})
    acknowledged.items[name] = (time.time(), value)


def _make_stack(cloudformation: Any, acknowledged: Acknowledged, number: int, count: int) -> None:
    body = json.dumps({"Resources": {"A": PARAMETER, "B": {**PARAMETER, "DependsOn": "A"}}})
    cloudformation.create_stack(StackName=f"soak-{number}-{count}", TemplateBody=body)
    time.sleep(0.05)


_put_parameters = _regularly(_put_parameter, "ssm")
_put_objects = _regularly(_put_object, "s3")
_put_items = _regularly(_put_item, "dynamodb")
_make_stacks = _regularly(_make_stack, "cloudformation")


def _kill(directory: Path) -> float:
    running = lifecycle.find_running(directory)
    assert running is not None
    os.kill(running.process_id, signal.SIGKILL)
    killed_at = time.time()
    while lifecycle.find_running(directory) is not None:
        time.sleep(0.02)
    return killed_at


def _missing(localaws: LocalAws, acknowledged: Acknowledged, killed_at: float) -> list[str]:
    """What was answered more than a second before the kill and is not there.

    Every value is written once, so that another one than the last must be a later one.
    """
    session: Any = localaws.session()
    ssm, s3, dynamodb = session.client("ssm"), session.client("s3"), session.client("dynamodb")
    until = killed_at - LOST_AFTER_SECONDS
    faults = []
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path="/soak")
    parameters = {p["Name"]: p["Value"] for page in pages for p in page["Parameters"]}
    items = {
        item["name"]["S"]: item["value"]["S"]
        for item in dynamodb.scan(TableName="soak", ConsistentRead=True)["Items"]
    }
    for kept, found in ((acknowledged.parameters, parameters), (acknowledged.items, items)):
        for name, (moment, value) in kept.items():
            if moment < until and _order(found.get(name)) < _order(value):
                faults.append(f"{name} is {found.get(name)}, not {value}")
    for key, (moment, digest) in acknowledged.objects.items():
        body = s3.get_object(Bucket="soak", Key=key)["Body"].read()
        if moment < until and len(body) != 20_000:
            faults.append(f"object {key} has {len(body)} bytes, not those of {digest}")
    return faults


def _order(value: str | None) -> tuple[int, ...]:
    """Where a value stands among those that were written; what is not there stands before all."""
    return tuple(int(part) for part in value.split("-")) if value else ()


def _in_progress(localaws: LocalAws) -> list[str]:
    """The stacks that do not come to an end."""
    cloudformation: Any = localaws.session().client("cloudformation")
    deadline = time.monotonic() + 20
    while True:
        pages = cloudformation.get_paginator("list_stacks").paginate()
        stacks = [stack for page in pages for stack in page["StackSummaries"]]
        unended = [s["StackName"] for s in stacks if s["StackStatus"].endswith("IN_PROGRESS")]
        if not unended or time.monotonic() > deadline:
            return [f"stack {name} is in progress" for name in unended]
        time.sleep(0.2)


def _echo_endpoint(localaws: LocalAws, models: int) -> None:
    session: Any = localaws.session()
    s3, iam, sagemaker = session.client("s3"), session.client("iam"), session.client("sagemaker")
    s3.create_bucket(Bucket="models")
    for number in range(models):
        s3.put_object(Bucket="models", Key=f"m/{number}.tar.gz", Body=artifact())
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    role = iam.create_role(RoleName="soak", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_role_policy(RoleName="soak", PolicyName="s3", PolicyDocument=document)
    container = {"Image": ECHO, "Mode": "MultiModel", "ModelDataUrl": "s3://models/m/"}
    sagemaker.create_model(
        ModelName="soak", ExecutionRoleArn=role["Arn"], PrimaryContainer=container
    )
    variant = {
        "VariantName": "A",
        "ModelName": "soak",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    sagemaker.create_endpoint_config(EndpointConfigName="soak", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="soak", EndpointConfigName="soak")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="soak", WaiterConfig={"Delay": 1})


def main() -> None:
    """Run all three for some minutes; exit status 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description="What localaws promises, under load and kills.")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=120, help="of the many connections")
    parser.add_argument("--signatures", type=int, default=2000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        faults = kills(Path(folder) / "kills", options.kills, seconds=6)
        answers = evictions(Path(folder) / "evictions", 64, 300, 50, options.seconds)
    faults += signatures(options.signatures)
    faults += [f"{count} x {answer}" for answer, count in answers.items() if answer != "right"]
    print("\n".join(faults) or "every promise was kept")
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    main()
