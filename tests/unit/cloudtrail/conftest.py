import gzip
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from iam_policy import PolicySet, Principal
from localaws.admission.reading import HttpRequest
from localaws.authorization import Identity
from localaws.cloudtrail.api import CloudTrailApi
from localaws.cloudtrail.history import EventHistory
from localaws.cloudtrail.recorder import Recorder
from localaws.cloudtrail.records import Asked
from localaws.cloudtrail.trails import Trails
from localaws.sagemaker.store import ResourceStore
from localaws.testing.memory import BUCKET, SCOPE, MemoryBackend

ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/housing"
USER = Identity(
    Principal("arn:aws:iam::123456789012:user/ann", "123456789012"),
    PolicySet(),
    {"aws:PrincipalType": "User", "aws:userid": "AIDA1"},
)


@dataclass
class CloudTrail:
    """CloudTrail over a bucket in memory; ``deliver`` is called by the tests."""

    backend: MemoryBackend
    trails: Trails
    recorder: Recorder
    api: CloudTrailApi

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        return self.api.call(SCOPE, operation, request)

    def make_trail(self, *advanced: dict[str, Any], name: str = "audit") -> None:
        self.call("CreateTrail", Name=name, S3BucketName=BUCKET)
        if advanced:
            self.call("PutEventSelectors", TrailName=name, AdvancedEventSelectors=list(advanced))
        self.call("StartLogging", Name=name)

    def delivered(self) -> list[dict[str, Any]]:
        """The records of all files, after a delivery."""
        self.recorder.deliver()
        return [
            record
            for key, body in sorted(self.backend.s3.objects.items())
            if "CloudTrail" in key
            for record in json.loads(gzip.decompress(body))["Records"]
        ]


@pytest.fixture
def cloudtrail(tmp_path: Path) -> Iterator[CloudTrail]:
    backend = MemoryBackend()
    store = ResourceStore(tmp_path / "store.sqlite")
    trails, history = Trails(store, backend), EventHistory(tmp_path / "history.sqlite")
    trails.start()
    recorder = Recorder(trails, history)
    yield CloudTrail(backend, trails, recorder, CloudTrailApi(trails, history))
    recorder.close()
    store.close()


def invocation(arn: str = ARN, **members: Any) -> Asked:
    """An invocation of an endpoint."""
    request = HttpRequest("POST", "/endpoints/housing/invocations", {"user-agent": "x"}, {}, b"")
    return asked("sagemaker", request, endpoint_arn=arn, **members)


def json_call(service: str, target: str, body: dict[str, Any], **members: Any) -> Asked:
    """A call in the JSON protocol."""
    headers = {"x-amz-target": target}
    return asked(
        service, HttpRequest("POST", "/", headers, {}, json.dumps(body).encode()), **members
    )


def query_call(service: str, form: str, **members: Any) -> Asked:
    """A call in the query protocol."""
    return asked(service, HttpRequest("POST", "/", {}, {}, form.encode()), **members)


def asked(service: str, request: HttpRequest, **members: Any) -> Asked:
    """A request by Ann."""
    values = {"at": time.time(), "identity": USER, "status": 200, "request_id": "id", **members}
    return Asked(scope=SCOPE, access_key_id="AKIA1", service=service, request=request, **values)
