"""Policy documents: text or JSON values in, compiled policies out.

What AWS refuses is an error here too, so that no misspelt element is ever read as an allow.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from iam_policy.conditions import parse_condition_block
from iam_policy.model import PolicyError, PolicyType
from iam_policy.patterns import Patterns, Syntax, Token, Variable, tokenize
from iam_policy.principals import parse_principal
from iam_policy.statement import Policy, Scope, Statement

_VERSIONS = ("2008-10-17", "2012-10-17")
_POLICY_ELEMENTS = {"Version", "Id", "Statement"}
_STATEMENT_ELEMENTS = {
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
}
_SID = re.compile(r"[0-9A-Za-z]*", re.ASCII)
_ACTION = re.compile(r"\*|\*:\*|[A-Za-z0-9-]+:[A-Za-z0-9*?_-]+", re.ASCII)


def parse_policy(
    document: str | bytes | Mapping[str, Any],
    name: str = "policy",
    policy_type: PolicyType = PolicyType.IDENTITY,
) -> Policy:
    """Parse and compile a policy document.

    Parameters
    ----------
    document
        JSON text, or what ``json.loads`` made of it.
    name
        How errors and decisions call the policy.
    policy_type
        Decides which elements a statement must and must not have.

    Raises
    ------
    PolicyError
        Naming the policy, the statement and the fault.
    """
    try:
        return _parse(_loaded(document), name, policy_type)
    except PolicyError as error:
        raise PolicyError(f"{policy_type.value} {name}: {error}") from None


def _parse(document: object, name: str, policy_type: PolicyType) -> Policy:
    if not isinstance(document, Mapping):
        raise PolicyError(f"a policy is an object, not {document!r}")
    _refuse_others(document, _POLICY_ELEMENTS)
    version = document.get("Version", "2008-10-17")
    if version not in _VERSIONS:
        raise PolicyError(f"Version {version!r} is none of {', '.join(_VERSIONS)}")
    if "Id" in document and not policy_type.names_principals:
        raise PolicyError("Id is for resource-based policies only")
    blocks = _as_list(document.get("Statement"))
    if not blocks:
        raise PolicyError("Statement is missing or empty")
    variables = version == "2012-10-17"
    statements = tuple(
        _parse_named_statement(block, index, name, policy_type, variables)
        for index, block in enumerate(blocks)
    )
    _refuse_duplicates([block["Sid"] for block in blocks if block.get("Sid")])
    return Policy(name, statements, policy_type)


def _parse_named_statement(
    block: object, index: int, policy_name: str, policy_type: PolicyType, variables: bool
) -> Statement:
    if not isinstance(block, Mapping):
        raise PolicyError(f"statement {index} is not an object: {block!r}")
    sid = block.get("Sid", "")
    if not isinstance(sid, str):
        raise PolicyError(f"statement {index}: Sid {sid!r} is not text")
    if policy_type is not PolicyType.RESOURCE and not _SID.fullmatch(sid):
        # S3, KMS and the other services that keep policies of their own allow spaces.
        raise PolicyError(
            f"statement {index}: Sid {sid!r}: Statement IDs (SID) must be alpha-numeric. Check that"
            f" your input satisfies the regular expression {_SID.pattern}"
        )
    label = sid or str(index)
    try:
        return _parse_statement(block, f"{policy_name}/{label}", policy_type, variables)
    except PolicyError as error:
        raise PolicyError(f"statement {label}: {error}") from None


def _parse_statement(
    block: Mapping[str, Any], name: str, policy_type: PolicyType, variables: bool
) -> Statement:
    _refuse_others(block, _STATEMENT_ELEMENTS)
    if block.get("Effect") not in ("Allow", "Deny"):
        raise PolicyError(f"Effect {block.get('Effect')!r} is neither Allow nor Deny")
    _check_principal_elements(block, policy_type)
    action_element = _one_of(block, "Action")
    return Statement(
        name=name,
        denies=block["Effect"] == "Deny",
        actions=Scope(_actions(block[action_element]), action_element == "NotAction"),
        resources=_resources(block, policy_type, variables),
        conditions=parse_condition_block(block.get("Condition", {}), variables=variables),
        principal=parse_principal(block["Principal"]) if "Principal" in block else None,
        not_principal=parse_principal(block["NotPrincipal"]) if "NotPrincipal" in block else None,
    )


def _check_principal_elements(block: Mapping[str, Any], policy_type: PolicyType) -> None:
    if not policy_type.names_principals:
        for element in {"Principal", "NotPrincipal"} & block.keys():
            raise PolicyError(f"{element} is for resource-based policies only")
        return
    element = _one_of(block, "Principal")
    if element == "NotPrincipal" and policy_type is PolicyType.TRUST:
        raise PolicyError("NotPrincipal is not supported in role trust policies")
    if element == "NotPrincipal" and block["Effect"] == "Allow":
        raise PolicyError("NotPrincipal is supported with Effect Deny only")


def _one_of(block: Mapping[str, Any], element: str) -> str:
    """The one of ``X`` and ``NotX`` that the statement has.

    Raises
    ------
    PolicyError
        It has both or neither.
    """
    present = [name for name in (element, f"Not{element}") if name in block]
    if len(present) != 1:
        raise PolicyError(f"exactly one of {element} and Not{element} is needed")
    return present[0]


def _actions(element: object) -> Patterns:
    actions = _texts(element, "action")
    for action in actions:
        if not _ACTION.fullmatch(action):
            raise PolicyError(f"{action!r} is not an action such as s3:GetObject")
    tokens = [tokenize(action, wildcards=True, variables=False) for action in actions]
    return Patterns(tokens, Syntax.TEXT_IGNORING_CASE)


def _resources(block: Mapping[str, Any], policy_type: PolicyType, variables: bool) -> Scope | None:
    if policy_type is PolicyType.TRUST:
        for element in {"Resource", "NotResource"} & block.keys():
            raise PolicyError(f"{element} is not for role trust policies")
        return None
    element = _one_of(block, "Resource")
    resources = _texts(block[element], "resource")
    patterns = Patterns([_resource(resource, variables) for resource in resources])
    return Scope(patterns, element == "NotResource")


def _resource(resource: str, variables: bool) -> tuple[Token, ...]:
    """A resource pattern; missing parts of an ARN stand for anything.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html

    Raises
    ------
    PolicyError
        It is neither an ARN nor ``*``.
    """
    if resource == "*":
        return tokenize(resource, wildcards=True, variables=False)
    parts = resource.split(":", 5)
    if parts[0] != "arn" or len(parts) < 3:
        raise PolicyError(f"resource {resource!r} is neither an ARN nor *")
    complete = ":".join(parts + ["*"] * (6 - len(parts)))
    prefix = ":".join(parts[:5])
    if any(isinstance(t, Variable) for t in tokenize(prefix, wildcards=True, variables=variables)):
        raise PolicyError(f"resource {resource!r} has a variable before its fifth colon")
    return tokenize(complete, wildcards=True, variables=variables)


def _texts(element: object, kind: str) -> list[str]:
    values = _as_list(element)
    if not values:
        raise PolicyError(f"the list of {kind}s is empty")
    for value in values:
        if not isinstance(value, str):
            raise PolicyError(f"{kind} {value!r} is not text")
    return values


def _as_list(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _refuse_others(block: Mapping[str, Any], allowed: set[str]) -> None:
    unknown = sorted(set(block) - allowed)
    if unknown:
        raise PolicyError(f"unknown element {unknown[0]!r}; known are {', '.join(sorted(allowed))}")


def _refuse_duplicates(sids: list[str]) -> None:
    repeated = [sid for sid, count in Counter(sids).items() if count > 1]
    if repeated:
        raise PolicyError(f"two statements have the Sid {repeated[0]!r}")


def _loaded(document: str | bytes | Mapping[str, Any]) -> object:
    if isinstance(document, Mapping):
        return document
    try:
        return json.loads(document, object_pairs_hook=_object_without_duplicates)
    except (ValueError, RecursionError) as error:
        if isinstance(error, PolicyError):
            raise
        raise PolicyError(f"not JSON: {error}") from None


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    block = dict(pairs)
    if len(block) != len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise PolicyError(f"{repeated!r} stands twice in one object")
    return block
