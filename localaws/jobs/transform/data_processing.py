"""JSONPath filters of batch transform, and the join of answers with the records they belong to."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Step = Callable[[Any], Any]

_STEP = re.compile(
    r"""
    \.?(?:
        (?P<wildcard>\*|\[\s*\*\s*\])
      | \[\s*(?P<names>'[^']*'(?:\s*,\s*'[^']*')*|"[^"]*"(?:\s*,\s*"[^"]*")*)\s*\]
      | \[\s*(?P<start>-?\d{1,18})?\s*:\s*(?P<end>-?\d{1,18})?\s*\]
      | \[\s*(?P<indexes>-?\d{1,18}(?:\s*,\s*-?\d{1,18})*)\s*\]
    )
    | \.(?P<name>[^.\[\]*'"\s]+)
    """,
    re.VERBOSE,
)
_NAME = re.compile(r"""'([^']*)'|"([^"]*)\"""")


class JsonPathError(ValueError):
    """An expression that is none, or one that does not fit the data."""


@dataclass(frozen=True)
class JsonPath:
    """A parsed expression."""

    text: str
    steps: tuple[Step, ...]

    @classmethod
    def parse(cls, text: str) -> "JsonPath":
        """Raises ``JsonPathError`` naming the part that is not understood."""
        if not text.startswith("$"):
            raise JsonPathError(f"JSONPath '{text}' does not start with $")
        steps: list[Step] = []
        position = 1
        while position < len(text):
            match = _STEP.match(text, position)
            if match is None:
                raise JsonPathError(f"JSONPath '{text}' is not understood from '{text[position:]}'")
            steps.append(_step(match))
            position = match.end()
        return cls(text, tuple(steps))

    @property
    def selects_everything(self) -> bool:
        return not self.steps

    def select(self, value: Any) -> Any:
        """The part of a value that the expression names.

        Raises
        ------
        JsonPathError
            When the value has no such part.
        """
        try:
            for step in self.steps:
                value = step(value)
        except (LookupError, TypeError) as error:
            shown = json.dumps(value)[:100]
            raise JsonPathError(f"JSONPath '{self.text}' selects nothing of {shown}") from error
        return value


def _step(match: re.Match[str]) -> Step:
    if (name := match["name"]) is not None:
        return lambda value: _member(value, name)
    if (names := match["names"]) is not None:
        return _members([single or double for single, double in _NAME.findall(names)])
    if (indexes := match["indexes"]) is not None:
        return _elements([int(index) for index in indexes.split(",")])
    if match["wildcard"] is not None:
        return _children
    start = int(match["start"]) if match["start"] else None
    end = int(match["end"]) if match["end"] else None
    return lambda value: _list(value)[start:end]


def _members(names: list[str]) -> Step:
    if len(names) == 1:
        return lambda value: _member(value, names[0])
    return lambda value: {name: _member(value, name) for name in names}


def _elements(indexes: list[int]) -> Step:
    if len(indexes) == 1:
        return lambda value: _list(value)[indexes[0]]
    return lambda value: [_list(value)[index] for index in indexes]


def _member(value: Any, name: str) -> Any:
    if not isinstance(value, dict):
        raise TypeError(name)
    return value[name]


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("no list")
    return value


def _children(value: Any) -> Iterable[Any]:
    return list(value.values()) if isinstance(value, dict) else _list(value)


CSV = "text/csv"
JSON_TYPES = ("application/json", "application/jsonlines")
INPUT_MEMBER = "SageMakerInput"
OUTPUT_MEMBER = "SageMakerOutput"


INPUT_RECORD = "input"
ANSWER = "output from the algorithm"
"""How SageMaker calls what it cannot parse (aws/amazon-sagemaker-examples issue 898,
aws/sagemaker-tensorflow-serving-container issue 154)."""

SHOWN_BYTES = 200


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
        """Read DataProcessing.

        Raises
        ------
        JsonPathError
            For an invalid filter.
        """
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
        return _write(
            _select(self.input_filter, _read(record, content_type, INPUT_RECORD)), content_type
        )

    def finish(
        self, records: Sequence[bytes], content_type: str, answer: bytes, answer_type: str
    ) -> list[bytes]:
        """The answers to some records, joined with them and filtered, one each.

        Raises
        ------
        AssociationError
        """
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
        given = _read(record, content_type, INPUT_RECORD)
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
        return [_read(answer, answer_type, ANSWER)]
    lines = [line for line in answer.splitlines() if line.strip()]
    return [_read(line, answer_type, ANSWER) for line in lines]


def _read(data: bytes, content_type: str, what: str) -> Any:
    media_type = _media_type(content_type)
    try:
        if media_type == CSV:
            return read_csv_record(data.decode())
        if media_type in JSON_TYPES:
            return json.loads(data)
    except ValueError as error:
        kind = "CSV" if media_type == CSV else "JSON"
        near = data[:SHOWN_BYTES].decode("utf-8", "replace")
        raise AssociationError(
            f"Failed to parse {what} as {kind}: {error} found near: {near}"
        ) from error
    except RecursionError as error:
        raise AssociationError(f"Failed to parse {what} as JSON: it is too deep") from error
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


def read_csv_record(line: str) -> list[str]:
    """The fields of one line, read as strictly as SageMaker does.

    A quote inside of a field that does not begin with one is an error, and so is what follows a
    closing quote. A field whose quote is never closed goes on to the end: the record ends with its
    line, and a line break inside of quotes cannot be.

    Raises
    ------
    ValueError
    """
    fields = []
    position = 0
    while True:
        if line.startswith('"', position):
            field, position = _quoted_field(line, position + 1)
        else:
            end = line.find(",", position)
            end = len(line) if end < 0 else end
            field, position = line[position:end], end
            if '"' in field:
                raise ValueError('bare " in non quoted field')
        fields.append(field)
        if position >= len(line):
            return fields
        if line[position] != ",":
            raise ValueError('extraneous " in field')
        position += 1


def _quoted_field(line: str, start: int) -> tuple[str, int]:
    """The field whose text begins at ``start``, and where what follows it begins."""
    parts: list[str] = []
    while True:
        end = line.find('"', start)
        if end < 0:
            return "".join([*parts, line[start:]]), len(line)
        parts.append(line[start:end])
        if not line.startswith('""', end):
            return "".join(parts), end + 1
        parts.append('"')
        start = end + 2
