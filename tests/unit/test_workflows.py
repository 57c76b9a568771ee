"""The workflows of .github/: what they run is here, and what they hand to actions is known."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
INPUTS = {
    "actions/checkout@v4": set(),
    "actions/setup-python@v5": {"python-version"},
    "aws-actions/configure-aws-credentials@v4": {"role-to-assume", "aws-region"},
}
"""Of what we use, the inputs that the ``action.yml`` of each has."""
EXECUTED = {
    "make setup",  # of what runs these tests
    ".ci/run",  # itself
    # tests/local/test_hand_over.py runs them, variables filled in:
    '.ci/diff dev 2>&1 | tee -a "$GITHUB_STEP_SUMMARY"',
    ".ci/deploy ${{ vars.STAGE }} ${{ vars.PROMOTE_FROM }} ${{ vars.PROMOTION_ROLE_ARN }}",
}

Workflow = dict[str, Any]


@pytest.fixture(params=WORKFLOWS, ids=lambda path: str(path.stem))
def workflow(request: pytest.FixtureRequest) -> Workflow:
    path: Path = request.param
    content: Workflow = yaml.safe_load(path.read_text())
    return content


def steps(workflow: Workflow) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_actions_get_inputs_that_they_know(workflow: Workflow) -> None:
    for step in steps(workflow):
        if "uses" in step:
            assert set(step.get("with", {})) <= INPUTS[step["uses"]]


def test_a_job_that_assumes_a_role_may_ask_for_a_token_and_nothing_else(workflow: Workflow) -> None:
    """https://docs.github.com/actions/reference/security/oidc"""
    assumes = any("configure-aws" in step.get("uses", "") for step in steps(workflow))
    token = {"id-token": "write"} if assumes else {}
    assert workflow["permissions"] == {"contents": "read"} | token


def test_every_job_ends(workflow: Workflow) -> None:
    assert all(0 < job["timeout-minutes"] <= 90 for job in workflow["jobs"].values())


def test_what_is_run_is_run_by_tests(workflow: Workflow) -> None:
    assert {step["run"] for step in steps(workflow) if "run" in step} <= EXECUTED
