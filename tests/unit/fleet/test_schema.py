"""A schema: what follows from it, its file, and what is said about mistakes."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.column import Column, Kind, Missing, Unknown
from fleet.schema import HOUSES, PredictorType, Schema

NUMBER = Column(name="X", kind=Kind.NUMBER)
COLOUR = Column(name="COLOUR", kind=Kind.CATEGORY, categories=("red", "green", "blue"))


def schema(*columns: Column, label: Column | None = None) -> Schema:
    return Schema(columns=columns, label=label or Column(name="Y", kind=Kind.NUMBER))


def test_houses_have_the_ten_features_of_the_notebook() -> None:
    assert HOUSES.feature_names[-4:] == ("FRONT_PORCH_n", "FRONT_PORCH_y", "DECK_n", "DECK_y")
    assert HOUSES.hyperparameters == {
        "feature_dim": "10",
        "predictor_type": "regressor",
        "loss": "absolute_loss",
    }


def test_categories_are_one_feature_each_and_a_pool_is_one_more() -> None:
    assert schema(COLOUR).feature_names == ("COLOUR_red", "COLOUR_green", "COLOUR_blue")
    pooled = Column(name="C", kind=Kind.CATEGORY, categories=("a", "b"), unknown=Unknown.POOL)
    assert schema(NUMBER, pooled).feature_names == ("X", "C_a", "C_b", "C_other")


@pytest.mark.parametrize(
    ("label", "predictor_type", "decided"),
    [
        (Column(name="Y", kind=Kind.INTEGER), PredictorType.REGRESSOR, {"loss": "absolute_loss"}),
        (Column(name="Y", kind=Kind.YES_NO), PredictorType.BINARY, {}),
        (
            Column(name="Y", kind=Kind.CATEGORY, categories=("no", "perhaps")),
            PredictorType.BINARY,
            {},
        ),
        (
            Column(name="Y", kind=Kind.CATEGORY, categories=("a", "b", "c")),
            PredictorType.MULTICLASS,
            {"num_classes": "3"},
        ),
    ],
)
def test_what_the_label_is_decides_what_linear_learner_is(
    label: Column, predictor_type: PredictorType, decided: dict[str, str]
) -> None:
    made = schema(NUMBER, label=label)
    assert made.predictor_type is predictor_type
    assert made.hyperparameters == {
        "feature_dim": "1",
        "predictor_type": str(predictor_type),
        **decided,
    }


NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True).filter(lambda name: name != "Y")
CATEGORIES = st.lists(
    st.text(st.characters(categories=("L", "N", "P")), min_size=1).filter(lambda t: t != "other"),
    min_size=2,
    max_size=5,
    unique=True,
)


@st.composite
def columns(draw: st.DrawFn, name: str) -> Column:
    kind = draw(st.sampled_from(Kind))
    is_category = kind is Kind.CATEGORY
    return Column(
        name=name,
        kind=kind,
        minimum=draw(st.none() | st.floats(-1e9, 0)) if kind.is_numeric else None,
        default=draw(st.none() | st.text(max_size=5)),
        categories=tuple(draw(CATEGORIES)) if is_category else (),
        missing=draw(st.sampled_from(Missing)),
        unknown=draw(st.sampled_from(Unknown)) if is_category else Unknown.REFUSE,
    )


@given(st.data(), st.lists(NAMES, min_size=1, max_size=5, unique=True))
def test_a_schema_is_read_back_from_its_file(data: st.DataObject, names: list[str]) -> None:
    made = schema(*(data.draw(columns(name)) for name in names))
    assert Schema.from_json(made.to_json()) == made


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ([], "a schema is a JSON object"),
        ({"columns": []}, "a schema has columns and a label"),
        ({"columns": [], "label": {"name": "Y", "kind": "number"}}, "0 columns; allowed: 1 to"),
        (
            {"columns": [{"name": "X", "kind": "text"}], "label": {"name": "Y", "kind": "number"}},
            "X.kind is 'text'; allowed: number, integer, yes_no, category, date",
        ),
        (
            {"columns": [{"name": "X", "kind": "number", "min": 1}], "label": {}},
            "X.min is unknown",
        ),
        (
            {
                "columns": [{"name": "X", "kind": "number", "minimum": "1"}],
                "label": {"name": "Y", "kind": "number"},
            },
            "X.minimum is '1'; it has to be a number",
        ),
        (
            {
                "columns": [{"name": "X", "kind": "category", "categories": ["a"]}],
                "label": {"name": "X", "kind": "number"},
            },
            "column X appears twice\ncolumn X: needs 2 to 1,000 different categories",
        ),
    ],
)
def test_a_file_that_is_no_schema_says_where(document: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        Schema.from_json(json.dumps(document))
