"""What CloudFormation, IAM, S3 and KMS allow of one stack, counted in its template.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aws_cdk.cx_api import CloudAssembly

from sagemaker_mme.iam_quotas import (
    INLINE_POLICY_CHARACTERS,
    MANAGED_POLICIES,
    MANAGED_POLICY_CHARACTERS,
    TRUST_POLICY_CHARACTERS,
    policy_characters,
)

MOST_OF_A_TEMPLATE = {"Resources": 500, "Outputs": 200, "Parameters": 200, "Mappings": 200}
TEMPLATE_BYTES = 1_000_000
BUCKET_POLICY_CHARACTERS = 20_480
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html"""
KEY_POLICY_CHARACTERS = 32_768
"""https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html"""

Template = Mapping[str, Any]


def assembly_problems(assembly: CloudAssembly) -> Iterator[str]:
    """Why stacks of this assembly could not be deployed, a line each."""
    for stack in assembly.stacks:
        template = json.loads((Path(assembly.directory) / stack.template_file).read_text())
        for problem in limit_problems(template):
            yield f"{stack.stack_name} cannot be deployed: {problem}"


def limit_problems(template: Template) -> Iterator[str]:
    """Why a stack of this template could not be deployed, a sentence each."""
    for section, most in MOST_OF_A_TEMPLATE.items():
        count = len(template.get(section, {}))
        if count > most:
            yield f"{count:,} {section.lower()}, and CloudFormation allows {most} in a stack"
    size = len(json.dumps(template))
    if size > TEMPLATE_BYTES:
        yield f"a template of {size:,} bytes, and CloudFormation allows {TEMPLATE_BYTES:,}"
    resources = template.get("Resources", {})
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::IAM::Role":
                trust = properties["AssumeRolePolicyDocument"]
                yield from _too_long(name, "trust policy", trust, TRUST_POLICY_CHARACTERS)
                count = len(properties.get("ManagedPolicyArns", ()))
                if count > MANAGED_POLICIES:
                    yield (
                        f"{name} has {count} managed policies, and IAM allows {MANAGED_POLICIES}"
                    )
            case "AWS::IAM::ManagedPolicy":
                document = properties["PolicyDocument"]
                yield from _too_long(name, "policy", document, MANAGED_POLICY_CHARACTERS)
            case "AWS::S3::BucketPolicy":
                document = properties["PolicyDocument"]
                yield from _too_long(name, "policy", document, BUCKET_POLICY_CHARACTERS)
            case "AWS::KMS::Key":
                document = properties["KeyPolicy"]
                yield from _too_long(name, "policy", document, KEY_POLICY_CHARACTERS)
    for role, size in _inline_characters(resources).items():
        if size > INLINE_POLICY_CHARACTERS:
            yield (
                f"{role} has inline policies of {size:,} characters together, and IAM allows"
                f" {INLINE_POLICY_CHARACTERS:,}"
            )


def _inline_characters(resources: Mapping[str, Any]) -> Mapping[str, int]:
    """By role: the characters of its own policies, and of those that are attached to it."""
    sizes: dict[str, int] = defaultdict(int)
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::IAM::Role":
            for policy in properties.get("Policies", ()):
                sizes[name] += policy_characters(policy["PolicyDocument"])
        elif resource["Type"] == "AWS::IAM::Policy":
            for role in properties.get("Roles", ()):
                if isinstance(role, Mapping) and "Ref" in role:
                    sizes[str(role["Ref"])] += policy_characters(properties["PolicyDocument"])
    return sizes


def _too_long(name: str, what: str, document: Any, most: int) -> Iterator[str]:
    size = policy_characters(document)
    if size > most:
        yield f"{name} has a {what} of {size:,} characters, and AWS allows {most:,}"
