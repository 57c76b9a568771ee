"""The roles of a stage as they are deployed, whoever changed them since."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from botocore.exceptions import ClientError

from fleet.access.roles import Document, Estate, Role, make_role
from fleet.deployment import Deployment
from fleet.names import STACKS, endpoint_name, stack_name

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_iam import IAMClient


def read_deployed(session: "boto3.Session", deployment: Deployment) -> Estate:
    """The roles of a stage's stacks with all their policies, inline and attached.

    The endpoint need not be there yet.

    Raises
    ------
    DeploymentError
        When the access stack is missing.
    """
    tenant_arn = deployment.require("tenant_role_arn")
    iam = session.client("iam")
    names = _role_names(session.client("cloudformation"), deployment.stage)
    roles = {role.arn: role for role in (_role(iam, name) for name in names)}
    restricted = {name: roles.pop(arn) for name, arn in deployment.role_arns.items()}
    tenant = roles.pop(tenant_arn)
    return Estate(
        f"deployed in {deployment.region}",
        deployment.endpoint_arn or _endpoint_arn_to_come(tenant, deployment),
        restricted,
        tenant,
        tuple(roles.values()),
    )


def _endpoint_arn_to_come(role: Role, deployment: Deployment) -> str:
    partition = role.arn.split(":")[1]
    name = endpoint_name(deployment.stage)
    return f"arn:{partition}:sagemaker:{deployment.region}:{role.account_id}:endpoint/{name}"


def _role_names(client: "CloudFormationClient", stage: str) -> Iterator[str]:
    for part in STACKS:
        pages = client.get_paginator("list_stack_resources").paginate(
            StackName=stack_name(stage, part)
        )
        try:
            for page in pages:
                for resource in page["StackResourceSummaries"]:
                    if resource["ResourceType"] == "AWS::IAM::Role":
                        yield resource["PhysicalResourceId"]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise


def _role(iam: "IAMClient", name: str) -> Role:
    role = iam.get_role(RoleName=name)["Role"]
    boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return make_role(
        name,
        role["Arn"],
        trust=_document(role["AssumeRolePolicyDocument"]),
        documents={**_inline(iam, name), **_attached(iam, name)},
        boundary=_managed(iam, boundary) if boundary else None,
    )


def _inline(iam: "IAMClient", role: str) -> dict[str, Document]:
    pages = iam.get_paginator("list_role_policies").paginate(RoleName=role)
    return {
        name: _document(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
        for page in pages
        for name in page["PolicyNames"]
    }


def _attached(iam: "IAMClient", role: str) -> dict[str, Document]:
    pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=role)
    return {
        policy["PolicyName"]: _managed(iam, policy["PolicyArn"])
        for page in pages
        for policy in page["AttachedPolicies"]
    }


def _managed(iam: "IAMClient", arn: str) -> Document:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    answer = iam.get_policy_version(PolicyArn=arn, VersionId=version)
    return _document(answer["PolicyVersion"]["Document"])


def _document(document: Any) -> Document:
    """Botocore decodes documents; where a server does not encode them, they come as text."""
    if isinstance(document, Mapping):
        return document
    loaded: Document = json.loads(unquote(document))
    return loaded
