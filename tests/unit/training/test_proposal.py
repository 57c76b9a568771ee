"""What ``housing init`` proposes for tables of which nothing is known."""

from pathlib import Path

import pytest

from fleet.column import Kind, Missing, Unknown
from fleet.errors import HousingError
from fleet.schema import PredictorType
from training.entities import read_entities
from training.proposal import Proposal, propose


def write(folder: Path, *lines: str, name: str = "data.csv") -> Path:
    file = folder / name
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


SHOPS = [
    "id;Shop;Opened;Road type;2nd floor;visitors;price per m²;notes",
    *(
        f"{n};{'Nord' if n % 2 else 'Süd'};{1 + n % 28:02}.{1 + n % 12:02}.2025;"
        f"{'AB'[n % 2 if n % 7 else 0]};{['ja', 'nein'][0] if False else 'yn'[n % 3 == 0]};"
        f"{'' if n % 11 == 0 else n * 1000 + 500};{n},{n % 10}5 €;note {n} of many"
        for n in range(1, 61)
    ),
]


@pytest.fixture
def shops(tmp_path: Path) -> Proposal:
    return propose(write(tmp_path, *SHOPS))


def test_each_column_gets_its_kind(shops: Proposal) -> None:
    kinds = {column.name: column.kind for column in shops.schema.columns}
    assert kinds == {
        "OPENED": Kind.DATE,
        "ROAD_TYPE": Kind.CATEGORY,
        "C_2ND_FLOOR": Kind.YES_NO,
        "VISITORS": Kind.INTEGER,
    }


def test_the_label_is_known_by_its_name_and_its_unit_by_its_cells(shops: Proposal) -> None:
    label = shops.schema.label
    assert (label.name, label.kind, label.unit) == ("PRICE_PER_M2", Kind.NUMBER, "€")
    assert shops.schema.predictor_type is PredictorType.REGRESSOR


def test_a_column_of_shops_tells_the_entities(shops: Proposal) -> None:
    assert (shops.schema.entity_column, shops.schema.entity, shops.entities) == ("SHOP", "shop", 2)


def test_ids_and_free_text_are_left_out_and_it_is_said_why(shops: Proposal) -> None:
    assert shops.left_out == (
        "id: every row has another value, as an id has",
        "notes: every row has another value, as an id has",
    )


def test_empty_cells_are_imputed_only_where_there_are_some(shops: Proposal) -> None:
    missing = {column.name: column.missing for column in shops.schema.columns}
    assert missing.pop("VISITORS") is Missing.IMPUTE
    assert set(missing.values()) == {Missing.REFUSE}


def test_what_is_proposed_reads_the_file_that_it_was_proposed_for(tmp_path: Path) -> None:
    file = write(tmp_path, *SHOPS)
    proposal = propose(file)
    read = read_entities(file, proposal.schema)
    assert dict(read.names) == {"Nord": "Nord", "Sud": "Süd"}
    assert sum(map(len, read.tables.values())) == proposal.rows == 60
    assert read.problems == ()


def test_rare_categories_are_pooled(tmp_path: Path) -> None:
    common = [f"{'abcde'[n % 5]},{n}" for n in range(500)]
    rare = [f"rare{n},{n}" for n in range(60)]
    [column] = propose(write(tmp_path, "KIND,Y", *common, *rare)).schema.columns
    assert column.unknown is Unknown.POOL
    assert set(column.categories) >= set("abcde")
    assert len(column.categories) == 50


@pytest.mark.parametrize(
    ("cells", "predictor_type", "classes"),
    [
        (["1.5", "2.5", "3.5"], PredictorType.REGRESSOR, ()),
        (["yes", "no", "yes"], PredictorType.BINARY, ("n", "y")),
        (["low", "high"], PredictorType.BINARY, ("high", "low")),
        (["red", "green", "blue"], PredictorType.MULTICLASS, ("blue", "green", "red")),
        (["0", "1", "2", "10"], PredictorType.MULTICLASS, ("0", "1", "2", "10")),
        ([str(n) for n in range(60)], PredictorType.REGRESSOR, ()),
    ],
)
def test_the_label_decides_between_regression_and_classes(
    tmp_path: Path, cells: list[str], predictor_type: PredictorType, classes: tuple[str, ...]
) -> None:
    rows = [f"{n},{cells[n % len(cells)]}" for n in range(120)]
    schema = propose(write(tmp_path, "X,ANSWER", *rows)).schema
    assert (schema.predictor_type, schema.classes) == (predictor_type, classes)


def test_a_person_may_decide_otherwise(tmp_path: Path) -> None:
    rows = [f"{n},{n % 3},{'ab'[n % 2]},{n * n}" for n in range(90)]
    schema = propose(
        write(tmp_path, "X,ROOMS,TEAM,PRICE", *rows),
        label="rooms",
        label_kind=Kind.NUMBER,
        entity_column="team",
    ).schema
    assert (schema.label.name, schema.predictor_type) == ("ROOMS", PredictorType.REGRESSOR)
    assert schema.entity_column == "TEAM"
    assert schema.names == ("X", "PRICE")


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1.234", "12.500", "7"], Kind.INTEGER),  # grouped: the file has decimal commas
        (["1,5", "2,5", "3,0"], Kind.NUMBER),
    ],
)
def test_grouped_thousands_are_whole_numbers(tmp_path: Path, cells: list[str], kind: Kind) -> None:
    rows = [f"{cells[n % 3]};{n},25" for n in range(60)]
    [column] = propose(write(tmp_path, "KM;PRICE", *rows)).schema.columns
    assert column.kind is kind


def test_a_few_cells_of_another_kind_are_told_and_do_not_decide(tmp_path: Path) -> None:
    rows = [f"{n / 4},{n % 7}{n}" for n in range(200)]
    rows[150] = "warm,3"
    proposal = propose(write(tmp_path, "HEAT,PRICE", *rows))
    [column] = proposal.schema.columns
    assert column.kind is Kind.NUMBER
    assert proposal.left_out == ("data.csv, line 152, HEAT: 'warm' is not a number",)


def test_dates_have_the_middle_one_as_default(tmp_path: Path) -> None:
    rows = [f"2026-01-{1 + n % 31:02},{n}" for n in range(62)]
    [column] = propose(write(tmp_path, "DAY,PRICE", *rows)).schema.columns
    assert (column.kind, column.default) == (Kind.DATE, "2026-01-16")


def test_without_an_entity_the_columns_that_could_tell_it_are_named(tmp_path: Path) -> None:
    rows = [f"{n},{['Köln', 'Mainz'][n % 2]},x{n},{n * n}" for n in range(90)]
    proposal = propose(write(tmp_path, "X,Stadt,Text,PRICE", *rows))
    assert proposal.choices == {"Stadt": 2}


def test_quoted_line_breaks_do_not_hide_the_separator(tmp_path: Path) -> None:
    rows = [f'{n}\t"said ""hi""\nagain"\t{n * 7}' for n in range(90)]
    schema = propose(write(tmp_path, "X\tNOTE\tPRICE", *rows)).schema
    assert (schema.label.name, schema.names) == ("PRICE", ("X",))


def test_remarks_above_the_header_are_seen_through(tmp_path: Path) -> None:
    rows = [f"{n},{n * 7}" for n in range(90)]
    schema = propose(write(tmp_path, "Export of 2026", "", "X,PRICE", *rows)).schema
    assert (schema.label.name, schema.names) == ("PRICE", ("X",))


def test_files_of_a_folder_that_cannot_be_used_stop_no_other(tmp_path: Path) -> None:
    rows = [f"{n},{n * n}.5" for n in range(30)]
    for name in ("Lyon", "Nice"):
        write(tmp_path, "x,price", *rows, name=f"{name}.csv")
    (tmp_path / "empty.csv").touch()
    write(tmp_path, "x,price", name="header.csv")
    write(tmp_path, "x,x,price", "1,2,3", name="twice.csv")
    write(tmp_path, "x,other", "1,2", name="without.csv")
    proposal = propose(tmp_path)
    assert (proposal.entities, proposal.rows, proposal.schema.names) == (2, 60, ("X",))
    assert proposal.left_out == (
        "empty.csv: empty; the first line names the columns",
        "header.csv: no rows below the names of the columns",
        "twice.csv: column x appears twice",
        "without.csv: has no column PRICE, as the other files have",
    )


def test_a_folder_has_a_file_for_each_entity(tmp_path: Path) -> None:
    for name in ("Lyon", "Nice"):
        write(tmp_path, "x,city,price", "1,a,2", "2,b,3.5", name=f"{name}.csv")
    proposal = propose(tmp_path)
    assert (proposal.schema.entity_column, proposal.entities) == (None, 2)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (("x,y",), "no rows below the names"),
        (("x,y", "1,", "2,3"), "label y: 1 rows have none"),
        (("x,y", "1,2", "2,2"), "label y: all rows have the same"),
        (("x,y", "1,2", "1,3"), "no column is left to predict y from"),
        (("x,x,y", "1,2,3", "4,5,6"), "column x appears twice"),
    ],
)
def test_what_cannot_be_predicted_is_said(
    tmp_path: Path, lines: tuple[str, ...], problem: str
) -> None:
    with pytest.raises(HousingError, match=problem):
        propose(write(tmp_path, *lines))


@pytest.mark.parametrize(
    ("name", "predictor_type", "features"),
    [
        ("diabetes", PredictorType.REGRESSOR, 10),
        ("wine", PredictorType.MULTICLASS, 13),
        ("breast_cancer", PredictorType.BINARY, 30),
    ],
)
def test_the_data_sets_of_scikit_learn_need_no_help(
    tmp_path: Path, name: str, predictor_type: PredictorType, features: int
) -> None:
    from sklearn import datasets  # which takes seconds

    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    file = tmp_path / "data.csv"
    frame.to_csv(file, index=False)
    schema = propose(file).schema
    assert schema.predictor_type is predictor_type
    assert schema.feature_dim == features
    [table] = read_entities(file, schema).tables.values()
    assert len(table) == len(frame)
