"""What the process of a transform job is told: a JSON file in the job's folder."""

import json
from collections.abc import Mapping, Sequence
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

    ``directory``, below the job's folder, is the container's own: its model is in MODEL there, and
    what its script is to be fetched from S3 in CODE_ARCHIVE.
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
    """All that there is to do; the names are those of CreateTransformJob."""

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
