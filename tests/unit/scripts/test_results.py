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
        validation_error=4321.0,
        baselines={"median_mae": 60_000.0, "least_squares_mae": 999.4},
        predicted=np.array([110_000.0, 190_000.0]),
        true=np.array([100_000.0, 200_000.0]),
    )


def test_errors_are_those_against_the_true_price(result: CityResult) -> None:
    assert result.absolute_error == 10_000
    assert result.percentage_error == pytest.approx((0.1 + 0.05) / 2)


def test_the_table_has_a_models_errors_beside_those_of_the_baselines(result: CityResult) -> None:
    stream = io.StringIO()
    print_results(Console(stream), [result])
    _, _, row = stream.getvalue().splitlines()
    assert row.split() == ["Chicago_IL", "1,000", "60,000", "999", "4,321", "10,000", "7.50%"]


def test_there_is_a_picture_a_city_in_a_folder_that_is_made(
    result: CityResult, tmp_path: Path
) -> None:
    files = draw_results([result], tmp_path / "new" / "output")
    assert files == {"Chicago_IL": tmp_path / "new" / "output" / "Chicago_IL.png"}
    assert files["Chicago_IL"].read_bytes().startswith(b"\x89PNG")


def test_the_same_results_give_the_same_picture(result: CityResult, tmp_path: Path) -> None:
    first = draw_results([result], tmp_path / "a")["Chicago_IL"].read_bytes()
    assert draw_results([result], tmp_path / "b")["Chicago_IL"].read_bytes() == first
