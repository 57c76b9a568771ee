"""Somebody else's CDK app, whose own tests ask what its roles may invoke."""

import os
import subprocess
import sys
from pathlib import Path

FOREIGN_TESTS = """
import aws_cdk as cdk
import pytest
import sagemaker_mme as mme
from fleet.access.testing import assert_access

PATTERNS = ["Boston_MA/*"]

@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cdk.out")
    app = cdk.App(outdir=str(folder), builtin_cloud_formation_validation=False)
    stack = cdk.Stack(app, "Shop")
    endpoint = mme.MultiModelEndpoint.from_endpoint_name(stack, "Endpoint", "prices")
    mme.TargetModelInvokerRole(stack, "Partner", endpoint=endpoint, target_models=PATTERNS)
    app.synth()
    return folder

def test_the_partner_reaches_boston_alone(folder):
    assert_access(folder, {"Shop/Partner*": PATTERNS})

def test_the_partner_reaches_chicago(folder):
    assert_access(folder, {"Shop/Partner*": ["Chicago_IL/*"]})
"""


def test_it_works_in_a_repository_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "test_access.py").write_text(FOREIGN_TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_access.py"]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # of plugins it has none
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 1 passed" in done.stdout
    assert "FAILED test_access.py::test_the_partner_reaches_chicago" in done.stdout
    assert "Shop/Partner" in done.stdout
    assert "may not invoke" in done.stdout
