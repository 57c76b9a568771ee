"""Short ways to say which policies and which request a case is about."""

from collections.abc import Mapping
from typing import Any

from iam_policy import ContextValue, Effect, PolicySet, Principal, Request, evaluate, parse_policy
from iam_policy.model import PolicyType
from iam_policy.statement import Policy

ACCOUNT = "111122223333"
OTHER_ACCOUNT = "999988887777"
ACTION = "sagemaker:InvokeEndpoint"
ENDPOINT = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/housing-dev"
TARGET_MODEL = "sagemaker:TargetModel"

ROLE = Principal(
    arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/examplerole/session",
    account_id=ACCOUNT,
    role_arn=f"arn:aws:iam::{ACCOUNT}:role/examplerole",
)
USER = Principal(arn=f"arn:aws:iam::{ACCOUNT}:user/exampleuser", account_id=ACCOUNT)
ROOT = Principal(arn=f"arn:aws:iam::{ACCOUNT}:root", account_id=ACCOUNT)

Statement = dict[str, Any]


def statement(effect: str = "Allow", **elements: object) -> Statement:
    """A statement about everything, save for the elements given."""
    block: Statement = {"Effect": effect, **elements}
    if not block.keys() & {"Action", "NotAction"}:
        block["Action"] = "*"
    if not block.keys() & {"Resource", "NotResource"}:
        block["Resource"] = "*"
    return block


def document(*statements: Statement, version: str = "2012-10-17") -> dict[str, Any]:
    return {"Version": version, "Statement": list(statements)}


def policy(*statements: Statement, policy_type: PolicyType = PolicyType.IDENTITY) -> Policy:
    return parse_policy(document(*statements), policy_type.name.lower(), policy_type)


def allow(**elements: object) -> Policy:
    return policy(statement("Allow", **elements))


def deny(**elements: object) -> Policy:
    return policy(statement("Deny", **elements))


def resource_policy(*statements: Statement) -> Policy:
    return policy(*statements, policy_type=PolicyType.RESOURCE)


def request(
    context: Mapping[str, ContextValue] | None = None,
    *,
    principal: Principal = ROLE,
    action: str = ACTION,
    resource: str = ENDPOINT,
    resource_account: str | None = None,
) -> Request:
    return Request(action, resource, principal, context or {}, resource_account)


def effect(*policies: Policy, **asked: Any) -> Effect:
    """The effect of identity-based policies alone."""
    return evaluate(PolicySet(identity=policies), request(**asked)).effect


def condition_holds(
    operator: str, key: str, values: object, context: Mapping[str, ContextValue]
) -> bool:
    """Whether a statement with this one condition applies."""
    return effect(allow(Condition={operator: {key: values}}), context=context) is Effect.ALLOWED
