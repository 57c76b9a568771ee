"""The roles of a synthesized cloud assembly (``cdk.out``); needs no account and no credentials."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
    roles = {role.arn: role for role in roles_of(list(templates.values()))}
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


@dataclass(frozen=True)
class _Policies:
    """The policies of all templates: by ARN, and those that name the roles they are attached to."""

    managed: Mapping[str, tuple[str, Document]]
    attached: Sequence[tuple[str, Mapping[str, Any]]]

    @classmethod
    def of(cls, templates: Sequence[Template]) -> "_Policies":
        managed = {
            template.resolve({"Ref": name}): (name, policy["PolicyDocument"])
            for template in templates
            for name, policy in template.resources(MANAGED_POLICY).items()
        }
        attached = [
            (name, policy)
            for template in templates
            for kind in (POLICY, MANAGED_POLICY)
            for name, policy in template.resources(kind).items()
        ]
        return cls(managed, attached)


def roles_of(
    templates: Sequence[Template], name_of: Callable[[Template, str], str] | None = None
) -> list[Role]:
    """The roles of templates, with the policies that any of these templates gives them.

    ``name_of`` names a role by its logical id; that is its name without it.

    Raises
    ------
    HousingError
        A role or a policy cannot be resolved, or is one that AWS would refuse.
    """
    policies = _Policies.of(templates)
    return [
        _role(template, logical_id, properties, policies, name_of)
        for template in templates
        for logical_id, properties in template.resources(ROLE).items()
    ]


def _role(
    template: Template,
    logical_id: str,
    properties: Mapping[str, Any],
    policies: _Policies,
    name_of: Callable[[Template, str], str] | None,
) -> Role:
    known = policies.managed
    arns = properties.get("ManagedPolicyArns", [])
    reference = template.resolve({"Ref": logical_id})
    documents = {p["PolicyName"]: p["PolicyDocument"] for p in properties.get("Policies", [])}
    documents |= {
        name: policy["PolicyDocument"]
        for name, policy in policies.attached
        if reference in policy.get("Roles", [])
    }
    documents |= dict(known[arn] for arn in arns if arn in known)
    boundary_arn = properties.get("PermissionsBoundary", "")
    boundary = known[boundary_arn][1] if boundary_arn in known else None
    unknown = [arn for arn in arns if arn not in known]
    if boundary_arn and boundary is None:
        unknown.append(boundary_arn)
    return make_role(
        name_of(template, logical_id) if name_of else logical_id,
        template.resolve({"Fn::GetAtt": [logical_id, "Arn"]}),
        trust=properties["AssumeRolePolicyDocument"],
        documents=documents,
        boundary=boundary,
        unreadable=unknown,
    )
