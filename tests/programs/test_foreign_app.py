"""The library alone, in somebody else's app: the example of its README, run as it stands."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sagemaker_mme

README = Path(sagemaker_mme.__file__).with_name("README.md")


def first_example() -> str:
    found = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_example_is_short() -> None:
    lines = [line for line in first_example().splitlines() if line.strip()]
    assert len(lines) <= 20


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[str, object]]]:
    folder = tmp_path_factory.mktemp("foreign-app")
    (folder / "app.py").write_text(first_example())
    environment = os.environ | {"CDK_OUTDIR": "cdk.out", "CDK_VALIDATION": "false"}
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert len(list((folder / "cdk.out").glob("*.template.json"))) == 2
    text = (folder / "cdk.out" / "Houses.template.json").read_text()
    parsed: dict[str, dict[str, dict[str, object]]] = json.loads(text)
    return parsed


def test_the_example_makes_an_endpoint_and_a_restricted_role(
    template: dict[str, dict[str, dict[str, object]]],
) -> None:
    kinds = [resource["Type"] for resource in template["Resources"].values()]
    assert kinds.count("AWS::SageMaker::Endpoint") == 1
    assert "NewYork_NY/*" in json.dumps(template)
