"""Reading a city's file: quick, to the bit, and clear about what is wrong."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.training.fleet_trainer.fitted import city_file
from training.fleet_trainer.rows import Columns, RowsError, count_rows, read_rows
from training.houses import COLUMNS, Market

HOUSES = Columns(COLUMNS, {"FRONT_PORCH": ("n", "y"), "DECK": ("n", "y")})
PAIR = Columns(("SIZE", "GOOD", "PRICE"), {"GOOD": ("n", "y")})

NUMBERS = st.one_of(
    st.integers(0, 10**17).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(0, 10**9, places=4).map(str),
    st.from_regex(r"[0-9]{0,12}\.?[0-9]{1,14}", fullmatch=True),
    st.sampled_from(["0", "-0.0", "1e5", "+7", ".5", "5.", " 3", "007", "0.1000"]),
)


@given(st.lists(st.tuples(NUMBERS, st.sampled_from("ny"), NUMBERS), min_size=1, max_size=8))
def test_each_number_has_the_bits_of_its_cell(rows: list[tuple[str, str, str]]) -> None:
    table = read_rows("".join(f"{','.join(row)}\n" for row in rows).encode(), PAIR)
    for place, name in ((0, "SIZE"), (2, "PRICE")):
        expected = [float(row[place]) for row in rows]
        assert table[name].tolist() == expected
        signs = [math.copysign(1, value) for value in table[name].tolist()]
        assert signs == [math.copysign(1, value) for value in expected]
    assert table["GOOD"].tolist() == [float(row[1] == "y") for row in rows]


@given(st.text("0123456789.,-_eyn \n\r\"'", max_size=40))
def test_any_text_is_read_as_the_slow_way_reads_it_or_refused(text: str) -> None:
    try:
        table = read_rows(text.encode(), PAIR)
    except RowsError:
        return
    rows = [line.split(",") for line in text.replace("\r\n", "\n").split("\n") if line.strip(", ")]
    plain = '"' not in text and "\r" not in text.replace("\r\n", "")
    if plain:
        assert table["SIZE"].tolist() == [float(row[0]) for row in rows]


def test_houses_are_read_as_they_were_drawn() -> None:
    houses = Market().houses("Some_AA", 50)
    table = read_rows(houses.to_csv().encode(), HOUSES)
    assert table["SQUARE_FEET"].tolist() == houses["SQUARE_FEET"].tolist()
    assert table["DECK"].tolist() == (houses["DECK"] == "y").astype(float).tolist()
    assert houses.label is not None
    assert table["PRICE"].tolist() == houses.label.tolist()


def test_a_name_is_known_by_its_letters_and_digits() -> None:
    columns = Columns(("OD280_OD315", "PRICE"), {})
    table = read_rows("od280/od315,prîce\n1,2\n".encode(), columns)
    assert {name: table[name].tolist() for name in columns.names} == {
        "OD280_OD315": [1.0],
        "PRICE": [2.0],
    }


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_a_first_line_may_name_the_columns_in_any_order(ending: bytes) -> None:
    lines = [b"price, Good,size", b"10,y,1.5", b"20,n,2.5", b""]
    table = read_rows(b"\xef\xbb\xbf" + ending.join(lines), PAIR)
    assert table["SIZE"].tolist() == [1.5, 2.5]
    assert table["PRICE"].tolist() == [10, 20]
    assert table["GOOD"].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1,y,2\n3,maybe,4\n", "row 2, column GOOD: 'maybe' is not one of n, y"),
        ("1,y,2\n3,y,\n", "row 2, column PRICE: missing"),
        ("1,y,2\n\n3,y,1_000\n", "row 3, column PRICE: '1_000' is not a number"),
        ("1,y,nan\n", "row 1, column PRICE: 'nan' is not a number"),
        ("5y,1,2\n", "row 1, column SIZE: '5y' is not a number"),
        ("1,y,2\n3,4\n", "row 2: 2 cells where 3 are expected"),
        ("size,good,price\n1,y,x\n", "row 2, column PRICE: 'x' is not a number"),
        ("size,good,cost\n1,y,2\n", "row 1: column PRICE is missing; column COST is not known"),
        ("", "no rows"),
        ("1,y,2\n" + "a,y,2\n" * 9, "and 4 more"),
    ],
)
def test_what_is_wrong_is_named_by_row_and_column(text: str, reason: str) -> None:
    with pytest.raises(RowsError) as caught:
        read_rows(text.encode(), PAIR)
    assert reason in str(caught.value)


def test_rows_are_counted_without_the_line_that_names_the_columns() -> None:
    assert count_rows(city_file("Some_AA", 120)) == 120
    assert count_rows(b"size,good,price\n1,y,2\n\n3,y,4") == 2
