"""S3, CloudWatch and Logs in memory, and model archives to put there."""

import io
import tarfile
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from localaws.backend import (
    MetricAlarm,
    MetricValues,
    ObjectStore,
    ObjectSummary,
    Scope,
    ServiceStore,
)
from localaws.errors import AwsError

SCOPE = Scope("123456789012", "us-east-1")
BUCKET = "models-bucket"
ROLE = "arn:aws:iam::123456789012:role/hosting"


class MemoryObjectStore:
    """One bucket; ``reads`` lists the keys that were got, ``gate`` holds reads back while clear."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.reads: list[str] = []
        self.denied: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()

    def list_objects(self, bucket: str, prefix: str) -> list[ObjectSummary]:
        self._check(bucket, "s3:ListBucket")
        return [
            ObjectSummary(key, len(body), "etag")
            for key, body in sorted(self.objects.items())
            if key.startswith(prefix)
        ]

    def get_object(self, bucket: str, key: str) -> bytes:
        self._check(bucket, "s3:GetObject")
        self.reads.append(key)
        self.gate.wait(10)
        if key not in self.objects:
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
        return self.objects[key]

    def put_object(self, bucket: str, key: str, body: bytes, same: Path | None = None) -> None:
        self._check(bucket, "s3:PutObject")
        self.objects[key] = body

    def _check(self, bucket: str, action: str) -> None:
        if bucket != BUCKET:
            raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404)
        if action in self.denied:
            raise AwsError("AccessDenied", f"not authorized to perform: {action}", 403)


@dataclass(frozen=True)
class MemoryServiceStore:
    """The bucket as a service may use it."""

    s3: MemoryObjectStore
    bucket: str
    is_denied: bool

    def check(self, folder: str) -> None:
        if self.is_denied:
            raise AwsError("AccessDenied", "no bucket policy allows it", 403)
        if self.bucket != BUCKET:
            raise AwsError("NoSuchBucket", self.bucket, 404)

    def put_object(self, key: str, body: bytes) -> None:
        self.check(key)
        self.s3.objects[key] = body


class MemoryBackend:
    """A ``localaws.backend.Backend``; its members hold what it was sent."""

    def __init__(self) -> None:
        self.s3 = MemoryObjectStore()
        self.metrics: list[tuple[str, MetricValues]] = []
        self.lines: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.alarms: dict[str, MetricAlarm] = {}
        self.states: dict[str, str] = {}
        self.denied: set[str] = set()

    def object_store_as(self, role_arn: str) -> ObjectStore:
        if role_arn != ROLE:
            raise AwsError("AccessDenied", f"sagemaker.amazonaws.com may not assume {role_arn}")
        return self.s3

    def bucket_for_service(
        self, scope: Scope, service: str, bucket: str, source_arn: str
    ) -> ServiceStore:
        return MemoryServiceStore(self.s3, bucket, "s3:PutObject" in self.denied)

    def put_metrics(self, scope: Scope, namespace: str, metrics: Sequence[MetricValues]) -> None:
        self.metrics += [(namespace, values) for values in metrics]

    def put_alarm(self, scope: Scope, alarm: MetricAlarm) -> str:
        self.alarms[alarm.name] = alarm
        return f"arn:aws:cloudwatch:{scope.region}:{scope.account_id}:alarm:{alarm.name}"

    def alarm_exists(self, scope: Scope, name: str) -> bool:
        return name in self.alarms or name in self.states

    def key_exists(self, scope: Scope, key_id: str) -> bool:
        return "missing" not in key_id

    def delete_alarm(self, scope: Scope, name: str) -> None:
        self.alarms.pop(name, None)

    def alarm_states(self, scope: Scope, names: Sequence[str], role_arn: str) -> Mapping[str, str]:
        if "cloudwatch:DescribeAlarms" in self.denied:
            raise AwsError("ValidationException", "not authorized to perform: DescribeAlarms")
        return {name: self.states[name] for name in names if name in self.states}

    def next_of_cron(self, expression: str, after: datetime) -> datetime | None:
        """Every expression is that of every minute."""
        if not expression.startswith("cron("):
            raise ValueError(expression)
        return after.replace(second=0, microsecond=0) + timedelta(minutes=1)

    def put_log_lines(
        self,
        scope: Scope,
        group: str,
        stream: str,
        lines: Sequence[tuple[float, str]],
        role_arn: str | None = None,
    ) -> None:
        self.lines[group, stream] += [text for _, text in lines]

    def values(self, namespace: str, name: str, dimensions: Mapping[str, str]) -> list[float]:
        """Every value of one metric so far, in order."""
        return [
            value
            for sent_to, metric in self.metrics
            if (sent_to, metric.name, metric.dimensions) == (namespace, name, dict(dimensions))
            for value, count in zip(metric.values, metric.counts, strict=True)
            for _ in range(int(count))
        ]


def model_archive(files: Mapping[str, bytes] | None = None) -> bytes:
    """A model.tar.gz that holds these files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, content in (files or {"model": b"weights"}).items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()
