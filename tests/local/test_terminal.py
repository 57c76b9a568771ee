"""What the main commands show on a real terminal of any width: every name and number, whole."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleet.words import significant
from localaws import lifecycle
from localaws.testing import LocalAws
from localaws.testing.terminal import Shown, on_terminal
from tests.local.commands import housing
from tests.local.conftest import ROOT, StageOf, StartLocalAws
from training.houses import COLUMNS, Market

CITIES = {"Sao_Paulo": "São Paulo", "Saint-Etienne-sur-Loire": "Saint-Étienne-sur-Loire"}
ROWS = 6
CUT = "…"
PROGRAM = """
import json, sys
from scripts.command import prepare_process, run
from scripts.housing import command
prepare_process()
for line in json.loads(sys.argv[1]):
    print(">>>", line[0], flush=True)
    assert run(command, "housing", line) in (0, 1), line
"""
"""All commands in one process: what each imports takes a second."""


@dataclass(frozen=True)
class Project:
    """A deployed stage with a model for each of two cities whose names have accents and blanks."""

    aws: LocalAws
    folder: Path

    @property
    def houses(self) -> Path:
        return self.folder / "houses.csv"

    @property
    def lines(self) -> list[list[str]]:
        """The main commands."""
        return [
            ["predict", "--city", "São Paulo", "--csv", str(self.houses)],
            ["models", "list"],
            ["models", "show", "São Paulo"],
            ["train", "--data", str(self.folder / "rows")],
            ["access-check", "--deployed"],
            ["doctor"],
            ["plan", "--models", "1234567", "--rate", "89", "--zipf", "0.9"],
        ]

    def asked(self, *line: str) -> "subprocess.CompletedProcess[str]":
        """The answer of one command, on no terminal."""
        return housing(self.aws, *line, folder=self.folder)

    def shown(self, columns: int, **variables: str) -> Shown:
        """All main commands on a terminal."""
        command = [sys.executable, "-c", PROGRAM, json.dumps(self.lines)]
        environment = {**self.aws.environment, **variables}
        return on_terminal(command, columns, environment=environment, folder=self.folder)


@pytest.fixture(scope="module")
def project(
    start_with_storage: StartLocalAws, dev: StageOf, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("terminal")
    aws = start_with_storage(folder / "state")
    try:
        (folder / "rows").mkdir()
        shutil.copy(ROOT / "cdk.json", folder)
        for name in CITIES.values():
            rows = Market().houses("Chicago_IL", 300).to_csv()
            (folder / "rows" / f"{name}.csv").write_text(f"{','.join(COLUMNS)}\n{rows}")
        project = Project(aws, folder)
        project.houses.write_text(
            "".join((folder / "rows" / "São Paulo.csv").open().readlines()[: ROWS + 1])
        )
        trained = project.asked("train", "--data", str(folder / "rows"))
        assert trained.returncode == 0, trained.stderr
        dev(aws).deploy("hosting", "access")
        yield project
    finally:
        lifecycle.stop(folder / "state")


@pytest.fixture(scope="module")
def facts(project: Project) -> set[str]:
    """Names and numbers that have to be there, from what the commands say as JSON."""
    listed = json.loads(project.asked("models", "list", "--json").stdout)
    found = {city["name"] for city in listed} | {city["city"] for city in listed}
    assert found == {*CITIES, *CITIES.values()}
    for city in listed:
        found |= {significant(city["metrics"]["mae"]), f"{city['bytes']:,}", city["target_model"]}
    line = ("predict", "--city", "São Paulo", "--csv", str(project.houses), "--json")
    found |= {f"{price:,.0f}" for price in json.loads(project.asked(*line).stdout)["prices"]}
    found |= {row["SQUARE_FEET"] for row in csv.DictReader(project.houses.open())}
    found |= set(re.findall(r"ml\.\S+|\d[\d,.]*%?", project.asked(*project.lines[-1]).stdout))
    return found


@pytest.fixture(scope="module")
def wide(project: Project) -> Shown:
    """A terminal that has room for everything."""
    return project.shown(200)


def check_that_all_is_there(shown: Shown, facts: set[str]) -> None:
    assert shown.status == 0, shown.plain
    assert [fact for fact in sorted(facts) if fact not in shown.plain] == [], shown.plain
    assert CUT not in shown.plain
    assert "Traceback" not in shown.plain


def test_no_name_and_no_number_is_cut_off(wide: Shown, facts: set[str]) -> None:
    check_that_all_is_there(wide, facts)


@pytest.mark.parametrize(
    ("columns", "variables"), [(60, {}), (80, {"LANG": "C.UTF-8", "NO_COLOR": "1"})]
)
def test_nor_where_there_is_little_room(
    project: Project, facts: set[str], columns: int, variables: dict[str, str]
) -> None:
    check_that_all_is_there(project.shown(columns, **variables), facts)


def test_without_utf_8_names_are_spelled_out_and_everything_else_is_there(
    project: Project, facts: set[str]
) -> None:
    posix = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    shown = project.shown(80, PYTHONIOENCODING="ascii", **posix)
    assert shown.status == 0, shown.plain
    spelled = {fact.encode("ascii", "backslashreplace").decode() for fact in facts}
    assert [fact for fact in sorted(spelled) if fact not in shown.plain] == []
    assert shown.text.isascii()


def test_without_a_terminal_everything_is_there_and_nothing_decorates_it(
    project: Project, facts: set[str]
) -> None:
    texts = [project.asked(*line) for line in project.lines]
    said = "".join(done.stdout for done in texts)
    assert [fact for fact in sorted(facts) if fact not in said] == []
    assert "\x1b" not in said + "".join(done.stderr for done in texts)


def test_a_spinner_tells_what_goes_on_and_leaves_nothing_behind(wide: Shown) -> None:
    for doing in ("invoke Sao_Paulo/", "read the registry", "read the deployed roles"):
        assert doing in wide.plain
        assert not any(doing in line for line in wide.lines)


LONG_TRAINING = (
    *("--hyperparameter", "epochs=3000"),
    *("--hyperparameter", "early_stopping_patience=3000"),
)


def test_ctrl_c_while_models_are_trained_ends_in_one_line(project: Project) -> None:
    command = [sys.executable, "-m", "scripts.housing", "train", "--data", "rows"]
    shown = on_terminal(
        [*command, "--refit-preprocessor", *LONG_TRAINING],
        80,
        environment=project.aws.environment,
        folder=project.folder,
        interrupt_at="train one model per city",
    )
    assert shown.status == 130
    assert "Traceback" not in shown.plain
    assert shown.lines[-2:] == ["housing: interrupted", ""]


def test_a_reader_that_goes_away_is_no_error(project: Project) -> None:
    command = f"{sys.executable} -m scripts.housing access-check --deployed --json"
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -c 20"],
        cwd=project.folder,
        env={**project.aws.environment, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert len(done.stdout) == 20
    assert done.stderr == ""


@pytest.mark.parametrize(
    "line",
    [
        "train --data rows --dry-run",
        "train --data rows",
        "models show São_Paulo",
        "models verify",
        "access-check --deployed",
        "doctor",
    ],
)
def test_json_is_json_and_nothing_else(project: Project, line: str) -> None:
    assert json.loads(project.asked(*line.split(), "--json").stdout) is not None
