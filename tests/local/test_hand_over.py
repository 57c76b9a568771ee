"""What the workflows run, on localaws: diff, deploy, and promotion from stage to stage."""

import hashlib
import sys
from collections.abc import Iterator

import pytest

from fleet.deployment import find_deployment
from localaws import lifecycle
from localaws.testing import LocalAws
from tests.local.assembly import Assembly
from tests.local.conftest import ROOT, StartLocalAws

CITY = "Chicago_IL"


@pytest.fixture(scope="module")
def aws(
    start_bootstrapped: StartLocalAws, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalAws]:
    """Stage dev with one model, not yet hosted; stage prod with nothing."""
    directory = tmp_path_factory.mktemp("handed-over")
    aws = start_bootstrapped(directory / "state")
    try:
        Assembly.synthesize(aws, directory / "cdk.out", "dev").deploy("storage")
        train = ("--city", CITY, "--houses", "200")
        aws.run(sys.executable, "-m", "scripts.train", *train, cwd=ROOT)
        yield aws
    finally:
        lifecycle.stop(directory / "state")


def test_a_pull_request_shows_diff_and_access_matrix(aws: LocalAws) -> None:
    shown = aws.run(".ci/diff", "dev")
    assert "Stack housing-dev-hosting" in shown
    assert "AWS::SageMaker::Endpoint" in shown
    assert "NewYork" in shown


def test_prod_gets_the_models_and_the_preprocessor_of_dev(aws: LocalAws) -> None:
    aws.run(".ci/deploy", "prod", "dev")
    session = aws.session()
    s3 = session.client("s3")

    def digest(stage: str) -> str:
        bucket = find_deployment(session, stage).require("bucket_name")
        body = s3.get_object(Bucket=bucket, Key=f"models/{CITY}/{CITY}.tar.gz")["Body"].read()
        return hashlib.sha256(body).hexdigest()

    assert digest("prod") == digest("dev")
    answer = aws.run(
        *(sys.executable, "-m", "scripts.predict", "--stage", "prod", "--city", CITY), cwd=ROOT
    )
    assert CITY in answer


def test_a_second_promotion_changes_nothing(aws: LocalAws) -> None:
    promote = ("-m", "scripts.promote", "--from", "dev", "--stage", "prod")
    assert "1 unchanged" in aws.run(sys.executable, *promote, cwd=ROOT)
