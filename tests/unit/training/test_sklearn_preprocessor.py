import json
from contextlib import suppress
from pathlib import Path

import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.column import Column, Kind, Missing, Unknown
from fleet.schema import Schema
from localaws.containers.process_host import ProcessHost
from tests.unit.training.preprocessors import SCHEMA, read, run_script
from training.houses import CITIES, Market
from training.preprocessor import sklearn_preprocessor as script

HOUSE = "1988,3040.78,2,2.5,1.46,1,y,n"
PRICED_HOUSE = f"{HOUSE},351000.0"


@pytest.fixture(scope="module")
def model_directory(process_host: ProcessHost, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the script leaves when it runs as a training job on the houses of all cities."""
    channel = tmp_path_factory.mktemp("train")
    for city in CITIES:
        (channel / f"{city}.csv").write_text(Market().houses(city, 200).to_csv())
    model = tmp_path_factory.mktemp("model")
    code, output = run_script(process_host, channel, model)
    assert code == 0, output
    return model


@pytest.fixture(scope="module")
def model(model_directory: Path) -> script.Preprocessor:
    return script.model_fn(str(model_directory))


def features(model: script.Preprocessor, body: str, **headers: str) -> list[list[float]]:
    content_type = headers.get("content_type", "text/csv")
    answer, _ = script.transform(model, body, content_type, "application/json")
    return [instance["features"] for instance in json.loads(answer)["instances"]]


def refusal(model: script.Preprocessor, body: str | bytes, **headers: str) -> script.RequestError:
    with pytest.raises(script.RequestError) as caught:
        script.transform(
            model,
            body,
            headers.get("content_type", "text/csv"),
            headers.get("accept", "application/json"),
        )
    return caught.value


# Fitting


def test_the_artifact_holds_the_model_and_the_script(model_directory: Path) -> None:
    files = {str(p.relative_to(model_directory)) for p in model_directory.rglob("*") if p.is_file()}
    assert files == {
        "model.joblib",
        "ranges.json",
        "code/schema.json",
        "code/sklearn_preprocessor.py",
    }


def test_it_is_fitted_on_every_file_of_the_channel(model: script.Preprocessor) -> None:
    years = np.concatenate([Market().houses(city, 200)["YEAR_BUILT"] for city in CITIES])
    assert model.mean[0] == pytest.approx(years.mean(), rel=1e-12)
    assert model.scale[0] == pytest.approx(years.std(), rel=1e-12)


def test_the_fit_fails_with_file_row_and_column_of_a_bad_cell(
    process_host: ProcessHost, tmp_path: Path
) -> None:
    channel, model = tmp_path / "train", tmp_path / "model"
    channel.mkdir()
    model.mkdir()
    (channel / "Chicago_IL.csv").write_text(f"{PRICED_HOUSE}\n1988,,2,2.5,1.46,1,y,n,351000.0\n")
    code, output = run_script(process_host, channel, model)
    assert code == 1
    assert output == "Chicago_IL.csv: row 2, column SQUARE_FEET: missing\n"
    assert list(model.iterdir()) == []


# Transforming


def test_features_equal_those_of_scikit_learn_to_the_bit(
    model_directory: Path, model: script.Preprocessor
) -> None:
    table = script.parse_csv(Market(seed=5).houses("Chicago_IL").without_label().to_csv(), SCHEMA)
    oracle = joblib.load(model_directory / "model.joblib").transform(script.to_frame(table))
    assert np.array_equal(model.transform(table), oracle)


def test_yes_and_no_become_one_hot_in_the_order_n_y(model: script.Preprocessor) -> None:
    [row] = features(model, "1988,3040.78,2,2.5,1.46,1,y,n")
    assert row[6:] == [0.0, 1.0, 1.0, 0.0]


def test_a_row_without_price_becomes_ten_features(model: script.Preprocessor) -> None:
    assert [len(row) for row in features(model, HOUSE)] == [10]


def test_the_price_comes_first_and_unchanged(model: script.Preprocessor) -> None:
    [row] = features(model, PRICED_HOUSE)
    assert row == [351000.0, *features(model, HOUSE)[0]]


def test_csv_out_holds_the_same_numbers_as_json(model: script.Preprocessor) -> None:
    body, media_type = script.transform(model, PRICED_HOUSE, "text/csv", "text/csv")
    assert media_type == "text/csv"
    rows = [[float(cell) for cell in line.split(",")] for line in body.splitlines()]
    assert rows == features(model, PRICED_HOUSE)


def test_many_rows_are_answered_in_order_and_blank_lines_skipped(
    model: script.Preprocessor,
) -> None:
    other = "2001,2000,3,1.0,0.9,0,n,y"
    rows = features(model, f"{HOUSE}\n\n{other}\r\n{HOUSE}\n")
    assert rows == [features(model, line)[0] for line in (HOUSE, other, HOUSE)]


@pytest.mark.parametrize("accept", ["application/json", "*/*", "", None, "text/html, */*;q=0.1"])
def test_json_is_the_answer_unless_csv_is_asked_for(
    model: script.Preprocessor, accept: str | None
) -> None:
    assert script.transform(model, HOUSE, "text/csv", accept)[1] == "application/json"


def test_content_type_may_carry_a_charset(model: script.Preprocessor) -> None:
    expected = features(model, HOUSE)
    for charset in ("utf-8", "latin-1", "UTF-16"):
        answer, _ = script.transform(
            model, HOUSE.encode(charset), f"Text/CSV; charset={charset}", "application/json"
        )
        assert [i["features"] for i in json.loads(answer)["instances"]] == expected


# Refusing


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "no rows"),
        ("\n\n", "no rows"),
        ("1,2,3", "row 1: 3 columns where 8 or 9 are expected"),
        (f"{HOUSE}\n{PRICED_HOUSE}", "row 2: 9 columns where the first row has 8"),
        ("1988,,2,2.5,1.46,1,y,n", "row 1, column SQUARE_FEET: missing"),
        ("1988,abc,2,2.5,1.46,1,y,n", "row 1, column SQUARE_FEET: 'abc' is not a number"),
        ("1988,nan,2,2.5,1.46,1,y,n", "row 1, column SQUARE_FEET: 'nan' is not a number"),
        ("1988,inf,2,2.5,1.46,1,y,n", "row 1, column SQUARE_FEET: 'inf' is not a number"),
        ("1988,1_0,2,2.5,1.46,1,y,n", "row 1, column SQUARE_FEET: '1_0' is not a number"),
        ("1988,3000,2,2.5,1.46,1,yes,n", "row 1, column FRONT_PORCH: 'yes' is neither y nor n"),
        (
            f"{HOUSE}\n\n1988,3000,2,2.5,x,1,y,",
            "row 3, column LOT_ACRES: 'x' is not a number; row 3, column DECK: missing",
        ),
        (f"{HOUSE},?", "row 1, column PRICE: '?' is not a number"),
    ],
)
def test_bad_input_is_a_400_with_row_and_column(
    model: script.Preprocessor, body: str, message: str
) -> None:
    error = refusal(model, body)
    assert (error.status, str(error)) == (400, message)


def test_only_the_first_problems_are_listed_and_the_others_counted(
    model: script.Preprocessor,
) -> None:
    error = refusal(model, "1988,x,2,2.5,1.46,1,y,n\n" * 25)
    assert str(error).count("SQUARE_FEET") == 10
    assert str(error).endswith("; and 15 more")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content_type": "application/json"}, 415),
        ({"content_type": "text/csv; charset=klingon"}, 415),
        ({"accept": "image/png"}, 406),
    ],
)
def test_other_media_types_are_refused(
    model: script.Preprocessor, headers: dict[str, str], status: int
) -> None:
    assert refusal(model, HOUSE.encode(), **headers).status == status


def test_bytes_that_are_not_of_the_charset_are_a_400(model: script.Preprocessor) -> None:
    assert refusal(model, b"\xff\xfe\xff").status == 400


@given(body=st.text(max_size=80))
def test_any_text_is_answered_or_refused_but_never_fails(body: str) -> None:
    model = script.Preprocessor(SCHEMA, mean=np.zeros(6), scale=np.ones(6))
    with suppress(script.RequestError):
        script.transform(model, body, "text/csv", "application/json")


@given(
    numbers=st.lists(
        st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=6, max_size=6
    )
)
def test_any_finite_numbers_pass(numbers: list[float]) -> None:
    model = script.Preprocessor(SCHEMA, mean=np.zeros(6), scale=np.ones(6))
    [row] = features(model, ",".join(map(repr, numbers)) + ",y,n")
    assert row[:6] == numbers


# Any table


ANY = Schema(
    columns=(
        Column(name="COLOUR", kind=Kind.CATEGORY, categories=("red", "blue, dark")),
        Column(name="SIZE", kind=Kind.NUMBER, missing=Missing.IMPUTE),
        Column(name="SHOP", kind=Kind.CATEGORY, categories=("a", "b"), unknown=Unknown.POOL),
        Column(name="SINCE", kind=Kind.DATE),
        Column(name="NEW", kind=Kind.YES_NO, missing=Missing.IMPUTE),
    ),
    label=Column(name="GRADE", kind=Kind.CATEGORY, categories=("low", "middle", "high")),
)
ROWS = """\
red,1.5,a,1970-01-01,y,low
"blue, dark",,c,1970-01-03,n,high
red,2.5,b,1970-01-02,,middle
"""


@pytest.fixture(scope="module")
def any_model(process_host: ProcessHost, tmp_path_factory: pytest.TempPathFactory) -> Path:
    channel = tmp_path_factory.mktemp("train")
    (channel / "x.csv").write_text(ROWS)
    model = tmp_path_factory.mktemp("model")
    code, output = run_script(process_host, channel, model, ANY)
    assert code == 0, output
    return model


def test_features_stand_in_the_order_of_the_schema(any_model: Path) -> None:
    table = script.parse_csv(ROWS, read(ANY))
    rows = script.model_fn(str(any_model)).transform(table)
    assert rows.shape == (3, 1 + ANY.feature_dim)
    numbers = {name: rows[:, 1 + i].round(6).tolist() for i, name in enumerate(ANY.feature_names)}
    assert rows[:, 0].tolist() == [0.0, 2.0, 1.0]
    assert numbers["COLOUR_red"] == [1.0, 0.0, 1.0]
    assert numbers["SIZE"] == [-1.0, 0.0, 1.0]
    assert numbers["SHOP_other"] == [0.0, 1.0, 0.0]
    assert numbers["SINCE"] == [-1.224745, 1.224745, 0.0]
    assert (numbers["NEW_n"], numbers["NEW_y"]) == ([0.0, 1.0, 0.0], [1.0, 0.0, 0.0])


def test_they_equal_those_of_scikit_learn(any_model: Path) -> None:
    table = script.parse_csv(ROWS, read(ANY))
    oracle = joblib.load(any_model / "model.joblib").transform(script.to_frame(table))
    assert np.array_equal(script.model_fn(str(any_model)).transform(table)[:, 1:], oracle)


def test_the_artifact_says_what_range_it_was_fitted_on(any_model: Path) -> None:
    ranges = json.loads((any_model / "ranges.json").read_text())
    assert ranges == {"SIZE": [1.5, 2.5], "SINCE": [0.0, 2.0]}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("green,1,a,1970-01-01,y", "row 1, column COLOUR: 'green' is not one of red, blue, dark"),
        (",1,a,1970-01-01,y", "row 1, column COLOUR: missing"),
        ("red,nan,a,1970-01-01,y", "row 1, column SIZE: 'nan' is not a number"),
        ("red,1,a,1.1.1970,y", "row 1, column SINCE: '1.1.1970' is not a date such as 2026-11-27"),
        ("red,1,a,1970-01-01,y,best", "row 1, column GRADE: 'best' is not one of low, middle"),
    ],
)
def test_what_the_schema_does_not_allow_is_a_400(any_model: Path, row: str, message: str) -> None:
    error = refusal(script.model_fn(str(any_model)), row)
    assert error.status == 400
    assert str(error).startswith(message)
