"""Mutated inputs for every parser that a client's bytes reach: each answers its documented error.

``python -m benchmarks.soak.hostile_input [INPUTS]`` shares a million inputs out between them.
"""

import gzip
import io
import json
import random
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from iam_policy import PolicyError, PolicyType, parse_policy
from localaws.admission.reading import HttpRequest, read_call
from localaws.admission.validation import validate
from localaws.artifacts import ArtifactError, S3Location, unpack
from localaws.cloudformation.references import check_references
from localaws.cloudformation.template import check_form
from localaws.cloudformation.template_error import TemplateError
from localaws.errors import AwsError
from localaws.jobs.transform.data_processing import (
    Association,
    AssociationError,
    JsonPath,
    JsonPathError,
    read_csv_record,
)
from localaws.ministack.cloudwatch.log_insights.query import parse_query
from localaws.ministack.cloudwatch.log_insights.rows import Row
from localaws.ministack.cloudwatch.log_insights.tokens import MalformedQueryError
from localaws.ministack.cloudwatch.metric_math import ExpressionError, evaluate
from localaws.patterns import PatternError
from training.linear_learner.artifact import ArtifactError as LinearLearnerArtifactError
from training.linear_learner.artifact import read_artifact_bytes
from training.linear_learner.wire.recordio import Record, RecordError, Tensor, write_record
from training.linear_learner.wire.requests import decode_request
from training.linear_learner.wire.rows import DataError, RequestError
from training.linear_learner.wire.training_data import read_training_csv, read_training_recordio

INPUTS = 1_000_000


@dataclass(frozen=True)
class Parser:
    """Something that reads bytes of a client.

    ``documented`` are the exceptions that it may raise; ``samples`` what it takes.
    """

    name: str
    read: Callable[[bytes], Any]
    documented: tuple[type[Exception], ...]
    samples: tuple[bytes, ...]

    def foreign(self, data: bytes) -> Exception | None:
        """The exception of another kind that the input brings about, if any."""
        try:
            self.read(data)
        except self.documented:
            return None
        except Exception as error:
            return error
        return None


_PIECES = tuple(
    piece.encode()
    for piece in (
        "null", "true", "-1", "0", "1e400", "NaN", "9" * 400, "9" * 5000, "[" * 300, "{" * 50,
        "(" * 300, "-" * 500, "not " * 300, '"', "'", "\\", "\x00", "\x01", "\ufeff", "${", "}",
        "*", "?", "$", "::", ",", ";", "\n", "\r\n", " as a, a", " bin(0s)", "/((a)?)/", "%00", "é",
        "🎉", "Fn::If", "Ref", "label_size=1",
    )
)  # fmt: skip


def mutated(draw: random.Random, samples: tuple[bytes, ...]) -> bytes:
    """A sample with one to four changes."""
    data = bytearray(draw.choice(samples))
    for _ in range(draw.randint(1, 4)):
        at = draw.randint(0, len(data))
        until = min(len(data), at + draw.choice((1, 1, 2, 5, 20)))
        match draw.randrange(6):
            case 0 if data:
                data[draw.randrange(len(data))] = draw.randrange(256)
            case 1:
                del data[at:until]
            case 2:
                data[at:at] = draw.choice(_PIECES)
            case 3:
                data[at:until] = draw.choice(_PIECES)
            case 4:
                data[at:at] = data[at:until] * draw.choice((1, 3, 50))
            case _:
                other = draw.choice(samples)
                cut = draw.randint(0, len(other))
                data[at:] = other[cut:]
    return bytes(data)


def _archive(*members: tarfile.TarInfo) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    return stream.getvalue()


def _member(name: str, size: int = 3, link: str = "", kind: bytes = tarfile.REGTYPE) -> Any:
    member = tarfile.TarInfo(name)
    member.size, member.linkname, member.type = size, link, kind
    return member


_ARCHIVES = (
    _archive(_member("a"), _member("b/c")),
    _archive(_member("a"), _member("h", 0, "missing", tarfile.LNKTYPE)),
    _archive(_member("s", 0, "s", tarfile.SYMTYPE), _member("h", 0, "h", tarfile.LNKTYPE)),
)


def _unpack(data: bytes) -> None:
    """Half of the mutations go inside of the compression, where they are no checksum's affair."""
    with tempfile.TemporaryDirectory() as folder:
        inside = data if data[:2] == b"\x1f\x8b" else gzip.compress(data, 1)
        unpack(inside, Path(folder) / "model")


def _template(data: bytes) -> None:
    try:
        template = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(template, dict):
        check_form(template)
        check_references(template, {}, lambda kind: None)


_ROWS: list[Row] = [
    {"@timestamp": "2026-11-27 06:00:00.000", "@message": "a=1 b=x", "n": "3"},
    {"@timestamp": "2026-11-27 06:01:00.000", "@message": "a=nan", "n": "inf"},
]


def _insights(data: bytes) -> None:
    parse_query(data.decode("utf-8", "replace")).run([dict(row) for row in _ROWS])


def _metric_math(data: bytes) -> None:
    series = {"a": {60.0: 1.5, 120.0: 1e308}, "b": {60.0: 0.0, 120.0: -1e308}}

    def named(name: str) -> dict[float, float]:
        if name not in series:
            raise ExpressionError(name)
        return series[name]

    evaluate(data.decode("utf-8", "replace"), named)


def _json_path(data: bytes) -> None:
    path = JsonPath.parse(data.decode("utf-8", "replace"))
    path.select({"a": [1, {"b": 2}, 3], "instances": [[1, 2], [3]]})


def _association(data: bytes) -> None:
    association = Association.of({"JoinSource": "Input", "OutputFilter": "$[0:2]"})
    association.finish([data], "text/csv", b"1,2\n", "text/csv")
    association.finish([data], "application/json", b'{"score": 1}', "application/json")


def _request(kind: str) -> Callable[[bytes], None]:
    return lambda data: (decode_request(data, kind), None)[1]


def _operation(
    service: str, headers: Mapping[str, str], query: str = ""
) -> Callable[[bytes], None]:
    def read(data: bytes) -> None:
        path = "/bucket" if query else "/"
        request = HttpRequest("PUT" if query else "POST", path, headers, {query: [""]}, data)
        call = read_call(service, request)
        if call is not None:
            validate(call.shape, call.parameters, open_ended=True)

    return read


_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "A",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "sagemaker:*"],
            "Resource": "arn:aws:s3:::b/${aws:PrincipalTag/City, 'x'}/*",
            "Condition": {
                "ForAllValues:StringLike": {"aws:TagKeys": ["a*"]},
                "DateLessThan": {"aws:CurrentTime": "2026-11-27T06:00:00Z"},
                "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
                "NumericEquals": {"s3:max-keys": 10},
                "Null": {"aws:x": True},
                "BinaryEquals": {"a:b": "aGk="},
                "ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"},
            },
        }
    ],
}
_TEMPLATE = {
    "Parameters": {"P": {"Type": "String", "Default": "x"}},
    "Mappings": {"M": {"a": {"b": "c"}}},
    "Conditions": {"C": {"Fn::Equals": [{"Ref": "P"}, "x"]}},
    "Resources": {
        "A": {"Type": "AWS::S3::Bucket", "DependsOn": "B", "Properties": {"BucketName": "x"}},
        "B": {
            "Type": "AWS::SSM::Parameter",
            "Condition": "C",
            "Properties": {"Value": {"Fn::Sub": "${P}-${AWS::Region}"}, "Type": "String"},
        },
    },
    "Outputs": {"O": {"Value": {"Fn::GetAtt": ["A", "Arn"]}, "Export": {"Name": "e"}}},
}
_TENSOR = Tensor(np.array([1.0, 2.0], np.float32))
_RECORD = write_record(Record({"values": _TENSOR}, {"values": _TENSOR}))
_LIFECYCLE = (
    b'<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule><ID>a</ID>'
    b"<Filter><Prefix>p</Prefix></Filter><Status>Enabled</Status><Expiration><Days>3</Days>"
    b"</Expiration></Rule></LifecycleConfiguration>"
)
_PARAMETER = json.dumps({"Name": "/a", "Value": "1", "Tags": [{"Key": "a", "Value": "b"}]}).encode()
_ROLE = b"Action=CreateRole&RoleName=a&AssumeRolePolicyDocument=%7B%7D&Tags.member.1.Key=a"


def _dump(value: object) -> bytes:
    return json.dumps(value).encode()


def parsers() -> tuple[Parser, ...]:
    """All parsers that are tried."""
    return (
        Parser(
            "policy documents",
            lambda data: parse_policy(data, "p", PolicyType.IDENTITY),
            (PolicyError,),
            (_dump(_POLICY),),
        ),
        Parser("templates", _template, (TemplateError,), (_dump(_TEMPLATE),)),
        Parser(
            "Logs Insights",
            _insights,
            (MalformedQueryError, PatternError),
            (
                b"fields n | filter n > 2 and (@message like /a=(?<a>.)/ or not n = 'x')",
                b'parse @message "a=* b=*" as x, y | stats count(*) as c, avg(n) by bin(5m), x',
                b"stats pct(n, 99), max(n), count_distinct(n) by x | sort n desc | limit 20",
                b"parse @message /a=(?<a>\\d)?/ | filter a > 1",
            ),
        ),
        Parser(
            "metric math",
            _metric_math,
            (ExpressionError,),
            (
                b"(a + b) / 2 - -a * 1e3",
                b"IF(a > 1, FILL(b, 0), SUM([a, b])) >= AVG(a)",
                b"ABS(MIN([a, b])) != MAX(b)",
            ),
        ),
        Parser(
            "JSONPath",
            _json_path,
            (JsonPathError,),
            (b"$.a[0]", b"$['a'][1].b", b"$.a[0:2]", b"$[*]"),
        ),
        Parser(
            "joined records",
            _association,
            (AssociationError,),
            (b'1,"a ""b""",3', b'{"a": [1, 2]}'),
        ),
        Parser(
            "CSV records",
            lambda data: read_csv_record(data.decode("utf-8", "replace")),
            (ValueError,),
            (b'1,"a ""b""",3', b"New_York,2,3"),
        ),
        Parser("requests in CSV", _request("text/csv"), (RequestError,), (b"1,2.5,-3e4\n4,5,6\n",)),
        Parser(
            "requests in CSV with labels",
            _request("text/csv; label_size=1"),
            (RequestError,),
            (b"New_York,2,3\n1,2,3\n",),
        ),
        Parser(
            "requests in JSON",
            _request("application/json"),
            (RequestError,),
            (
                b'{"instances": [{"features": [1, 2.5]}, {"features": [3, 4]}]}',
                b'{"instances":[{"data":{"features":{"keys":[0],"shape":[3],"values":[1]}}}]}',
            ),
        ),
        Parser(
            "requests in JSON Lines",
            _request("application/jsonlines"),
            (RequestError,),
            (b'{"features": [1, 2]}\n{"features": [3, 4]}\n',),
        ),
        Parser(
            "requests in RecordIO",
            _request("application/x-recordio-protobuf"),
            (RequestError,),
            (_RECORD,),
        ),
        Parser(
            "training CSV",
            lambda data: read_training_csv(data, "train"),
            (DataError,),
            (b"1,2.5,-3e4\n4,5,6\n",),
        ),
        Parser(
            "training RecordIO",
            lambda data: read_training_recordio(data, "train"),
            (DataError, RecordError),
            (_RECORD,),
        ),
        Parser("model archives", _unpack, (ArtifactError,), _ARCHIVES),
        Parser(
            "Linear Learner artifacts",
            read_artifact_bytes,
            (LinearLearnerArtifactError,),
            _ARCHIVES[:1],
        ),
        Parser(
            "S3 locations",
            lambda data: S3Location.parse(data.decode("utf-8", "replace")),
            (ValueError,),
            (b"s3://bucket/key", b"https://s3.us-east-1.amazonaws.com/bucket/key"),
        ),
        Parser(
            "requests in the JSON protocol",
            _operation("ssm", {"x-amz-target": "AmazonSSM.PutParameter"}),
            (AwsError,),
            (_PARAMETER,),
        ),
        Parser("requests in the query protocol", _operation("iam", {}), (AwsError,), (_ROLE,)),
        Parser("requests in XML", _operation("s3", {}, "lifecycle"), (AwsError,), (_LIFECYCLE,)),
    )


def run(inputs: int, seed: int = 0) -> list[str]:
    """What was seen of another kind, a line each; prints a line a parser."""
    tried = parsers()
    draw = random.Random(seed)
    faults: list[str] = []
    for parser in tried:
        kinds: Counter[str] = Counter()
        for _ in range(inputs // len(tried)):
            data = mutated(draw, parser.samples)
            error = parser.foreign(data)
            if error is not None:
                kinds[type(error).__name__] += 1
                if kinds[type(error).__name__] == 1:
                    faults.append(f"{parser.name}: {error!r:.200} of {data[:200]!r}")
        print(
            f"{parser.name}: {inputs // len(tried):,} inputs, {kinds.total()} foreign", flush=True
        )
    return faults


if __name__ == "__main__":
    found = run(int(sys.argv[1]) if len(sys.argv) > 1 else INPUTS)
    print("\n".join(found) or "no exception of another kind")
    sys.exit(bool(found))
