from pathlib import Path

import numpy as np
import pytest

from training.house_files import HouseFileError, read_city_folder, read_houses
from training.houses import COLUMNS, Houses, Market

HEADER = ",".join(COLUMNS)
ROW = "1988,3040.78,2,2.5,1.46,1,y,n,351000"


def write(folder: Path, *lines: str, name: str = "Chicago_IL.csv") -> Path:
    file = folder / name
    file.write_text("\n".join(lines) + "\n")
    return file


def problems(file: Path, *, with_price: bool = True) -> tuple[str, ...]:
    with pytest.raises(HouseFileError) as caught:
        read_houses(file, with_price=with_price)
    return caught.value.problems


def test_a_file_of_the_market_reads_back_as_it_was(tmp_path: Path) -> None:
    houses = Market().houses("Chicago_IL", 50)
    read = read_houses(write(tmp_path, HEADER, houses.to_csv()), with_price=True)
    assert read.to_csv() == houses.to_csv()


def test_columns_may_come_in_any_order_and_case(tmp_path: Path) -> None:
    ordered = read_houses(write(tmp_path, HEADER, ROW), with_price=True)
    header, row = ",".join(reversed(COLUMNS)), ",".join(reversed(ROW.split(",")))
    shuffled = read_houses(write(tmp_path, header.lower(), row), with_price=True)
    assert shuffled.to_csv() == ordered.to_csv()


def test_the_price_may_be_missing_where_it_is_to_be_predicted(tmp_path: Path) -> None:
    file = write(tmp_path, HEADER.removesuffix(",PRICE"), ROW.removesuffix(",351000"))
    houses = read_houses(file, with_price=False)
    assert houses.price is None
    assert len(houses) == 1


def test_a_byte_order_mark_and_blank_lines_are_ignored(tmp_path: Path) -> None:
    file = tmp_path / "Chicago_IL.csv"
    file.write_text(f"{HEADER}\n\n{ROW}\n\n", encoding="utf-8-sig")
    assert len(read_houses(file, with_price=True)) == 1


@pytest.mark.parametrize(
    ("column", "cell", "problem"),
    [
        ("YEAR_BUILT", "88", "'88' is not a year of four digits"),
        ("YEAR_BUILT", "", "missing"),
        ("SQUARE_FEET", "large", "'large' is not a number"),
        ("SQUARE_FEET", "-5", "'-5' is not above 0"),
        ("SQUARE_FEET", "nan", "'nan' is not a number"),
        ("NUM_BEDROOMS", "2.5", "'2.5' is not a whole number"),
        ("NUM_BATHROOMS", "-1", "'-1' is below 0"),
        ("LOT_ACRES", "1_0", "'1_0' is not a number"),
        ("GARAGE_SPACES", "two", "'two' is not a number"),
        ("FRONT_PORCH", "yes", "'yes' is neither y nor n"),
        ("DECK", "", "missing"),
        ("PRICE", "0", "'0' is not above 0"),
    ],
)
def test_a_bad_cell_is_named(tmp_path: Path, column: str, cell: str, problem: str) -> None:
    cells = ROW.split(",")
    cells[COLUMNS.index(column)] = cell
    file = write(tmp_path, HEADER, ROW, ",".join(cells))
    assert problems(file) == (f"Chicago_IL.csv, line 3, {column}: {problem}",)


def test_every_bad_cell_is_named(tmp_path: Path) -> None:
    file = write(tmp_path, HEADER, "x,1,2,3,4,5,?,n,1", ROW, "1988,1,2,3,4,5,y,n,-1")
    assert problems(file) == (
        "Chicago_IL.csv, line 2, YEAR_BUILT: 'x' is not a number",
        "Chicago_IL.csv, line 2, FRONT_PORCH: '?' is neither y nor n",
        "Chicago_IL.csv, line 4, PRICE: '-1' is not above 0",
    )


def test_a_row_of_another_width_is_named(tmp_path: Path) -> None:
    file = write(tmp_path, HEADER, ROW, "1988,3040")
    assert problems(file) == ("Chicago_IL.csv, line 3, 2 cells under 9 columns",)


def test_missing_unknown_and_repeated_columns_are_named_together(tmp_path: Path) -> None:
    header = HEADER.replace("LOT_ACRES", "LOT_ACRE").replace("DECK", "PRICE")
    found = problems(write(tmp_path, header, ROW))
    assert found[:2] == (
        "Chicago_IL.csv: column LOT_ACRES is missing",
        "Chicago_IL.csv: column DECK is missing",
    )
    assert found[2].startswith("Chicago_IL.csv: column 'LOT_ACRE' is not known; the columns are")
    assert found[3] == "Chicago_IL.csv: column PRICE appears twice"


@pytest.mark.parametrize(
    ("lines", "problem"),
    [((), "empty; the first line names the columns"), ((HEADER,), "no houses")],
)
def test_a_file_without_houses_is_refused(
    tmp_path: Path, lines: tuple[str, ...], problem: str
) -> None:
    assert problems(write(tmp_path, *lines)) == (f"Chicago_IL.csv: {problem}",)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    [problem] = problems(tmp_path / "none.csv")
    assert problem.startswith(f"{tmp_path / 'none.csv'}: ")


def test_a_long_list_of_problems_is_shortened_in_the_message_alone(tmp_path: Path) -> None:
    file = write(tmp_path, HEADER, *["x" + ROW] * 30)
    with pytest.raises(HouseFileError, match="and 10 more") as caught:
        read_houses(file, with_price=True)
    assert len(caught.value.problems) == 30


def test_a_folder_gives_the_houses_of_each_city(tmp_path: Path) -> None:
    for city in ("Chicago_IL", "Houston_TX"):
        write(tmp_path, HEADER, Market().houses(city, 5).to_csv(), name=f"{city}.csv")
    cities: dict[str, Houses] = read_city_folder(tmp_path)
    assert list(cities) == ["Chicago_IL", "Houston_TX"]
    assert np.array_equal(
        cities["Houston_TX"].square_feet, Market().houses("Houston_TX", 5).square_feet
    )


def test_the_problems_of_all_files_of_a_folder_are_named(tmp_path: Path) -> None:
    write(tmp_path, HEADER, "x" + ROW, name="Chicago_IL.csv")
    write(tmp_path, HEADER, name="Houston_TX.csv")
    write(tmp_path, HEADER, ROW, name="New York.csv")
    with pytest.raises(HouseFileError) as caught:
        read_city_folder(tmp_path)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "Chicago_IL.csv, line 2, YEAR_BUILT",
        "Houston_TX.csv",
        str(tmp_path / "New York.csv"),
    ]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HouseFileError, match=r"no <City>\.csv in this folder"):
        read_city_folder(tmp_path)
