"""The roles of a synthesized cloud assembly (``cdk.out``); needs no account and no credentials."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fleet.access.intrinsics import Environment, Template
from fleet.access.roles import Document, Estate, Role, make_role
from fleet.errors import HousingError
from fleet.names import ROLE_OUTPUT_SUFFIX, STACKS, TENANT_ROLE_OUTPUT, stack_name
from fleet.project import cdk_command

ROLE, POLICY, MANAGED_POLICY = "AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"


def read_assembly(directory: Path, stage: str, environment: Environment | None = None) -> Estate:
    """The roles of a stage's templates.

    Raises
    ------
    HousingError
        When the templates are missing or hold what cannot be resolved.
    """
    environment = environment or Environment()
    templates = _templates(directory, stage, environment)
    roles = {role.arn: role for template in templates.values() for role in _roles(template)}
    outputs = templates["access"].outputs()
    named = {
        name.removesuffix(ROLE_OUTPUT_SUFFIX): roles.pop(arn)
        for name, arn in outputs.items()
        if name.endswith(ROLE_OUTPUT_SUFFIX)
    }
    tenant = named.pop(TENANT_ROLE_OUTPUT.removesuffix(ROLE_OUTPUT_SUFFIX), None)
    endpoint_arn = templates["hosting"].outputs()["EndpointArn"]
    return Estate(str(directory), endpoint_arn, named, tenant, tuple(roles.values()))


def _templates(directory: Path, stage: str, environment: Environment) -> dict[str, Template]:
    """The stage's templates; a template may refer to those before it."""
    imports: dict[str, str] = {}
    outputs: dict[str, Mapping[str, str]] = {}
    templates = {}
    for part in STACKS:
        name = stack_name(stage, part)
        body = _load(directory / f"{name}.template.json", stage)
        template = Template(name, body, environment, dict(imports), dict(outputs))
        imports |= template.exports()
        outputs[name] = template.outputs()
        templates[part] = template
    return templates


def _load(path: Path, stage: str) -> Mapping[str, Any]:
    try:
        body: Mapping[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        raise HousingError(f"{path} is missing; run: {cdk_command(stage, 'synth', '-q')}") from None
    except ValueError as error:
        raise HousingError(f"{path} is not JSON: {error}") from None
    return body


def _roles(template: Template) -> list[Role]:
    managed = template.resources(MANAGED_POLICY)
    attached = [*template.resources(POLICY).items(), *managed.items()]
    managed_arns = {template.resolve({"Ref": name}): name for name in managed}
    roles = []
    for name, properties in template.resources(ROLE).items():
        arns = properties.get("ManagedPolicyArns", [])
        documents = _documents(template, name, properties, attached)
        own = {managed_arns[arn]: managed[managed_arns[arn]] for arn in arns if arn in managed_arns}
        documents |= {title: policy["PolicyDocument"] for title, policy in own.items()}
        boundary_arn = properties.get("PermissionsBoundary")
        boundary = managed.get(managed_arns.get(boundary_arn, ""), {}).get("PolicyDocument")
        unknown = [arn for arn in arns if arn not in managed_arns]
        if boundary_arn and boundary is None:
            unknown.append(boundary_arn)
        roles.append(
            make_role(
                name,
                template.resolve({"Fn::GetAtt": [name, "Arn"]}),
                trust=properties["AssumeRolePolicyDocument"],
                documents=documents,
                boundary=boundary,
                unreadable=unknown,
            )
        )
    return roles


def _documents(
    template: Template,
    role: str,
    properties: Mapping[str, Any],
    attached: list[tuple[str, dict[str, Any]]],
) -> dict[str, Document]:
    """Inline policies, and those that name the role."""
    reference = template.resolve({"Ref": role})
    inline = {p["PolicyName"]: p["PolicyDocument"] for p in properties.get("Policies", [])}
    named = {
        name: policy["PolicyDocument"]
        for name, policy in attached
        if reference in policy.get("Roles", [])
    }
    return inline | named
