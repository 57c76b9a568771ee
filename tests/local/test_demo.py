"""The whole demo, as make demo runs it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from localaws.profile import OVERRIDING
from localaws.testing import LocalAws
from tests.local.conftest import ROOT
from training.houses import CITIES


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("output")


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for temporary files that the demo is given."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def demo(output: Path, temporary: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "scripts.demo", "--output", str(output)]
    environment = {name: value for name, value in os.environ.items() if name not in OVERRIDING}
    environment["TMPDIR"] = str(temporary)
    environment.pop("LOCALAWS_WARM_UP")
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_it_succeeds(demo: "subprocess.CompletedProcess[str]") -> None:
    assert demo.returncode == 0, demo.stdout + demo.stderr


def test_it_says_how_long_each_step_took(demo: "subprocess.CompletedProcess[str]") -> None:
    steps = re.findall(r"^ *\d+\.\d s  (.+)$", demo.stdout, re.MULTILINE)
    assert steps[0] == "start localaws"
    assert steps[-1] == "in total"
    assert "train one model per city  10 of 10, 4 at a time" in steps
    assert "deploy hosting, access and monitoring" in steps


def test_the_table_has_a_row_a_city_and_one_for_the_city_that_was_added(
    demo: "subprocess.CompletedProcess[str]",
) -> None:
    _, table = demo.stdout.split("Errors on the houses kept for validation and for the test\n")
    header, *rows = table.splitlines()[:12]
    assert header.split("  ")[0] == "city"
    assert [row.split()[0] for row in rows] == [*sorted(CITIES), "Boston_MA"]
    assert all(float(re.findall(r"([\d.]+)%", row)[0]) <= 2 for row in rows)


def test_the_restricted_role_is_answered_for_its_city_and_refused_another(
    demo: "subprocess.CompletedProcess[str]",
) -> None:
    assert "NewYork_NY: answered" in demo.stdout
    refusal = r"Chicago_IL: User: \S+ is not authorized to perform: sagemaker:InvokeEndpoint"
    assert re.search(refusal, demo.stdout)


def test_a_file_below_incoming_serves_without_a_person(
    demo: "subprocess.CompletedProcess[str]",
) -> None:
    served = r"wait for Seattle_WA  Seattle_WA/Seattle_WA.tar.gz served \d+ s after its file"
    assert re.search(served, demo.stdout)


def test_there_is_a_picture_for_each_city(
    demo: "subprocess.CompletedProcess[str]", output: Path
) -> None:
    assert {file.stem for file in output.glob("*.png")} == {*CITIES, "Boston_MA"}
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in output.glob("*.png"))


def test_nothing_is_left_behind(demo: "subprocess.CompletedProcess[str]", temporary: Path) -> None:
    assert "delete housing-dev-storage" in demo.stdout
    assert list(temporary.glob("housing-demo-*")) == []


def test_on_a_chosen_profile_it_asks_first_and_names_the_account(localaws: LocalAws) -> None:
    command = [sys.executable, "-m", "scripts.demo", "--profile", "localaws"]
    environment = localaws.environment
    asked = subprocess.run(
        command, cwd=ROOT, env=environment, input="n\n", capture_output=True, text=True
    )
    assert asked.returncode == 1
    assert f"to account {localaws.state.account_id}, region us-east-1, as arn:aws:" in asked.stdout
    assert "ml.m5.xlarge, billed by the second" in asked.stdout
    assert asked.stderr == "python -m scripts.demo: nothing deployed\n"
