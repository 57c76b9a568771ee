"""The construct example of the library's README, deployed as it is printed."""

import io
import re
import sys
import tarfile
from pathlib import Path

import pytest

from localaws.testing import LocalAws
from localaws.testing.memory import model_archive
from tests.local.conftest import ROOT
from tests.local.loaded_cdk import cdk

README = "constructs/sagemaker_mme/README.md"
SCRIPT = """
def model_fn(model_dir):
    return None

def transform_fn(model, body, content_type, accept):
    return body, accept
"""


def example() -> str:
    """The first Python block that makes a store."""
    blocks: list[str] = re.findall(r"```python\n(.*?)```", (ROOT / README).read_text(), re.DOTALL)
    return next(block for block in blocks if "mme.ModelStore(" in block)


def preprocessor() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        member = tarfile.TarInfo("code/preprocess.py")
        member.size = len(SCRIPT)
        archive.addfile(member, io.BytesIO(SCRIPT.encode()))
    return stream.getvalue()


@pytest.fixture
def assembly(bootstrapped: LocalAws, tmp_path: Path) -> str:
    """What the CLI synthesizes: once, for all that is then done with it."""
    (tmp_path / "app.py").write_text(example())
    app = ("--app", f"{sys.executable} app.py")
    bootstrapped.cdk("synth", "--quiet", *app, cwd=tmp_path)
    return str(tmp_path / "cdk.out")


def test_it_deploys_as_printed(bootstrapped: LocalAws, assembly: str) -> None:
    deploy = ("deploy", "--app", assembly, "--exclusively", "--require-approval", "never")
    cdk(bootstrapped, *deploy, "HousesStore")
    session = bootstrapped.session()
    resources = session.client("cloudformation").describe_stack_resources(StackName="HousesStore")
    bucket = next(
        resource["PhysicalResourceId"]
        for resource in resources["StackResources"]
        if resource["LogicalResourceId"].startswith("StoreBucket")
        and resource["ResourceType"] == "AWS::S3::Bucket"
    )
    s3 = session.client("s3")
    s3.put_object(Bucket=bucket, Key="preprocessor/1/model.tar.gz", Body=preprocessor())
    s3.put_object(Bucket=bucket, Key="models/A/A.tar.gz", Body=model_archive(), IfNoneMatch="*")
    cdk(bootstrapped, *deploy, "Houses")
    endpoints = session.client("sagemaker").list_endpoints(NameContains="houses-endpoint")
    assert [endpoint["EndpointStatus"] for endpoint in endpoints["Endpoints"]] == ["InService"]
    cdk(bootstrapped, "destroy", "--app", assembly, "Houses", "--force", "--exclusively")
