"""``cdk destroy`` is enough where the removal policy is DESTROY."""

from pathlib import Path

import pytest

from fleet.names import preprocessor_url_parameter
from localaws.testing import LocalAws
from tests.local.assembly import Assembly

STAGE = "short-lived"


@pytest.fixture(scope="module")
def assembly(bootstrapped: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    folder: Path = tmp_path_factory.mktemp("assembly")
    return Assembly.synthesize(bootstrapped, folder, STAGE)


def leftovers(aws: LocalAws) -> dict[str, list[str]]:
    """What of the stage is still there."""
    session = aws.session()
    named = {
        "buckets": [b["Name"] for b in session.client("s3").list_buckets()["Buckets"]],
        "functions": [
            f["FunctionName"] for f in session.client("lambda").list_functions()["Functions"]
        ],
        "log groups": [
            g["logGroupName"] for g in session.client("logs").describe_log_groups()["logGroups"]
        ],
        "parameters": [
            p["Name"] for p in session.client("ssm").describe_parameters()["Parameters"]
        ],
        "roles": [r["RoleName"] for r in session.client("iam").list_roles()["Roles"]],
        "tables": session.client("dynamodb").list_tables()["TableNames"],
    }
    return {
        kind: found for kind, names in named.items() if (found := [n for n in names if STAGE in n])
    }


def test_a_full_versioned_bucket_is_destroyed_and_deployed_again_at_once(
    assembly: Assembly,
) -> None:
    assembly.deploy("storage")
    session = assembly.aws.session()
    outputs = assembly.outputs("storage")
    s3 = session.client("s3")
    for number in range(30):
        for content in (b"first", b"second"):
            s3.put_object(Bucket=outputs["BucketName"], Key=f"jobs/{number}", Body=content)
        key = f"models/{number}"
        s3.put_object(Bucket=outputs["BucketName"], Key=key, Body=b"model", IfNoneMatch="*")
    s3.delete_object(Bucket=outputs["BucketName"], Key="models/0")
    session.client("dynamodb").put_item(
        TableName=outputs["RegistryTableName"],
        Item={"city": {"S": "Austin_TX"}, "version": {"N": "0"}},
    )
    session.client("ssm").put_parameter(
        Name=preprocessor_url_parameter(STAGE), Value="s3://b/k", Type="String"
    )
    assert leftovers(assembly.aws).keys() == {
        *("buckets", "functions", "log groups", "parameters", "roles", "tables")
    }
    assembly.destroy()
    assert leftovers(assembly.aws) == {}
    assembly.deploy("storage")
    assembly.destroy()
    assert leftovers(assembly.aws) == {}
