"""The account that the construct library's examples are deployed to."""

import io
import tarfile
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import aws_cdk
import pytest

from localaws.testing import LocalAws
from tests.local.conftest import ROOT
from tests.local.loaded_cdk import cdk
from tests.unit.linear_learner.models import random_model
from training.linear_learner.artifact import write_artifact

EXAMPLES = ROOT / "constructs" / "examples"
PREPROCESSOR = """
def model_fn(model_dir):
    return None

def transform_fn(model, body, content_type, accept):
    return body, accept
"""
OWN_MODEL = """
import pathlib

def model_fn(model_dir):
    return (pathlib.Path(model_dir) / "city.txt").read_text()

def transform_fn(model, body, content_type, accept):
    return model, accept
"""
LINEAR_LEARNER = write_artifact(random_model("regressor", 10))
TENANTS = ("NewYork_NY", "Chicago_IL")


def archive(**files: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return stream.getvalue()


@pytest.fixture(scope="package")
def account(bootstrapped: LocalAws) -> LocalAws:
    """An account whose bucket my-models has what the examples serve."""
    s3 = bootstrapped.session().client("s3")
    s3.create_bucket(Bucket="my-models")
    script = {"code/preprocess.py": PREPROCESSOR}
    s3.put_object(Bucket="my-models", Key="preprocessor/1/model.tar.gz", Body=archive(**script))
    for tenant in TENANTS:
        key = f"{tenant}/{tenant}.tar.gz"
        for prefix in ("models/", "candidates/"):
            s3.put_object(
                Bucket="my-models",
                Key=f"{prefix}{key}",
                Body=write_artifact(random_model("regressor", 10)),
            )
        own = archive(**{"city.txt": tenant})
        s3.put_object(Bucket="my-models", Key=f"scikit-learn/{key}", Body=own)
    source = archive(**{"inference.py": OWN_MODEL})
    s3.put_object(Bucket="my-models", Key="code/sourcedir.tar.gz", Body=source)
    return bootstrapped


def deploy(account: LocalAws, example: str, folder: Path, *, check: bool = True) -> str:
    """``cdk deploy --all`` of an example that was synthesized in this process."""
    app = folder / "cdk.out"
    # tests/synth/test_examples.py has the checks.
    quick = partial(aws_cdk.App, outdir=str(app), builtin_cloud_formation_validation=False)
    with patch.object(aws_cdk, "App", quick):
        # An example with regions of its own names an account, that of AWS's documentation.
        source = (EXAMPLES / f"{example}.py").read_text()
        exec(source.replace("111122223333", account.state.account_id), {})
    command = ("deploy", "--app", str(app), "--all", "--require-approval", "never")
    return cdk(account, *command, folder=folder, check=check)


def invoke(account: LocalAws, endpoint: str, **members: Any) -> bytes:
    runtime = account.session().client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName=endpoint, **members)
    body: bytes = answer["Body"].read()
    return body


def endpoint_of(account: LocalAws, stack: str) -> str:
    cloudformation = account.session().client("cloudformation")
    found = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    (arn,) = (
        resource["PhysicalResourceId"]
        for resource in found
        if resource["ResourceType"] == "AWS::SageMaker::Endpoint"
    )
    return str(arn.rpartition("/")[2])


@pytest.fixture(scope="package")
def one_container(account: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> str:
    deploy(account, "one_container", tmp_path_factory.mktemp("one"))
    return endpoint_of(account, "OneContainer")


@pytest.fixture(scope="package")
def houses(account: LocalAws, one_container: str) -> str:
    """The endpoint that the examples of what stands in front of one name."""
    sagemaker = account.session().client("sagemaker")
    config = sagemaker.describe_endpoint(EndpointName=one_container)["EndpointConfigName"]
    sagemaker.create_endpoint(EndpointName="houses", EndpointConfigName=config)
    sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName="houses", WaiterConfig={"Delay": 1}
    )
    return "houses"
