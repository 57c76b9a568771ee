import json
from pathlib import Path

import pytest

from scripts.command import run
from scripts.plan import command

FLEET = ("--models", "300", "--rate", "5")


def plan(*arguments: str) -> int:
    return run(command, "housing plan", list(arguments))


def test_the_cheapest_that_reaches_the_target_is_named_last(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert plan(*FLEET, "--target-hit-ratio", "0.9") == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("Cheapest that reaches the target: ")


def test_every_line_fits_a_terminal_of_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    plan("--models", "10000000", "--rate", "100000")
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_json_is_all_that_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(*FLEET, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["workload"]["models"] == 300
    assert answer["cheapest"] in answer["options"]


def test_a_trace_is_simulated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text("target_model\n" + "a.tar.gz\nb.tar.gz\n" * 50)
    assert plan("--trace", str(trace), "--rate", "1", "--json") == 0
    assert json.loads(capsys.readouterr().out)["options"][0]["hit_ratio"] == 1.0


@pytest.mark.parametrize(
    ("arguments", "missing"), [(("--models", "3"), "--rate"), (("--rate", "3"), "--models")]
)
def test_what_is_missing_is_named(
    arguments: tuple[str, ...], missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plan(*arguments) == 1
    assert f"housing plan: {missing} is missing" in capsys.readouterr().err


def test_the_chart_is_written(tmp_path: Path) -> None:
    assert plan(*FLEET, "--chart", str(tmp_path / "plan.svg")) == 0
    assert (tmp_path / "plan.svg").read_text().startswith("<?xml")
