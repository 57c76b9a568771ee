"""People's CSV files: what is seen through, what is refused, and how both are told."""

import csv
import io
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.column import Column, Kind, Missing, Unknown
from fleet.schema import HOUSES, Schema
from training.cells import CellError, Dialect, day, find_date_order, find_dialect, number
from training.entities import read_entities
from training.houses import COLUMNS, Market
from training.reader import parse_rows, read_rows
from training.sheet import RowsError

HEADER = ",".join(COLUMNS)
ROW = "1988,3040.78,2,2.5,1.46,1,y,n,351000"
EXPECTED = "1988,3040.78,2,2.5,1.46,1,y,n,351000.0\n"


def write(folder: Path, *lines: str, name: str = "Chicago_IL.csv") -> Path:
    file = folder / name
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def problems(file: Path, *, with_label: bool = True, schema: Schema = HOUSES) -> tuple[str, ...]:
    with pytest.raises(RowsError) as caught:
        read_rows(file, schema, with_label=with_label)
    return caught.value.problems


def understood(content: str | bytes) -> tuple[str, tuple[str, ...]]:
    """The rows as the bucket has them, and what is said about the file."""
    encoded = content if isinstance(content, bytes) else content.encode()
    rows = parse_rows(encoded, "Chicago_IL.csv", HOUSES, with_label=True)
    return rows.table.to_csv(), rows.notes


# What is seen through


def test_a_file_of_the_market_reads_back_as_it_was_and_nothing_is_said(tmp_path: Path) -> None:
    houses = Market().houses("Chicago_IL", 50)
    rows = read_rows(write(tmp_path, HEADER, houses.to_csv()), HOUSES, with_label=True)
    assert rows.table.to_csv() == houses.to_csv()
    assert rows.notes == ()


def spelled(change: Callable[[str], str]) -> str:
    return "\n".join([change(HEADER), ROW])


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (f"{HEADER}\n{ROW}".encode("utf-8-sig"), ""),
        (f"{HEADER}\r\n{ROW}\r\n".encode(), ""),
        (f"{HEADER}\n\n{ROW}\n,,,,,,,,\n".encode(), ""),
        (f"{HEADER}\n{ROW}".encode("utf-16"), "UTF-16"),
        (f"{HEADER},NOTE\n{ROW},café".encode("cp1252"), "Windows-1252; ignored: NOTE"),
        (f"{HEADER}\n{ROW}".replace(",", ";").encode(), "separated by semicolons"),
        (f"{HEADER}\n{ROW}".replace(",", "\t").encode(), "separated by tabs"),
        (f"{HEADER}\n{ROW}".replace(",", "|").encode(), "separated by bars"),
        (
            f"{HEADER}\n{ROW}".replace(",", ";").replace(".", ",").encode(),
            "separated by semicolons; decimal comma",
        ),
        (f"Exported from MLS 2024-01-01\n{HEADER}\n{ROW}".encode(), "header in line 2"),
        (f"id,{HEADER},notes\n7,{ROW},nice".encode(), "ignored: id, notes"),
        (f"{HEADER},\n{ROW},".encode(), ""),
        (spelled(str.lower).encode(), ""),
        (spelled(lambda header: header.replace("_", " ").title()).encode(), ""),
        (spelled(lambda header: header.replace("_", "").title()).encode(), ""),
        (
            f'{HEADER}\n1988,"3,040.78",2,2.5,1.46,1,y,n,"$351,000"'.encode(),
            "",
        ),
        (
            f"{HEADER}\n1988;3.040,78;2;2,5;1,46;1;y;n;351.000 €".replace(",Y", "Y")
            .replace(HEADER, HEADER.replace(",", ";"))
            .encode(),
            "separated by semicolons; decimal comma",
        ),
        (f"{HEADER}\n1988,3040.78,2.0,2.5,1.46,1,YES,False,3.51e5".encode(), ""),
        (f"{HEADER}\n1988, 3040.78 ,2,2.5,1.46,1, 1 ,0,351'000".encode(), ""),
    ],
)
def test_files_that_say_the_same_are_read_as_the_same(content: bytes, note: str) -> None:
    table, notes = understood(content)
    assert table == EXPECTED
    assert [line.partition("rows; ")[2] for line in notes] == ([note] if note else [])


def test_columns_may_come_in_any_order() -> None:
    shuffled = f"{','.join(reversed(COLUMNS))}\n{','.join(reversed(ROW.split(',')))}"
    assert understood(shuffled)[0] == EXPECTED


def test_the_label_may_be_missing_where_it_is_to_be_predicted(tmp_path: Path) -> None:
    file = write(tmp_path, HEADER.removesuffix(",PRICE"), ROW.removesuffix(",351000"))
    table = read_rows(file, HOUSES, with_label=False).table
    assert (table.label, len(table)) == (None, 1)


# Numbers and dates


@pytest.mark.parametrize(
    ("cells", "decimal_comma"),
    [
        (["1,316"], False),
        (["1,316", "2,5"], True),
        (["1.316", "2,5"], True),
        (["1.316,5"], True),
        (["1,316.5"], False),
        (["1.316.500"], True),
        (["1,316", "2.5"], False),
        (["$1,316", "3"], False),
    ],
)
def test_a_comma_is_a_decimal_comma_only_where_nothing_else_explains_the_file(
    cells: list[str], decimal_comma: bool
) -> None:
    assert find_dialect(cells).decimal_comma is decimal_comma


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_as_python_writes_it_is_read_as_it_is(value: float) -> None:
    assert number(repr(value), Dialect()) == value


@given(st.integers(-(10**12), 10**12), st.integers(0, 99))
def test_grouped_numbers_are_read_in_both_dialects(whole: int, cents: int) -> None:
    english = f"{whole:,}.{cents:02}"
    german = english.translate(str.maketrans(",.", ".,"))
    expected = float(f"{whole}.{cents:02}")
    assert number(english, Dialect()) == expected
    assert number(german, Dialect(decimal_comma=True)) == expected


@given(st.text(max_size=12))
def test_any_cell_is_a_finite_number_or_a_named_problem(cell: str) -> None:
    for dialect in (Dialect(), Dialect(decimal_comma=True)):
        with suppress(CellError):
            assert np.isfinite(number(cell, dialect))


@pytest.mark.parametrize(
    ("cells", "order", "cell", "expected"),
    [
        (["1970-01-02"], None, "1970-01-02", 1),
        (["1970/1/2"], None, "1970/1/2", 1),
        (["02.01.1970"], "dmy", "02.01.1970", 1),
        (["31/01/1970", "02/01/1970"], "dmy", "02/01/1970", 1),
        (["01/31/1970", "01/02/1970"], "mdy", "01/02/1970", 1),
        (["1970-01-02T10:30:00Z"], None, "1970-01-02T10:30:00Z", 1),
        (["1970-01-02 10:30"], None, "1970-01-02 10:30", 1),
        (["02-Jan-1970"], None, "02-Jan-1970", 1),
        (["2 january 1970"], None, "2 january 1970", 1),
    ],
)
def test_dates_are_read_as_the_whole_column_means_them(
    cells: list[str], order: str | None, cell: str, expected: int
) -> None:
    assert find_date_order(cells) == order
    assert day(cell, order) == expected


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("03/04/2020", "'03/04/2020' could be two dates; write 2020-04-03"),
        ("2020-02-30", "'2020-02-30' is not a day of any calendar"),
        ("19-Foo-2003", "'19-Foo-2003' is not a day of any calendar"),
        ("19-Sep-03", "'19-Sep-03' is not a date; write it as 2026-11-27"),
        ("soon", "'soon' is not a date; write it as 2026-11-27"),
    ],
)
def test_a_date_is_not_guessed(cell: str, problem: str) -> None:
    with pytest.raises(CellError, match=problem):
        day(cell, find_date_order([cell]))


# What is refused


@pytest.mark.parametrize(
    ("column", "cell", "problem"),
    [
        ("YEAR_BUILT", "88", "'88' is not a whole number from 1,000 to 9,999"),
        ("YEAR_BUILT", "", "missing"),
        ("YEAR_BUILT", "N/A", "missing"),
        ("YEAR_BUILT", "2003.5", "'2003.5' is not a whole number"),
        ("SQUARE_FEET", "large", "'large' is not a number"),
        ("SQUARE_FEET", "-5", "'-5' is not a number from 1 to 1,000,000"),
        ("SQUARE_FEET", "nan", "missing"),
        ("SQUARE_FEET", "1e40", "'1e40' is not a number from 1 to 1,000,000"),
        ("SQUARE_FEET", "1e999", "'1e999' is too large a number"),
        ("NUM_BEDROOMS", "1e30", "'1e30' is not a whole number from 0 to 1,000"),
        ("NUM_BATHROOMS", "-1", "'-1' is not a number from 0 to 1,000"),
        ("LOT_ACRES", "1_0", "'1_0' is not a number"),
        ("GARAGE_SPACES", "two", "'two' is not a number"),
        ("FRONT_PORCH", "maybe", "'maybe' is neither y nor n"),
        ("DECK", "", "missing"),
        ("PRICE", "0", "'0' is not a number from 0.01 to 1,000,000,000,000"),
    ],
)
def test_a_bad_cell_is_named_with_what_is_allowed(
    tmp_path: Path, column: str, cell: str, problem: str
) -> None:
    cells = ROW.split(",")
    cells[COLUMNS.index(column)] = cell
    file = write(tmp_path, HEADER, ROW, ",".join(cells))
    assert problems(file) == (f"Chicago_IL.csv, line 3, {column}: {problem}",)


def test_every_bad_cell_is_named_in_the_order_of_the_lines(tmp_path: Path) -> None:
    file = write(tmp_path, HEADER, "x,1,2,3,4,5,?,n,1", ROW, "1988,1,2,3,4,5,y,n,-1")
    assert [problem.partition(": ")[0] for problem in problems(file)] == [
        "Chicago_IL.csv, line 2, YEAR_BUILT",
        "Chicago_IL.csv, line 2, FRONT_PORCH",
        "Chicago_IL.csv, line 4, PRICE",
    ]


def test_a_row_of_another_width_is_named(tmp_path: Path) -> None:
    file = write(tmp_path, HEADER, ROW, "1988,3040")
    assert problems(file) == ("Chicago_IL.csv, line 3: 2 cells under 9 columns",)


def test_missing_columns_are_named_with_those_that_may_be_meant(tmp_path: Path) -> None:
    header = HEADER.replace("LOT_ACRES", "LOT_SIZE")
    assert problems(write(tmp_path, header, ROW)) == (
        "Chicago_IL.csv: column LOT_ACRES is missing; the file has LOT_SIZE besides",
    )


def test_a_table_of_something_else_is_one_line_with_what_to_do(tmp_path: Path) -> None:
    assert problems(write(tmp_path, "id,name", "1,a")) == (
        f"Chicago_IL.csv: columns {', '.join(COLUMNS)} are missing; the file has id, name besides"
        "; housing init proposes a schema for other tables",
    )


def test_a_column_that_appears_twice_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, f"{HEADER},price", f"{ROW},1")
    assert problems(file) == ("Chicago_IL.csv: column PRICE appears twice",)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [((), "empty; the first line names the columns"), ((HEADER,), "no houses")],
)
def test_a_file_without_rows_is_refused(
    tmp_path: Path, lines: tuple[str, ...], problem: str
) -> None:
    assert problems(write(tmp_path, *lines)) == (f"Chicago_IL.csv: {problem}",)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert problems(tmp_path / "none.csv") == (
        f"{tmp_path / 'none.csv'}: No such file or directory",
    )


def test_a_long_list_of_problems_is_shortened_in_the_message_alone(tmp_path: Path) -> None:
    file = write(tmp_path, HEADER, *["x" + ROW] * 30)
    with pytest.raises(RowsError, match="and 10 more") as caught:
        read_rows(file, HOUSES, with_label=True)
    assert len(caught.value.problems) == 30


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_but_never_fail(content: bytes) -> None:
    with suppress(RowsError):
        parse_rows(HEADER.encode() + b"\n" + content, "x.csv", HOUSES, with_label=True)


# Entities


def test_a_folder_gives_the_rows_of_each_city(tmp_path: Path) -> None:
    for city in ("Chicago_IL", "Houston_TX"):
        write(tmp_path, HEADER, Market().houses(city, 5).to_csv(), name=f"{city}.csv")
    read = read_entities(tmp_path, HOUSES)
    assert list(read.tables) == ["Chicago_IL", "Houston_TX"]
    expected = Market().houses("Houston_TX", 5).to_csv()
    assert read.tables["Houston_TX"].to_csv() == expected


def test_a_broken_file_of_one_city_does_not_stop_the_others(tmp_path: Path) -> None:
    write(tmp_path, HEADER, "x" + ROW, name="Chicago_IL.csv")
    write(tmp_path, HEADER, ROW, name="Houston_TX.CSV")
    read = read_entities(tmp_path, HOUSES)
    assert list(read.tables) == ["Houston_TX"]
    assert read.problems == ("Chicago_IL.csv, line 2, YEAR_BUILT: 'x1988' is not a number",)


def test_where_no_file_can_be_used_all_are_named(tmp_path: Path) -> None:
    write(tmp_path, HEADER, "x" + ROW, name="Chicago_IL.csv")
    write(tmp_path, HEADER, name="Houston_TX.csv")
    with pytest.raises(RowsError) as caught:
        read_entities(tmp_path, HOUSES)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "Chicago_IL.csv, line 2, YEAR_BUILT",
        "Houston_TX.csv",
    ]


def test_names_with_accents_and_blanks_get_a_key_and_keep_their_name(tmp_path: Path) -> None:
    for city in ("São Paulo", "Coeur d'Alene", "St. Louis", "a" * 70):
        write(tmp_path, HEADER, ROW, name=f"{city}.csv")
    names = dict(read_entities(tmp_path, HOUSES).names)
    long_key = next(key for key in names if key.startswith("aaa"))
    assert len(long_key) == 63
    assert names.pop(long_key) == "a" * 70
    assert names == {
        "Coeur_d_Alene": "Coeur d'Alene",
        "Sao_Paulo": "São Paulo",
        "St_Louis": "St. Louis",
    }


def test_two_names_with_one_key_are_refused(tmp_path: Path) -> None:
    write(tmp_path, HEADER, ROW, name="St Louis.csv")
    write(tmp_path, HEADER, ROW, name="St. Louis.csv")
    read = read_entities(tmp_path, HOUSES)
    assert read.problems == (
        "St. Louis.csv: 'St. Louis' and 'St Louis' both become St_Louis; rename one",
    )


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RowsError, match="no CSV file in this folder"):
        read_entities(tmp_path, HOUSES)


SHOPS = Schema(
    row="day",
    entity="shop",
    entity_column="SHOP",
    columns=(
        Column(name="WEATHER", kind=Kind.CATEGORY, categories=("sun", "rain, heavy")),
        Column(name="VISITORS", kind=Kind.INTEGER, missing=Missing.IMPUTE),
        Column(name="ROAD", kind=Kind.CATEGORY, categories=("A", "B"), unknown=Unknown.POOL),
        Column(name="DAY", kind=Kind.DATE),
    ),
    label=Column(name="GOOD", kind=Kind.YES_NO),
)


def test_one_file_with_a_column_of_entities_gives_the_rows_of_each(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "shop;weather;visitors;road;day;good",
        "Nord;sun;1.200.000;A;31.12.2025;yes",
        "Süd;Rain, heavy;;Z;01.01.2026;no",
        "Nord;SUN;7;b;02.01.2026;n",
    )
    read = read_entities(file, SHOPS)
    assert dict(read.names) == {"Nord": "Nord", "Sud": "Süd"}
    assert read.tables["Nord"].to_csv() == "sun,1200000,A,2025-12-31,y\nsun,7,B,2026-01-02,n\n"
    assert read.tables["Sud"].to_csv() == '"rain, heavy",,other,2026-01-01,n\n'


def test_one_file_without_such_a_column_is_one_entity(tmp_path: Path) -> None:
    read = read_entities(write(tmp_path, HEADER, ROW, name="Chicago IL.csv"), HOUSES)
    assert dict(read.names) == {"Chicago_IL": "Chicago IL"}


def test_what_is_written_for_the_bucket_is_read_back(tmp_path: Path) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(
        [
            ["WEATHER", "VISITORS", "ROAD", "DAY", "GOOD"],
            ["rain, heavy", "", "A", "2026-01-01", "y"],
        ]
    )
    rows = parse_rows(text.getvalue().encode(), "x.csv", SHOPS, with_label=False)
    assert rows.table.to_csv() == '"rain, heavy",,A,2026-01-01,y\n'


def test_a_bad_cell_of_one_entity_leaves_the_others_of_the_file(tmp_path: Path) -> None:
    size, price = Column(name="SIZE", kind=Kind.NUMBER), Column(name="PRICE", kind=Kind.NUMBER)
    schema = Schema(columns=(size,), label=price, entity_column="SHOP")
    file = write(tmp_path, "size,price,shop", "1,2,Lyon", "2,x,Nîmes", "3,4,Lyon", "y,1,Nîmes")
    read = read_entities(file, schema)
    assert read.tables["Lyon"]["SIZE"].tolist() == [1.0, 3.0]
    assert list(read.tables) == ["Lyon"]
    assert list(read.left_out) == ["Nîmes"]
    assert read.problems == (
        "Chicago_IL.csv, line 3, PRICE: 'x' is not a number",
        "Chicago_IL.csv, line 5, SIZE: 'y' is not a number",
    )
