"""The notebook docs/walkthrough.ipynb, its cells executed one after the other as a kernel does.

Its cells are plain Python, without magics, so that no Jupyter is needed here.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from localaws import lifecycle
from tests.local.conftest import ROOT, StageOf
from tests.local.servers import start_localaws

NOTEBOOK = ROOT / "docs" / "walkthrough.ipynb"
KERNEL = """
import json, sys
namespace = {"__name__": "__main__"}
for number, cell in enumerate(json.load(open(sys.argv[1]))["cells"]):
    if cell["cell_type"] == "code":
        print(f"--- cell {number}", flush=True)
        exec(compile("".join(cell["source"]), f"cell {number}", "exec"), namespace)
"""


def cells(kind: str) -> list[str]:
    notebook: dict[str, Any] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


@pytest.fixture(scope="module")
def done(
    dev: StageOf, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["subprocess.CompletedProcess[str]"]:
    """The whole notebook on an AWS of its own, which it leaves empty."""
    state = tmp_path_factory.mktemp("walkthrough") / "state"
    aws = start_localaws(state)
    try:
        yield subprocess.run(
            [sys.executable, "-c", KERNEL, str(NOTEBOOK)],
            cwd=ROOT,
            env={**aws.environment, "MPLBACKEND": "agg", "CDK_APP": dev(aws).as_app},
            capture_output=True,
            text=True,
        )
    finally:
        lifecycle.stop(state)


def test_every_cell_runs(done: "subprocess.CompletedProcess[str]") -> None:
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_role_of_one_city_is_refused_another(
    done: "subprocess.CompletedProcess[str]",
) -> None:
    assert "NewYork_NY: answered" in done.stdout
    assert "is not authorized to perform: sagemaker:InvokeEndpoint" in done.stdout


def test_the_city_that_came_later_is_served(done: "subprocess.CompletedProcess[str]") -> None:
    assert "Boston_MA/Boston_MA.tar.gz: " in done.stdout


def test_it_has_ten_sections_and_no_cell_asks_where_it_runs() -> None:
    sections = [text for text in cells("markdown") if text.startswith("## ")]
    assert [text.split(".")[0] for text in sections[:10]] == [f"## {n}" for n in range(1, 11)]
    assert not any("localaws" in text or "endpoint_url" in text for text in cells("code"))
