"""Files to records, records to requests, answers to files; and the plan that says how."""

import json
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

PLAN_FILE = "plan.json"
INPUT = "input"
OUTPUT = "output"
FAILURES_FILE = "failures.json"
MODEL = "model"
CODE_ARCHIVE = "sourcedir.tar.gz"


@dataclass(frozen=True)
class ContainerPlan:
    """One container of the model.

    ``directory``, below the job's folder, is the container's /opt/ml, with its model in MODEL; what
    its script is to be fetched from S3 is beside it, in CODE_ARCHIVE behind the folder's name.
    """

    image: str
    environment: Mapping[str, str]
    directory: str


@dataclass(frozen=True)
class FilePlan:
    """One input file: its name in messages (``bucket/key``) and its path in the input folder."""

    name: str
    path: str


@dataclass(frozen=True)
class TransformPlan:
    """All that there is to do; the names are those of CreateTransformJob.

    ``without_opt_ml`` says why containers do not see /opt/ml; it is empty where they do.
    """

    containers: Sequence[ContainerPlan]
    files: Sequence[FilePlan]
    content_type: str
    accept: str
    split_type: str
    batch_strategy: str
    assemble_with: str
    maximum_payload_bytes: int
    invocations_timeout_seconds: int
    data_processing: Mapping[str, str]
    without_opt_ml: str = ""

    def write(self, directory: Path) -> None:
        (directory / PLAN_FILE).write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, directory: Path) -> "TransformPlan":
        values = json.loads((directory / PLAN_FILE).read_text())
        containers = [ContainerPlan(**container) for container in values.pop("containers")]
        files = [FilePlan(**file) for file in values.pop("files")]
        return cls(containers=containers, files=files, **values)


@dataclass(frozen=True)
class FileFailure:
    """Why a file could not be transformed.

    ``records`` says which of its records were in the request that failed, ``client`` whether its
    own contents are at fault.
    """

    name: str
    text: str
    client: bool
    records: str = ""


def write_failures(directory: Path, failures: Sequence[FileFailure]) -> None:
    """Leave the failures for the process that waits."""
    (directory / FAILURES_FILE).write_text(json.dumps([asdict(failure) for failure in failures]))


def read_failures(directory: Path) -> list[FileFailure]:
    """What the process left; nothing when it ended before it could."""
    try:
        values = json.loads((directory / FAILURES_FILE).read_text())
    except FileNotFoundError:
        return []
    return [FileFailure(**value) for value in values]


RECORDIO_MAGIC = 0xCED7230A
RECORDIO_HEADER = struct.Struct("<II")
TFRECORD_HEADER = struct.Struct("<Q")
TFRECORD_CHECKSUMS = 8


class RecordError(ValueError):
    """A file that cannot be split into records, or a record that is too large."""


@dataclass(frozen=True)
class Batch:
    """One request with the records that it holds; ``first`` counts from 1 within the file."""

    body: bytes
    records: Sequence[bytes]
    first: int

    @property
    def place(self) -> str:
        """Which records of the file these are."""
        if len(self.records) == 1:
            return f"record {self.first}"
        return f"records {self.first} to {self.first + len(self.records) - 1}"


def split(data: bytes, split_type: str) -> list[bytes]:
    """The records of a file, lines without their ends; empty lines are no records.

    Raises
    ------
    RecordError
        When a RecordIO or TFRecord file is cut off, or is not one.
    """
    if split_type == "Line":
        lines = data.split(b"\n")
        return [line.removesuffix(b"\r") for line in lines if line.strip()]
    if split_type in _FRAME_SIZES:
        return list(_frames(data, _FRAME_SIZES[split_type]))
    return [data] if data else []


def batches(
    records: Sequence[bytes], split_type: str, strategy: str, maximum_bytes: int
) -> Iterator[Batch]:
    """Requests of one record each, or of as many as fit into the payload.

    Raises
    ------
    RecordError
        For a record that does not fit.
    """
    separator = b"\n" if split_type == "Line" else b""
    pending: list[bytes] = []
    size, first = 0, 1
    for number, record in enumerate(records, start=1):
        if len(record) > maximum_bytes:
            raise RecordError(
                f"record {number} has {len(record)} bytes; MaxPayloadInMB allows {maximum_bytes}"
            )
        longer = size + len(separator) + len(record)
        if pending and (strategy == "SingleRecord" or longer > maximum_bytes):
            yield Batch(separator.join(pending), pending, first)
            pending, first = [], number
        size = longer if pending else len(record)
        pending.append(record)
    if pending:
        yield Batch(separator.join(pending), pending, first)


def assemble(answers: Iterable[bytes], assemble_with: str) -> bytes:
    """One file of all answers, each on lines of its own when assembled with ``Line``."""
    if assemble_with == "Line":
        return b"".join(answer.removesuffix(b"\n") + b"\n" for answer in answers if answer)
    return b"".join(answers)


def _frames(data: bytes, frame_size: Callable[[bytes, int], int]) -> Iterator[bytes]:
    offset = 0
    while offset < len(data):
        try:
            end = offset + frame_size(data, offset)
        except struct.error:
            end = len(data) + 1
        if end > len(data):
            raise RecordError(f"the record at byte {offset} is cut off")
        yield data[offset:end]
        offset = end


def _recordio_size(data: bytes, offset: int) -> int:
    magic, length = RECORDIO_HEADER.unpack_from(data, offset)
    if magic != RECORDIO_MAGIC:
        raise RecordError(f"there is no RecordIO record at byte {offset}")
    padded = length + (-length % 4)
    return RECORDIO_HEADER.size + int(padded)


def _tfrecord_size(data: bytes, offset: int) -> int:
    (length,) = TFRECORD_HEADER.unpack_from(data, offset)
    return TFRECORD_HEADER.size + TFRECORD_CHECKSUMS + int(length)


_FRAME_SIZES = {"RecordIO": _recordio_size, "TFRecord": _tfrecord_size}
