"""Filters and joins of batch transform."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.jobs.transform.data_processing import (
    Association,
    AssociationError,
    read_csv_record,
)

CSV = "text/csv"
JSON = "application/json"
LINES = "application/jsonlines"


def finish(
    records: list[bytes], content_type: str, answer: bytes, answer_type: str, **processing: str
) -> list[bytes]:
    return Association.of(processing).finish(records, content_type, answer, answer_type)


def test_csv_columns_are_filtered_with_their_quotes_kept_right() -> None:
    association = Association.of({"InputFilter": "$[1:]"})
    assert association.filter_record(b'id,"a,b",2', "text/csv; charset=utf-8") == b'"a,b",2'


def test_a_json_member_can_be_all_that_the_model_sees() -> None:
    association = Association.of({"InputFilter": "$.features"})
    assert association.filter_record(b'{"id": 1, "features": [1, 2]}', JSON) == b"[1,2]"


def test_csv_answers_come_behind_their_rows() -> None:
    assert finish([b"a,1", b"b,2"], CSV, b"10\n20\n", CSV, JoinSource="Input") == [
        b"a,1,10",
        b"b,2,20",
    ]


def test_an_output_filter_works_on_the_joined_row() -> None:
    joined = finish([b"a,1"], CSV, b"10,x\n", CSV, JoinSource="Input", OutputFilter="$[0,-1]")
    assert joined == [b"a,x"]


def test_an_answer_becomes_a_member_of_its_json_record() -> None:
    joined = finish([b'{"id": 1}'], JSON, b'{"score": 2.0}', JSON, JoinSource="Input")
    assert joined == [b'{"SageMakerOutput":{"score":2.0},"id":1}']


def test_a_record_that_is_no_object_is_kept_beside_its_answer() -> None:
    joined = finish([b"[1, 2]"], LINES, b'{"score": 2.0}\n', LINES, JoinSource="Input")
    assert joined == [b'{"SageMakerInput":[1,2],"SageMakerOutput":{"score":2.0}}']


def test_answers_that_are_not_one_a_record_cannot_be_joined() -> None:
    with pytest.raises(AssociationError, match="2 records were answered with 1"):
        finish([b"1", b"2"], CSV, b"10\n", CSV, JoinSource="Input")


def test_an_answer_that_is_not_what_it_says_is_shown() -> None:
    reason = r"Failed to parse output from the algorithm as JSON: .* found near: no json"
    with pytest.raises(AssociationError, match=reason):
        finish([b"{}"], JSON, b"no json", JSON, JoinSource="Input")


def test_other_content_types_cannot_be_joined() -> None:
    with pytest.raises(AssociationError, match="'image/png' cannot be filtered or joined"):
        finish([b"x"], "image/png", b"{}", JSON, JoinSource="Input")


class TestCsv:
    @pytest.mark.parametrize(
        ("line", "fields"),
        [
            ("", [""]),
            ("1,2", ["1", "2"]),
            ("a,", ["a", ""]),
            (' a ,"b"', [" a ", "b"]),
            ('"a ""b"", c",d', ['a "b", c', "d"]),
            ('""', [""]),
            ('"never closed, or so', ["never closed, or so"]),
        ],
    )
    def test_is_read_as_the_service_reads_it(self, line: str, fields: list[str]) -> None:
        assert read_csv_record(line) == fields

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ('pine kernels; ""Tarama"" - good"', 'bare " in non quoted field'),
            ('1, "2"', 'bare " in non quoted field'),
            ('"a"b', 'extraneous " in field'),
        ],
    )
    def test_that_the_service_refuses_is_refused(self, line: str, reason: str) -> None:
        with pytest.raises(ValueError, match=reason):
            read_csv_record(line)

    @given(st.text())
    def test_is_fields_or_a_value_error(self, line: str) -> None:
        with suppress(ValueError):
            assert read_csv_record(line)

    @given(st.lists(st.text(), min_size=1))
    def test_that_was_written_by_the_book_is_read_back(self, fields: list[str]) -> None:
        line = ",".join('"' + field.replace('"', '""') + '"' for field in fields)
        assert read_csv_record(line) == fields
