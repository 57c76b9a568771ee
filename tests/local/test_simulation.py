"""Policy simulation answers what a real call would meet."""

import json
from typing import Any

import pytest

from localaws.testing import LocalAws
from localaws.testing.stacks import TRUST_SAGEMAKER

ENDPOINT = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/housing-dev"
POLICY = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Action": "sagemaker:InvokeEndpoint",
        "Resource": ENDPOINT,
        "Condition": {"StringLike": {"sagemaker:TargetModel": "${aws:PrincipalTag/City}/*"}},
    },
}


@pytest.fixture(scope="module")
def role_arn(localaws: LocalAws) -> str:
    """A role for the models of the city in its tag."""
    iam = localaws.session().client("iam")
    role = iam.create_role(
        RoleName="simulated",
        AssumeRolePolicyDocument=json.dumps(TRUST_SAGEMAKER),
        Tags=[{"Key": "City", "Value": "Chicago_IL"}],
    )["Role"]
    iam.put_role_policy(
        RoleName="simulated", PolicyName="invoke", PolicyDocument=json.dumps(POLICY)
    )
    return role["Arn"]


def decisions(localaws: LocalAws, role_arn: str, target_model: str | None) -> dict[str, Any]:
    entry = {
        "ContextKeyName": "sagemaker:TargetModel",
        "ContextKeyValues": [target_model or ""],
        "ContextKeyType": "string",
    }
    answer = (
        localaws.session()
        .client("iam")
        .simulate_principal_policy(
            PolicySourceArn=role_arn,
            ActionNames=["sagemaker:InvokeEndpoint"],
            ResourceArns=[ENDPOINT, f"{ENDPOINT}-other"],
            ContextEntries=[entry] if target_model else [],  # type: ignore[list-item]
        )
    )
    results = answer["EvaluationResults"]
    return {result["EvalResourceName"]: result["EvalDecision"] for result in results}


def test_conditions_and_variables_count(localaws: LocalAws, role_arn: str) -> None:
    own = decisions(localaws, role_arn, "Chicago_IL/Chicago_IL.tar.gz")
    other = decisions(localaws, role_arn, "NewYork_NY/NewYork_NY.tar.gz")
    assert own == {ENDPOINT: "allowed", f"{ENDPOINT}-other": "implicitDeny"}
    assert other[ENDPOINT] == "implicitDeny"


def test_a_key_that_the_simulation_does_not_name_is_missing(
    localaws: LocalAws, role_arn: str
) -> None:
    assert decisions(localaws, role_arn, None)[ENDPOINT] == "implicitDeny"


def test_custom_policies_are_simulated_without_a_principal(localaws: LocalAws) -> None:
    deny = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"},
    }
    answer = (
        localaws.session()
        .client("iam")
        .simulate_custom_policy(PolicyInputList=[json.dumps(deny)], ActionNames=["s3:GetObject"])
    )
    assert answer["EvaluationResults"][0]["EvalDecision"] == "explicitDeny"
