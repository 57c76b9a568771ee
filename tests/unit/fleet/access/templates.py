"""A small cloud assembly, as the CDK writes it, and its deployment config."""

import copy
import json
from pathlib import Path
from typing import Any

from fleet.names import STACKS

Body = dict[str, Any]

ACCOUNT_ROOT = {
    "Fn::Join": [
        "",
        ["arn:", {"Ref": "AWS::Partition"}, ":iam::", {"Ref": "AWS::AccountId"}, ":root"],
    ]
}
ENDPOINT_ARN = {
    "Fn::Sub": "arn:aws:sagemaker:${AWS::Region}:${AWS::AccountId}:endpoint/housing-dev"
}
CITY_TAG = "aws:RequestTag/City"


def trust(*statements: Body) -> Body:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def account_may(*actions: str, **condition: Any) -> Body:
    block: Body = {"Effect": "Allow", "Action": list(actions), "Principal": {"AWS": ACCOUNT_ROOT}}
    return {**block, "Condition": condition} if condition else block


TENANT_TRUST = trust(
    account_may(
        "sts:AssumeRole",
        "sts:TagSession",
        StringLike={CITY_TAG: "?*"},
        **{"ForAllValues:StringEquals": {"aws:TagKeys": ["City"]}},
    ),
    {
        "Effect": "Deny",
        "Action": "sts:*",
        "Principal": {"AWS": "*"},
        "Condition": {
            "StringNotEquals": {"aws:PrincipalTag/City": "${aws:RequestTag/City}"},
            "Null": {"aws:PrincipalTag/City": "false"},
        },
    },
)


def invoke(*target_models: str, effect: str = "Allow", operator: str = "StringLike") -> Body:
    return {
        "Effect": effect,
        "Action": "sagemaker:InvokeEndpoint",
        "Resource": ENDPOINT_ARN if effect == "Allow" else "*",
        "Condition": {operator: {"sagemaker:TargetModel": list(target_models)}},
    }


def role(trust_document: Body | None = None, **properties: Any) -> Body:
    document = trust_document or trust(account_may("sts:AssumeRole"))
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": document, **properties},
    }


def policy(role_id: str, *statements: Body) -> Body:
    return {
        "Type": "AWS::IAM::Policy",
        "Properties": {
            "PolicyName": f"{role_id}Policy",
            "PolicyDocument": {"Version": "2012-10-17", "Statement": list(statements)},
            "Roles": [{"Ref": role_id}],
        },
    }


def role_output(role_id: str) -> Body:
    return {"Value": {"Fn::GetAtt": [role_id, "Arn"]}}


ACCESS: Body = {
    "Resources": {
        "NewYork": role(),
        "NewYorkPolicy": policy("NewYork", invoke("NewYork_NY/*")),
        "Tenants": role(TENANT_TRUST),
        "TenantsPolicy": policy("Tenants", invoke("${aws:PrincipalTag/City}/*")),
    },
    "Outputs": {"NewYorkRoleArn": role_output("NewYork"), "TenantRoleArn": role_output("Tenants")},
}
HOSTING: Body = {
    "Resources": {
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {"EndpointName": "Housing-dev"},
        }
    },
    "Outputs": {"EndpointArn": {"Value": {"Ref": "Endpoint"}}},
}
CONFIG: Body = {"restrictedRoles": {"NewYork": {"targetModels": ["NewYork_NY/*"]}}}


def write_assembly(directory: Path, access: Body = ACCESS, hosting: Body = HOSTING) -> Path:
    """The templates of stage dev, in ``directory``."""
    none: dict[str, Body] = {part: {} for part in STACKS}
    bodies = none | {"hosting": hosting, "access": access}
    for part, body in bodies.items():
        path = directory / f"housing-dev-{part}.template.json"
        path.write_text(json.dumps({"Resources": {}, **body}))
    return directory


def write_config(directory: Path, config: Body = CONFIG) -> Path:
    path = directory / "cdk.json"
    path.write_text(json.dumps({"context": {"housing": {"dev": config}}}))
    return path


def access_with(**resources: Body) -> Body:
    """The access template with resources added or replaced."""
    changed = copy.deepcopy(ACCESS)
    changed["Resources"] |= resources
    return changed
