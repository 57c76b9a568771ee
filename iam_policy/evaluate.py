"""The decision: AWS's evaluation logic over all policies that bear on a request.

Within one account:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
Between accounts:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
"""

from collections.abc import Iterable, Iterator

from iam_policy.model import Context, Decision, Effect, PolicyType, Request
from iam_policy.principals import Grant
from iam_policy.statement import Policy, PolicySet, Statement


def evaluate(policies: PolicySet, request: Request) -> Decision:
    """Decide whether the request is allowed, and by what.

    An explicit deny anywhere wins. Otherwise identity-based and resource-based policies allow, and
    permissions boundary and session policies limit what identity-based policies allow.
    """
    context = request.normalised_context()
    denied = _explicit_deny(policies, request, context)
    if denied is not None:
        return denied
    by_resource, grant = _resource_allow(policies.resource, request, context)
    if not request.principal.has_identity_policies:
        return by_resource
    if request.is_cross_account:
        by_identity = _identity_decision(policies, request, context)
        return by_identity if by_resource.allowed else by_resource
    if grant is Grant.DIRECT:
        return by_resource
    if grant is Grant.ROLE:
        return _limiting_deny(policies, request, context) or by_resource
    if policies.resource_must_allow and grant is Grant.NONE:
        return by_resource
    return _identity_decision(policies, request, context)


def _explicit_deny(policies: PolicySet, request: Request, context: Context) -> Decision | None:
    for policy_type, policy in _policies_without_principals(policies):
        for statement in policy.statements:
            if statement.denies and statement.applies(request, context):
                return Decision(Effect.EXPLICIT_DENY, policy_type, statement.name)
    if policies.resource is None:
        return None
    has_boundary = policies.boundary is not None
    for statement in policies.resource.statements:
        if (
            statement.denies
            and statement.denies_principal(request.principal, has_boundary=has_boundary)
            and statement.applies(request, context)
        ):
            return Decision(Effect.EXPLICIT_DENY, policies.resource.type, statement.name)
    return None


def _policies_without_principals(policies: PolicySet) -> Iterator[tuple[PolicyType, Policy]]:
    for policy in policies.identity:
        yield PolicyType.IDENTITY, policy
    if policies.boundary is not None:
        yield PolicyType.BOUNDARY, policies.boundary
    for policy in policies.session or ():
        yield PolicyType.SESSION, policy


def _resource_allow(
    policy: Policy | None, request: Request, context: Context
) -> tuple[Decision, Grant]:
    """What the resource-based policy says, and how directly it names the principal."""
    if policy is None:
        return Decision(Effect.IMPLICIT_DENY, PolicyType.RESOURCE), Grant.NONE
    granted = Grant.NONE
    decision = Decision(Effect.IMPLICIT_DENY, policy.type)
    for statement in policy.statements:
        if statement.denies:
            continue
        grant = statement.grant_to(request.principal)
        if grant > granted and statement.applies(request, context):
            granted = grant
            decision = Decision(Effect.ALLOWED, policy.type, statement.name)
    return decision, granted


def _identity_decision(policies: PolicySet, request: Request, context: Context) -> Decision:
    """What the caller's own account says."""
    if request.principal.is_root_user:
        return Decision(Effect.ALLOWED)
    allow = _first_allow(policies.identity, request, context)
    if allow is None:
        return Decision(Effect.IMPLICIT_DENY, PolicyType.IDENTITY)
    limited = _limiting_deny(policies, request, context)
    return limited or Decision(Effect.ALLOWED, PolicyType.IDENTITY, allow.name)


def _limiting_deny(policies: PolicySet, request: Request, context: Context) -> Decision | None:
    """The implicit deny of a permissions boundary or of session policies, if there is one."""
    if policies.boundary is not None and not _first_allow([policies.boundary], request, context):
        return Decision(Effect.IMPLICIT_DENY, PolicyType.BOUNDARY)
    if policies.session is not None and not _first_allow(policies.session, request, context):
        return Decision(Effect.IMPLICIT_DENY, PolicyType.SESSION)
    return None


def _first_allow(
    policies: Iterable[Policy], request: Request, context: Context
) -> Statement | None:
    for policy in policies:
        for statement in policy.statements:
            if not statement.denies and statement.applies(request, context):
                return statement
    return None
