"""Filters and joins of batch transform."""

import pytest

from localaws.jobs.transform.data_processing import Association, AssociationError

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
    with pytest.raises(AssociationError, match="b'no json' is not application/json"):
        finish([b"{}"], JSON, b"no json", JSON, JoinSource="Input")


def test_other_content_types_cannot_be_joined() -> None:
    with pytest.raises(AssociationError, match="'image/png' cannot be filtered or joined"):
        finish([b"x"], "image/png", b"{}", JSON, JoinSource="Input")
