"""The real CDK CLI, with the profile as the only setting."""

import json
from pathlib import Path

import aws_cdk as cdk
import pytest
from botocore.exceptions import ClientError

from benchmarks.echo_app import STACK, add_stack
from localaws.testing import LocalAws
from localaws.testing.stacks import echo_endpoint, put_artifacts

ENDPOINT = "cdk-endpoint"
BUCKET = "cdk-endpoint-store"


@pytest.fixture(scope="module")
def apps(bootstrapped: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two versions of one app, synthesized: they differ in the model's environment."""
    put_artifacts(bootstrapped.session(), BUCKET)
    folder = tmp_path_factory.mktemp("apps")
    apps = {colour: folder / colour for colour in ("green", "blue")}
    for colour, out in apps.items():
        template = folder / f"{colour}.json"
        resources = echo_endpoint(BUCKET, ENDPOINT, COLOUR=colour)
        template.write_text(json.dumps({"Resources": resources}))
        app = cdk.App(outdir=str(out), builtin_cloud_formation_validation=False)
        add_stack(app, str(template))
        app.synth()
    return apps


@pytest.fixture(scope="module")
def deployed(bootstrapped: LocalAws, apps: dict[str, Path]) -> LocalAws:
    """The shared server with the green app."""
    deploy(bootstrapped, apps["green"])
    return bootstrapped


def deploy(localaws: LocalAws, app: Path) -> str:
    return localaws.cdk("deploy", STACK, "--app", str(app), "--require-approval", "never")


def colour_in_service(localaws: LocalAws) -> str:
    sagemaker = localaws.session().client("sagemaker")
    config_name = sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"]
    config = sagemaker.describe_endpoint_config(EndpointConfigName=config_name)
    model = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    return model["Containers"][0]["Environment"]["COLOUR"]


def test_deploy_goes_through_the_roles_of_the_bootstrap(
    bootstrapped: LocalAws, apps: dict[str, Path]
) -> None:
    written = deploy(bootstrapped, apps["green"])
    assert "could not be used to assume" not in written
    assert colour_in_service(bootstrapped) == "green"


def test_a_second_deploy_changes_nothing(deployed: LocalAws, apps: dict[str, Path]) -> None:
    assert "(no changes)" in deploy(deployed, apps["green"])


def test_diff_of_what_is_deployed_finds_nothing(deployed: LocalAws, apps: dict[str, Path]) -> None:
    written = deployed.cdk("diff", STACK, "--app", str(apps["green"]))
    assert "Number of stacks with differences: 0" in written


def test_diff_of_a_changed_model_tells_of_its_replacement(
    deployed: LocalAws, apps: dict[str, Path]
) -> None:
    written = deployed.cdk("diff", STACK, "--app", str(apps["blue"]))
    assert "AWS::SageMaker::Model" in written
    assert "requires replacement" in written


def test_a_changed_app_moves_the_endpoint(deployed: LocalAws, apps: dict[str, Path]) -> None:
    deploy(deployed, apps["blue"])
    assert colour_in_service(deployed) == "blue"


def test_destroy_leaves_no_endpoint(deployed: LocalAws, apps: dict[str, Path]) -> None:
    deployed.cdk("destroy", STACK, "--app", str(apps["blue"]), "--force")
    with pytest.raises(ClientError, match="Could not find endpoint"):
        colour_in_service(deployed)
