"""The registry's table as the storage stack declares it, on localaws."""

from collections.abc import Iterator

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from fleet.config import DeploymentConfig
from fleet.registry import Draft, Registry
from fleet.versions import Candidate, Verdict
from stacks.storage import StorageStack
from tests.local.conftest import LocalAws
from tests.local.stacks import Stack

PASSED = Verdict(passed=True)


def candidate(city: str, digest: str = "1", **facts: object) -> Candidate:
    """A candidate as a job leaves it."""
    known = {
        "artifact_key": f"jobs/job-{digest}/output/{city}/model.tar.gz",
        "artifact_digest": digest,
        "artifact_bytes": 900,
        "train_rows": 630,
        "validation_rows": 270,
        "metrics": {"mae": 20_123.456},
        "baselines": {"median_mae": 60_000.5, "least_squares_mae": 15_000.0},
    }
    return Candidate(city=city, **{**known, **facts})  # type: ignore[arg-type]


def draft(city: str, digest: str = "1", verdict: Verdict = PASSED) -> Draft:
    """A draft that the gate let pass, unless another verdict is given."""
    return Draft(candidate(city, digest), verdict)


def deployed_table(localaws: LocalAws, stack_name: str) -> str:
    """The name of a table with the schema of the storage stack's, in a stack of its own."""
    config = DeploymentConfig.model_validate({"removalPolicy": "DESTROY"})
    storage = StorageStack(cdk.App(), stage="test", config=config)
    tables = dict(Template.from_stack(storage).find_resources("AWS::DynamoDB::Table"))
    stack = Stack(localaws, stack_name)
    assert stack.deploy(tables) == "CREATE_COMPLETE"
    return stack.physical_id(next(iter(tables)))


@pytest.fixture(scope="session")
def table(localaws: LocalAws) -> Iterator[str]:
    """The name of a table that the tests of one run share."""
    yield deployed_table(localaws, "registry-table")
    Stack.existing(localaws, "registry-table").delete()


@pytest.fixture
def registry(localaws: LocalAws, table: str) -> Registry:
    """A registry on that table; use cities of your own."""
    return Registry(localaws.session().client("dynamodb"), table)
