import io
from pathlib import Path

import numpy as np
import pytest

from fleet.console import Console
from scripts.results import CityResult, draw_results, print_results


@pytest.fixture
def result() -> CityResult:
    return CityResult(
        city="Chicago_IL",
        houses=1000,
        validation_loss=4321.0,
        predicted=np.array([110_000.0, 190_000.0]),
        true=np.array([100_000.0, 200_000.0]),
    )


def test_errors_are_those_against_the_true_price(result: CityResult) -> None:
    assert result.absolute_error == 10_000
    assert result.percentage_error == pytest.approx((0.1 + 0.05) / 2)


def test_the_table_has_one_row_a_city_with_an_example(result: CityResult) -> None:
    stream = io.StringIO()
    print_results(Console(stream), [result])
    _, _, row = stream.getvalue().splitlines()
    assert row.split() == ["Chicago_IL", "1,000", "4,321", "10,000", "7.50%", "110,000", "100,000"]


def test_a_loss_that_is_not_known_is_a_dash() -> None:
    unknown = CityResult("Chicago_IL", 1, None, np.array([1.0]), np.array([1.0]))
    stream = io.StringIO()
    print_results(Console(stream), [unknown])
    assert stream.getvalue().splitlines()[-1].split()[2] == "-"


def test_there_is_a_picture_a_city_in_a_folder_that_is_made(
    result: CityResult, tmp_path: Path
) -> None:
    files = draw_results([result], tmp_path / "new" / "output")
    assert files == {"Chicago_IL": tmp_path / "new" / "output" / "Chicago_IL.png"}
    assert files["Chicago_IL"].read_bytes().startswith(b"\x89PNG")


def test_the_same_results_give_the_same_picture(result: CityResult, tmp_path: Path) -> None:
    first = draw_results([result], tmp_path / "a")["Chicago_IL"].read_bytes()
    assert draw_results([result], tmp_path / "b")["Chicago_IL"].read_bytes() == first
