"""The containers behind endpoints, as boto3 sees them."""

import json
import time
from collections.abc import Mapping
from textwrap import dedent
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.testing import LocalAws
from localaws.testing.jobs import (
    LINEAR_LEARNER,
    SCIKIT_LEARN,
    Jobs,
    make_jobs,
    source_archive,
)
from tests.local.conftest import ROOT

ADULT = ROOT / "tests" / "data" / "linear_learner"
"""A model that the real Linear Learner trained, with requests and the real endpoint's answers."""

IN_MODEL = {
    "SAGEMAKER_PROGRAM": "script.py",
    "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
}


class DeploymentError(Exception):
    """The endpoint's FailureReason."""


@pytest.fixture(scope="module")
def jobs(localaws: LocalAws) -> Jobs:
    return make_jobs(localaws.session(), "test-container-endpoints")


def deploy(jobs: Jobs, name: str, *containers: dict[str, Any]) -> None:
    """An endpoint of that name, in service."""
    sagemaker = jobs.sagemaker
    sagemaker.create_model(
        ModelName=name, Containers=list(containers), ExecutionRoleArn=jobs.role_arn
    )
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": name,
        "InstanceType": "ml.m5.xlarge",
        "InitialInstanceCount": 1,
    }
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    endpoint = sagemaker.describe_endpoint(EndpointName=name)
    while endpoint["EndpointStatus"] == "Creating":
        time.sleep(0.05)
        endpoint = sagemaker.describe_endpoint(EndpointName=name)
    if endpoint["EndpointStatus"] != "InService":
        raise DeploymentError(endpoint["FailureReason"])


def invoke(jobs: Jobs, name: str, body: str, content_type: str, **headers: str) -> bytes:
    runtime = jobs.session.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(
        EndpointName=name, Body=body, ContentType=content_type, **headers
    )
    contents: bytes = answer["Body"].read()
    return contents


def model_error(jobs: Jobs, name: str, body: str) -> tuple[int, str]:
    """Status and text with which a container answers CSV."""
    with pytest.raises(ClientError, match="ModelError") as error:
        invoke(jobs, name, body, "text/csv")
    response: Mapping[str, Any] = error.value.response
    return response["OriginalStatusCode"], response["OriginalMessage"]


def script(jobs: Jobs, name: str, source: str, **files: str) -> dict[str, Any]:
    archive = source_archive(**{"code/script.py": dedent(source), **files})
    url = jobs.put(f"models/{name}.tar.gz", archive)
    return {"Image": SCIKIT_LEARN, "ModelDataUrl": url, "Environment": IN_MODEL}


def test_a_real_linear_learner_artifact_answers_as_its_real_endpoint_did(jobs: Jobs) -> None:
    url = jobs.put("adult/model.tar.gz", (ADULT / "model.tar.gz").read_bytes())
    deploy(jobs, "adult", {"Image": LINEAR_LEARNER, "ModelDataUrl": url})
    requests = (ADULT / "test-dataset.jsonl").read_text()
    body = invoke(jobs, "adult", requests, "application/jsonlines", Accept="application/json")
    golden = json.loads((ADULT / "golden_predictions.json").read_text())
    for answer, expected in zip(json.loads(body)["predictions"], golden, strict=True):
        assert answer["score"] == pytest.approx(expected["score"], abs=1e-6)
        assert answer["predicted_label"] == expected["predicted_label"]


def test_two_endpoints_with_different_versions_of_one_script_do_not_meet(jobs: Jobs) -> None:
    source = """
        import helper
        def model_fn(model_dir): return helper.VERSION
        def transform_fn(model, *_):
            import helper
            return f"{model} {helper.VERSION}", "text/plain"
        """
    for version in ("one", "two"):
        helper = {"code/helper.py": f"VERSION = {version!r}"}
        deploy(jobs, f"version-{version}", script(jobs, version, source, **helper))
    for version in ("one", "two", "one"):
        answer = invoke(jobs, f"version-{version}", "", "text/csv")
        assert answer == f"{version} {version}".encode()


def test_a_script_can_be_fetched_from_s3(jobs: Jobs) -> None:
    source = """
        from pathlib import Path
        def model_fn(model_dir): return Path(model_dir, "weights").read_text()
        def transform_fn(model, *_): return model, "text/plain"
        """
    uri = jobs.put("code/sourcedir.tar.gz", source_archive(**{"script.py": dedent(source)}))
    container = {
        "Image": SCIKIT_LEARN,
        "ModelDataUrl": jobs.put("models/weights.tar.gz", source_archive(weights="42")),
        "Environment": {**IN_MODEL, "SAGEMAKER_SUBMIT_DIRECTORY": uri},
    }
    deploy(jobs, "script-from-s3", container)
    assert invoke(jobs, "script-from-s3", "", "text/csv") == b"42"


class TestErrors:
    @pytest.fixture(scope="class")
    @classmethod
    def endpoint(cls, jobs: Jobs) -> str:
        source = """
            from sagemaker_containers.beta.framework import worker
            def model_fn(model_dir): return None
            def transform_fn(model, content, content_type, accept):
                if content == "raise":
                    raise ValueError("told to nobody but the log")
                return worker.Response("row 1: not a number", status=400, mimetype="text/plain")
            """
        deploy(jobs, "script-errors", script(jobs, "script-errors", source))
        return "script-errors"

    def test_that_a_script_returns_keep_their_status_and_text(
        self, jobs: Jobs, endpoint: str
    ) -> None:
        assert model_error(jobs, endpoint, "x") == (400, "row 1: not a number")

    def test_that_a_script_raises_are_a_bare_500_with_the_reason_in_the_log(
        self, jobs: Jobs, endpoint: str
    ) -> None:
        status, message = model_error(jobs, endpoint, "raise")
        assert status == 500
        assert "told to nobody" not in message
        reason = "ValueError: told to nobody but the log"
        jobs.wait_for_line(f"/aws/sagemaker/Endpoints/{endpoint}", "AllTraffic", reason)

    def test_of_a_script_that_does_not_load_fail_its_endpoint(self, jobs: Jobs) -> None:
        broken = script(jobs, "broken-script", "import no_such_module")
        with pytest.raises(DeploymentError, match="did not pass the ping health check") as error:
            deploy(jobs, "broken-script", broken)
        assert "No module named 'no_such_module'" in str(error.value)


def test_rows_of_the_wrong_width_are_not_evaluable(jobs: Jobs) -> None:
    url = jobs.put("adult/model.tar.gz", (ADULT / "model.tar.gz").read_bytes())
    deploy(jobs, "narrow", {"Image": LINEAR_LEARNER, "ModelDataUrl": url})
    assert model_error(jobs, "narrow", "1,2") == (400, "unable to evaluate payload provided")
