"""The roles of anybody's CloudFormation templates, whatever app they belong to."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from fleet.access.assembly import MANAGED_POLICY, POLICY, ROLE, roles_of
from fleet.access.audit import Audit, audit
from fleet.access.expectation import Expectation, ExpectedRole
from fleet.access.intrinsics import Environment, Template
from fleet.access.matrix import Matrix, example_of
from fleet.access.roles import Estate, Role
from fleet.errors import HousingError

ENDPOINT = "AWS::SageMaker::Endpoint"
TEMPLATE = ".template.json"
_ENDPOINT_ARN = re.compile(r'arn:[\w-]+:sagemaker:[\w-]*:\w*:endpoint/[A-Za-z0-9-]+(?=")')
ANY_ENDPOINT = "any-endpoint"
"""Stands for the endpoint where the templates declare none."""
ANYTHING = "*"
"""The pattern of a role that may invoke whatever it likes; it is asked nothing."""
HARMLESS = (
    "service-role/AWSLambdaBasicExecutionRole",
    "service-role/AWSLambdaVPCAccessExecutionRole",
    "service-role/AmazonECSTaskExecutionRolePolicy",
    "AWSXRayDaemonWriteAccess",
    "CloudWatchAgentServerPolicy",
)
"""AWS's own policies that allow nothing of SageMaker.

https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
"""

Expected = Mapping[str, Sequence[str]]
"""Patterns of target models by the name of the role, in which ``*`` and ``?`` may stand."""


def audit_templates(
    folder: Path, expected: Expected | None = None, models: Sequence[str] = ()
) -> Audit:
    """Hold the roles of all templates below a folder against what is expected of them.

    Parameters
    ----------
    folder
        A cloud assembly of the CDK, or templates in JSON; looked through with all folders in it.
    expected
        By role: its construct's path, such as ``Houses/Partner/Role``, or its logical id. Without
        it, each role is expected to reach what its own conditions on ``sagemaker:TargetModel``
        name, and roles without one nothing.
    models
        Target models to ask about, besides one for each pattern and one that nobody thought of.

    Raises
    ------
    HousingError
        The templates are missing, or hold what cannot be resolved.
    """
    templates = _templates(folder)
    paths = _construct_paths(folder)

    def name_of(template: Template, logical_id: str) -> str:
        return paths.get((template.name, logical_id), logical_id).removesuffix("/Resource")

    roles = {role.name: role for role in roles_of(templates, name_of)}
    expectation, asked = _expectation(roles, expected)
    patterns = [p for role in expectation.restricted.values() for p in role.target_models]
    columns = tuple(dict.fromkeys([*models, *map(example_of, patterns)]))
    restricted = {name: asked[name] for name in expectation.restricted if name in asked}
    others = tuple(role for name, role in asked.items() if name not in restricted)
    audits = [
        audit(Estate(str(folder), endpoint, restricted, None, others), expectation, columns)
        for endpoint in _endpoints(templates)
    ]
    return audits[0] if len(audits) == 1 else _joined(audits)


def _templates(folder: Path) -> list[Template]:
    files = sorted(folder.rglob(f"*{TEMPLATE}")) or sorted(folder.rglob("*.json"))
    bodies = {file: body for file in files if (body := _body(file)) is not None}
    if not bodies:
        raise HousingError(
            f"{folder} has no CloudFormation templates in JSON; the CDK writes them with cdk synth"
        )
    imports: dict[str, str] = {}
    outputs: dict[str, Mapping[str, str]] = {}
    templates = [
        Template(file.name.removesuffix(TEMPLATE), body, Environment(), imports, outputs)
        for file, body in bodies.items()
    ]
    _resolve_exports(templates, imports, outputs)
    return templates


def _body(file: Path) -> dict[str, Any] | None:
    """A template; None where a file is something else."""
    body = _json(file)
    return body if body is not None and isinstance(body.get("Resources"), dict) else None


def _json(file: Path) -> dict[str, Any] | None:
    try:
        body = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        return None
    return body if isinstance(body, dict) else None


def _resolve_exports(
    templates: Sequence[Template],
    imports: dict[str, str],
    outputs: dict[str, Mapping[str, str]],
) -> None:
    """Fill in what templates offer each other, in whichever order they depend.

    What is missing in the end is told when a role or a policy needs it.
    """
    left = list(templates)
    while left:
        waiting = []
        for template in left:
            try:
                offered = template.exports()
                outputs[template.name] = template.outputs()
            except HousingError:
                waiting.append(template)
            else:
                imports |= offered
        if len(waiting) == len(left):
            return
        left = waiting


def _construct_paths(folder: Path) -> dict[tuple[str, str], str]:
    """The paths of constructs by template and logical id, as a cloud assembly of the CDK has them.

    https://github.com/aws/aws-cdk-cli/tree/main/packages/%40aws-cdk/cloud-assembly-schema
    """
    paths = {}
    for manifest in folder.rglob("manifest.json"):
        for artifact in (_json(manifest) or {}).get("artifacts", {}).values():
            template = artifact.get("properties", {}).get("templateFile", "")
            more = artifact.get("additionalMetadataFile")
            metadata = (_json(manifest.with_name(more)) if more else artifact.get("metadata")) or {}
            for path, entries in metadata.items():
                for entry in entries:
                    if entry["type"] == "aws:cdk:logicalId":
                        key = template.removesuffix(TEMPLATE), entry["data"]
                        paths[key] = path.removeprefix("/")
    return paths


def _endpoints(templates: Sequence[Template]) -> list[str]:
    """The ARNs of the endpoints that are declared, or else of those that policies name."""
    declared = [
        template.resolve({"Ref": name})
        for template in templates
        for name, resource in template.body["Resources"].items()
        if resource.get("Type") == ENDPOINT
    ]
    if declared:
        return declared
    documents = [
        template.resources(kind)
        for template in templates
        for kind in (ROLE, POLICY, MANAGED_POLICY)
    ]
    named = dict.fromkeys(_ENDPOINT_ARN.findall(json.dumps(documents)))
    return list(named) or [Environment().arn("sagemaker", f"endpoint/{ANY_ENDPOINT}")]


def _expectation(
    roles: Mapping[str, Role], expected: Expected | None
) -> tuple[Expectation, dict[str, Role]]:
    """What is expected of which role, and the roles that are asked."""
    asked = {name: _without_harmless(role) for name, role in roles.items()}
    if expected is None:
        own = {n: ExpectedRole(r.target_models) for n, r in roles.items() if r.target_models}
        return Expectation(own, source="its own conditions"), asked
    restricted = {}
    for pattern, target_models in expected.items():
        for name in list(_matching(roles, pattern)) or [pattern]:
            if tuple(target_models) == (ANYTHING,):
                asked.pop(name, None)
            else:
                restricted[name] = ExpectedRole(tuple(target_models))
    return Expectation(restricted, source="the expectation"), asked


def _matching(roles: Mapping[str, Role], pattern: str) -> Iterator[str]:
    for name, role in roles.items():
        if fnmatchcase(name, pattern) or fnmatchcase(role.arn.rpartition("/")[2], pattern):
            yield name


def _without_harmless(role: Role) -> Role:
    unknown = [arn for arn in role.unreadable if not arn.endswith(HARMLESS)]
    return replace(role, unreadable=tuple(unknown))


def _joined(audits: Sequence[Audit]) -> Audit:
    """One audit of several endpoints, whose rows tell which."""
    first = audits[0]
    rows = [
        replace(row, subject=replace(row.subject, name=f"{row.subject.name} on {endpoint}"))
        for each in audits
        for row in each.matrix.rows
        for endpoint in [row.cells[0].question.resource.rpartition("/")[2]]
    ]
    matrix = Matrix(first.matrix.source, first.matrix.models, tuple(rows))
    problems = dict.fromkeys(problem for each in audits for problem in each.problems)
    return Audit(matrix, first.attempts, tuple(problems))
