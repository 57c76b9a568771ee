"""SimulatePrincipalPolicy and SimulateCustomPolicy by the evaluation that decides real calls.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from xml.sax.saxutils import escape

from ministack.core.responses import get_account_id
from ministack.services import iam

from iam_policy import (
    ContextValue,
    Decision,
    Policy,
    PolicySet,
    PolicyType,
    Principal,
    Request,
    evaluate,
)
from localaws.authorization import Identity
from localaws.errors import AwsError
from localaws.ministack import patches
from localaws.ministack.iam.identities import MiniStackIdentities, parse

Parameters = Mapping[str, Any]


class Simulation:
    """Answers the two operations, in the place of MiniStack's."""

    def __init__(self, identities: MiniStackIdentities) -> None:
        self._identities = identities

    def install(self) -> None:
        """Put them into MiniStack's table of operations."""
        handlers = patches.table(iam, "_IAM_HANDLERS")
        handlers["SimulatePrincipalPolicy"] = self.simulate_principal_policy
        handlers["SimulateCustomPolicy"] = self.simulate_custom_policy

    def simulate_principal_policy(self, parameters: Parameters) -> Any:
        """The policies of a user or role, with further ones."""
        arn = iam._p(parameters, "PolicySourceArn")
        identity = self._identities.simulated(arn)
        if identity is None:
            return iam._error(404, "NoSuchEntity", f"{arn} cannot be found.", ns="iam")
        return _answer("SimulatePrincipalPolicy", identity, parameters)

    def simulate_custom_policy(self, parameters: Parameters) -> Any:
        """The policies of the request alone."""
        account_id = get_account_id()
        caller = iam._p(parameters, "CallerArn") or f"arn:aws:iam::{account_id}:user/simulated"
        identity = Identity(Principal(caller, account_id), PolicySet())
        return _answer("SimulateCustomPolicy", identity, parameters)


def _answer(operation: str, identity: Identity, parameters: Parameters) -> Any:
    try:
        further = _policies(parameters, "PolicyInputList", PolicyType.IDENTITY)
        boundaries = _policies(
            parameters, "PermissionsBoundaryPolicyInputList", PolicyType.BOUNDARY
        )
    except AwsError as error:
        return iam._error(400, "InvalidInput", escape(error.message), ns="iam")
    policies = replace(identity.policies, identity=(*identity.policies.identity, *further))
    if boundaries:
        policies = replace(policies, boundary=boundaries[0])
    context = {**identity.context, **_context(parameters)}
    results = "".join(
        _result(request, evaluate(policies, request))
        for action in _members(parameters, "ActionNames")
        for resource in list(_members(parameters, "ResourceArns")) or ["*"]
        for request in [Request(action, resource, identity.principal, context)]
    )
    return iam._xml(
        200,
        f"{operation}Response",
        f"<{operation}Result><EvaluationResults>{results}</EvaluationResults>"
        f"<IsTruncated>false</IsTruncated></{operation}Result>",
        ns="iam",
    )


def _result(request: Request, decision: Decision) -> str:
    matched = ""
    if decision.statement is not None:
        policy = decision.statement.rpartition("/")[0]
        matched = f"<member><SourcePolicyId>{escape(policy)}</SourcePolicyId></member>"
    return (
        f"<member><EvalActionName>{escape(request.action)}</EvalActionName>"
        f"<EvalResourceName>{escape(request.resource)}</EvalResourceName>"
        f"<EvalDecision>{decision.effect.value}</EvalDecision>"
        f"<MatchedStatements>{matched}</MatchedStatements>"
        "<MissingContextValues></MissingContextValues></member>"
    )


def _policies(parameters: Parameters, name: str, kind: PolicyType) -> tuple[Policy, ...]:
    documents = enumerate(_members(parameters, name), start=1)
    return tuple(parse(document, f"{name}.{number}", kind) for number, document in documents)


def _context(parameters: Parameters) -> dict[str, ContextValue]:
    context: dict[str, ContextValue] = {}
    number = 1
    while key := iam._p(parameters, f"ContextEntries.member.{number}.ContextKeyName"):
        values = f"ContextEntries.member.{number}.ContextKeyValues"
        kind = iam._p(parameters, f"ContextEntries.member.{number}.ContextKeyType")
        listed = tuple(_members(parameters, values))
        context[key] = listed if kind.endswith("List") else "".join(listed[:1])
        number += 1
    return context


def _members(parameters: Parameters, name: str) -> Iterator[str]:
    number = 1
    while value := iam._p(parameters, f"{name}.member.{number}"):
        yield value
        number += 1
