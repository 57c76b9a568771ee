"""The JSONPath of batch transform.

Examples: https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.jobs.transform.data_processing import JsonPath, JsonPathError

ROW = ["id", 1.5, 2.5, "last"]
RECORD = {"id": 7, "features": [1, 2, 3], "deep": {"a": 1, "b": 2}, "with space": 0}


@pytest.mark.parametrize(
    ("expression", "value", "selected"),
    [
        ("$", ROW, ROW),
        ("$[0]", ROW, "id"),
        ("$[-1]", ROW, "last"),
        ("$[0,-1]", ROW, ["id", "last"]),
        ("$[ 0 , 2 ]", ROW, ["id", 2.5]),
        ("$[1:]", ROW, [1.5, 2.5, "last"]),
        ("$[:2]", ROW, ["id", 1.5]),
        ("$[1:3]", ROW, [1.5, 2.5]),
        ("$[-2:]", ROW, [2.5, "last"]),
        ("$[*]", ROW, ROW),
        ("$.features", RECORD, [1, 2, 3]),
        ("$['features']", RECORD, [1, 2, 3]),
        ('$["with space"]', RECORD, 0),
        ("$['id','features']", RECORD, {"id": 7, "features": [1, 2, 3]}),
        ("$.deep.a", RECORD, 1),
        ("$.deep.['a','b']", RECORD, {"a": 1, "b": 2}),
        ("$.deep.*", RECORD, [1, 2]),
        ("$.features[1:]", RECORD, [2, 3]),
        ("$['features'][0]", RECORD, 1),
    ],
)
def test_selects(expression: str, value: Any, selected: Any) -> None:
    assert JsonPath.parse(expression).select(value) == selected


@pytest.mark.parametrize(
    "expression",
    ["", "features", "$x", "$[", "$[a]", "$['a", "$.", "$..a", "$[1:2:3]", "$[?(@.a)]"],
)
def test_refuses_what_is_no_expression(expression: str) -> None:
    with pytest.raises(JsonPathError, match="JSONPath"):
        JsonPath.parse(expression)


@pytest.mark.parametrize(
    ("expression", "value"),
    [("$.nothing", RECORD), ("$[9]", ROW), ("$.features", ROW), ("$[0]", RECORD), ("$[0]", "text")],
)
def test_says_when_there_is_nothing_to_select(expression: str, value: Any) -> None:
    with pytest.raises(JsonPathError, match="selects nothing"):
        JsonPath.parse(expression).select(value)


@given(
    st.lists(st.integers(), min_size=1),
    st.integers(-12, 12) | st.none(),
    st.integers(-12, 12) | st.none(),
)
def test_slices_as_python_does(row: list[int], start: int | None, end: int | None) -> None:
    text = "$[{}:{}]".format(*("" if bound is None else bound for bound in (start, end)))
    assert JsonPath.parse(text).select(row) == row[start:end]


@given(st.text(max_size=20))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    with suppress(JsonPathError):
        assert JsonPath.parse(f"${text}").text == f"${text}"
