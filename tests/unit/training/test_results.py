import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fleet.column import Column, Kind
from fleet.console import Console
from fleet.schema import HOUSES, Schema
from training.results import CityResult, draw_overviews, draw_results, print_results


@pytest.fixture
def result() -> CityResult:
    return CityResult(
        city="Chicago_IL",
        schema=HOUSES,
        rows=1000,
        validation_error=4321.0,
        baselines={"median_mae": 60_000.0, "least_squares_mae": 999.4},
        predicted=np.array([110_000.0, 190_000.0]),
        true=np.array([100_000.0, 200_000.0]),
    )


def test_errors_are_those_against_the_true_price(result: CityResult) -> None:
    assert result.error == 10_000
    assert result.share == "7.50%"


def test_the_table_has_a_models_errors_beside_those_of_the_baselines(result: CityResult) -> None:
    stream = io.StringIO()
    print_results(Console(stream), [result])
    _, _, row = stream.getvalue().splitlines()
    assert row.split() == ["Chicago_IL", "1,000", "60,000", "999.4", "4,321", "10,000", "7.50%"]


def test_there_is_a_picture_a_city_in_a_folder_that_is_made(
    result: CityResult, tmp_path: Path
) -> None:
    files = draw_results([result], tmp_path / "new" / "output")
    assert files == {"Chicago_IL": tmp_path / "new" / "output" / "Chicago_IL.png"}
    assert files["Chicago_IL"].read_bytes().startswith(b"\x89PNG")


def test_two_pictures_of_all_cities_are_vectors(result: CityResult, tmp_path: Path) -> None:
    cities = [replace(result, city=f"City {number}") for number in range(50)]
    draw_overviews(cities, tmp_path)
    overview, errors = ((tmp_path / f"{n}.svg").read_text() for n in ("overview", "errors"))
    assert "City 23" in overview
    assert "City 24" not in overview
    assert "26 more cities are not shown" in overview
    assert "least squares" in errors
    assert "10 more cities are not shown" in errors


def test_classes_are_counted_and_errors_are_shares(tmp_path: Path) -> None:
    ripe = Column(name="RIPE", kind=Kind.CATEGORY, categories=("no", "yes", "soon"))
    schema = Schema(
        columns=(Column(name="SIZE", kind=Kind.NUMBER),), label=ripe, row="pear", entity="branch"
    )
    baselines = {"median_mae": 0.5, "least_squares_mae": 0.25}
    result = CityResult(
        "Nîmes", schema, 40, 0.2, baselines, np.array([0.0, 1, 2, 2]), np.array([0.0, 1, 2, 1])
    )
    stream = io.StringIO()
    print_results(Console(stream), [result])
    title, header, row = stream.getvalue().splitlines()
    assert title == "Errors on the pears kept for validation and for the test"
    assert re.split("  +", header)[:3] == ["branch", "pears", "most frequent wrong"]
    assert row.split() == ["Nîmes", "40", "0.5", "0.25", "0.2", "0.25"]
    draw_results([result], tmp_path)
    draw_overviews([result], tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"Nîmes.png", "overview.svg", "errors.svg"}


def test_the_same_results_give_the_same_picture(result: CityResult, tmp_path: Path) -> None:
    first = draw_results([result], tmp_path / "a")["Chicago_IL"].read_bytes()
    assert draw_results([result], tmp_path / "b")["Chicago_IL"].read_bytes() == first
