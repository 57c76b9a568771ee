"""The registry's table as the storage stack declares it, on localaws."""

import pytest

from fleet.registry import Draft, Registry
from fleet.versions import Candidate, Verdict
from localaws.testing import LocalAws

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


@pytest.fixture
def registry(localaws: LocalAws, table: str) -> Registry:
    """A registry on that table; use cities of your own."""
    return Registry(localaws.session().client("dynamodb"), table)
