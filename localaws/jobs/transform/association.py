"""Filters of batch transform, and the join of answers with the records that they belong to.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localaws.jobs.transform.json_path import JsonPath, JsonPathError

CSV = "text/csv"
JSON_TYPES = ("application/json", "application/jsonlines")
INPUT_MEMBER = "SageMakerInput"
OUTPUT_MEMBER = "SageMakerOutput"


class AssociationError(ValueError):
    """Records or answers that cannot be filtered or joined; the text says why."""


@dataclass(frozen=True)
class Association:
    """What a transform job does to records before, and to answers after, the model sees them."""

    input_filter: JsonPath
    output_filter: JsonPath
    joins_input: bool

    @classmethod
    def of(cls, data_processing: Mapping[str, str]) -> "Association":
        """Read DataProcessing. Raises ``JsonPathError`` for an invalid filter."""
        return cls(
            JsonPath.parse(data_processing.get("InputFilter", "$")),
            JsonPath.parse(data_processing.get("OutputFilter", "$")),
            data_processing.get("JoinSource") == "Input",
        )

    @property
    def changes_answers(self) -> bool:
        return self.joins_input or not self.output_filter.selects_everything

    def filter_record(self, record: bytes, content_type: str) -> bytes:
        """The part of a record that the model is to see."""
        if self.input_filter.selects_everything:
            return record
        return _write(_select(self.input_filter, _read(record, content_type)), content_type)

    def finish(
        self, records: Sequence[bytes], content_type: str, answer: bytes, answer_type: str
    ) -> list[bytes]:
        """The answers to some records, joined with them and filtered, one each."""
        answers = _answers(answer, answer_type, len(records))
        if len(answers) != len(records):
            raise AssociationError(
                f"{len(records)} records were answered with {len(answers)}: they cannot be joined"
            )
        return [
            _write(
                _select(self.output_filter, self._joined(record, content_type, value)), answer_type
            )
            for record, value in zip(records, answers, strict=True)
        ]

    def _joined(self, record: bytes, content_type: str, answer: Any) -> Any:
        if not self.joins_input:
            return answer
        given = _read(record, content_type)
        if (
            isinstance(given, list)
            and isinstance(answer, list)
            and _media_type(content_type) == CSV
        ):
            return [*given, *answer]
        if isinstance(given, dict):
            return {**given, OUTPUT_MEMBER: answer}
        return {INPUT_MEMBER: given, OUTPUT_MEMBER: answer}


def _answers(answer: bytes, answer_type: str, records: int) -> list[Any]:
    """The values of an answer: the whole of it to one record, else one a line."""
    if _media_type(answer_type) == JSON_TYPES[0] and records == 1:
        return [_read(answer, answer_type)]
    lines = [line for line in answer.splitlines() if line.strip()]
    return [_read(line, answer_type) for line in lines]


def _read(data: bytes, content_type: str) -> Any:
    media_type = _media_type(content_type)
    try:
        if media_type == CSV:
            return next(csv.reader([data.decode()]))
        if media_type in JSON_TYPES:
            return json.loads(data)
    except (ValueError, StopIteration) as error:
        raise AssociationError(f"{data[:100]!r} is not {media_type}: {error}") from error
    raise AssociationError(
        f"content type '{content_type}' cannot be filtered or joined; {CSV}, "
        f"{' and '.join(JSON_TYPES)} can"
    )


def _write(value: Any, content_type: str) -> bytes:
    if _media_type(content_type) != CSV:
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(value if isinstance(value, list) else [value])
    return line.getvalue().encode()


def _select(path: JsonPath, value: Any) -> Any:
    try:
        return path.select(value)
    except JsonPathError as error:
        raise AssociationError(str(error)) from error


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()
