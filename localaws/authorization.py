"""Who calls, and whether they may: the one place that decides, for every service.

``iam_policy`` evaluates; this module gathers what it needs, words the denials and remembers what
was decided. An invocation costs two dictionary look-ups here once its caller is known.
"""

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

from iam_policy import (
    ContextValue,
    Policy,
    PolicySet,
    Principal,
    Request,
    access_denied_message,
    evaluate,
)
from localaws.backend import Scope
from localaws.errors import AwsError
from localaws.signature import Signature, SignedRequest, parse_authorization, verify

REMEMBERED = 1.0
"""Seconds that a decision holds, for policies may speak of the time."""
MOST_REMEMBERED = 10_000


@dataclass(frozen=True)
class Identity:
    """A user, role or session with the policies attached to it.

    ``context`` holds the condition keys that describe the identity, ``aws:PrincipalTag/...`` among
    them: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """

    principal: Principal
    policies: PolicySet
    context: Mapping[str, ContextValue] = field(default_factory=dict)


@dataclass(frozen=True)
class Credential:
    """An access key and whose it is; ``expires_at`` in seconds since the epoch."""

    secret_access_key: str = field(repr=False)
    identity: Identity
    session_token: str | None = field(default=None, repr=False)
    expires_at: float | None = None


@dataclass(frozen=True)
class ResourcePolicy:
    """The policy of a resource; a key or trust policy has to allow, other ones may."""

    policy: Policy
    account_id: str | None
    must_allow: bool = False


class Identities(Protocol):
    """Where users, roles, sessions and their policies are kept."""

    def credential(self, access_key_id: str) -> Credential | None:
        """The owner of an active access key."""
        ...


@dataclass(frozen=True)
class Caller:
    """An authenticated caller; ``scope`` is its account and the region that it signed for."""

    access_key_id: str
    identity: Identity
    scope: Scope
    service: str


class Authorizer:
    """Authenticates requests and decides on them.

    Parameters
    ----------
    identities
        Users, roles and sessions.
    now
        Seconds since the epoch.
    """

    def __init__(self, identities: Identities, now: Callable[[], float] = time.time) -> None:
        self._identities = identities
        self._now = now
        self._credentials: dict[str, Credential] = {}
        self._callers: dict[Hashable, Caller] = {}
        self._allowed: set[Hashable] = set()
        self._remembered_until = 0.0

    def forget(self) -> None:
        """Users, roles, sessions or policies changed: read them again."""
        self._credentials = {}
        self._callers = {}
        self._allowed = set()

    def authenticate(self, request: SignedRequest) -> Caller:
        """The caller whose key signed the request.

        Raises ``AwsError`` with the codes of
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html
        """
        signature, given = parse_authorization(request)
        credential = self.credential(signature.access_key_id)
        if credential is None:
            raise _unknown_token()
        now = self._now()
        self._check_session(credential, request, now)
        verify(request, signature, given, credential.secret_access_key, now)
        return self._caller(credential.identity, signature)

    def authenticate_head(self, request: SignedRequest) -> None:
        """The same before the body was read, as far as the headers tell.

        That is all of it where the hash of the body is among them, as it is for S3.

        Raises
        ------
        AwsError
        """
        signature, given = parse_authorization(request)
        credential = self.credential(signature.access_key_id)
        if credential is None:
            raise _unknown_token()
        now = self._now()
        self._check_session(credential, request, now)
        payload_hash = request.headers.get("x-amz-content-sha256")
        if payload_hash:
            secret = credential.secret_access_key
            verify(request, signature, given, secret, now, payload_hash)

    def owner(self, access_key_id: str) -> Identity | None:
        """Whose access key this is; None when it is nobody's."""
        credential = self.credential(access_key_id)
        return credential.identity if credential else None

    def knows(self, access_key_id: str) -> bool:
        """Whether this is the access key of somebody."""
        return self.credential(access_key_id) is not None

    def authorize(
        self,
        caller: Caller,
        action: str,
        resource: str,
        context: Mapping[str, ContextValue] | None = None,
    ) -> None:
        """Raise ``AwsError`` AccessDeniedException unless the caller may."""
        context = context or {}
        question = (caller.access_key_id, caller.scope.region, action, resource, *context.items())
        now = self._now()
        if now > self._remembered_until or len(self._allowed) > MOST_REMEMBERED:
            self._allowed = set()
            self._remembered_until = now + REMEMBERED
        if question in self._allowed:
            return
        request = self.request(caller.identity, action, resource, context, caller.scope.region)
        decision = evaluate(caller.identity.policies, request)
        if not decision.allowed:
            message = access_denied_message(request, decision)
            raise AwsError("AccessDeniedException", message, 403)
        self._allowed.add(question)

    def request(
        self,
        identity: Identity,
        action: str,
        resource: str,
        context: Mapping[str, ContextValue],
        region: str,
    ) -> Request:
        """The request that policies are evaluated for: with the circumstances and the identity."""
        full = {**_circumstances(int(self._now()), region), **identity.context, **context}
        return Request(action, resource, identity.principal, full)

    def denial(
        self,
        identity: Identity,
        action: str,
        resource: str,
        context: Mapping[str, ContextValue],
        region: str,
        resource_policy: ResourcePolicy | None,
    ) -> str | None:
        """Why the identity may not, given the resource's own policy too; None when it may."""
        request = self.request(identity, action, resource, context, region)
        policies = identity.policies
        if resource_policy is not None:
            request = replace(request, resource_account=resource_policy.account_id)
            policies = replace(
                policies,
                resource=resource_policy.policy,
                resource_must_allow=resource_policy.must_allow,
            )
        decision = evaluate(policies, request)
        return None if decision.allowed else access_denied_message(request, decision)

    def credential(self, access_key_id: str) -> Credential | None:
        """The owner of an active access key, as it was when it was first asked for."""
        known = self._credentials.get(access_key_id)
        if known is None:
            known = self._identities.credential(access_key_id)
            if known is not None:
                self._credentials[access_key_id] = known
        return known

    def _caller(self, identity: Identity, signature: Signature) -> Caller:
        key = (signature.access_key_id, signature.region, signature.service)
        known = self._callers.get(key)
        if known is None:
            scope = Scope(identity.principal.account_id, signature.region)
            known = Caller(signature.access_key_id, identity, scope, signature.service)
            self._callers[key] = known
        return known

    def _check_session(self, credential: Credential, request: SignedRequest, now: float) -> None:
        if request.headers.get("x-amz-security-token") != credential.session_token:
            raise _unknown_token()
        if credential.expires_at is not None and now > credential.expires_at:
            raise AwsError(
                "ExpiredTokenException",
                "The security token included in the request is expired",
                403,
            )


@lru_cache(maxsize=16)
def _circumstances(now: int, region: str) -> Mapping[str, ContextValue]:
    """What is true of every request within one second."""
    moment = datetime.fromtimestamp(now, UTC)
    return {
        "aws:CurrentTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(now),
        "aws:RequestedRegion": region,
        "aws:SecureTransport": "true",
        "aws:SourceIp": "127.0.0.1",
        "aws:ViaAWSService": "false",
    }


def _unknown_token() -> AwsError:
    return AwsError(
        "UnrecognizedClientException", "The security token included in the request is invalid.", 403
    )


def service_may_assume(
    service: str, role_arn: str, trust: Policy, source_arn: str | None = None
) -> bool:
    """Whether an AWS service may assume a role, by the role's trust policy.

    ``source_arn`` is the resource on whose behalf it does.
    """
    account_id = role_arn.split(":")[4]
    principal = Principal(service, account_id, service=service)
    context = {"aws:SourceAccount": account_id, "aws:PrincipalIsAWSService": "true"}
    if source_arn is not None:
        context["aws:SourceArn"] = source_arn
    request = Request("sts:AssumeRole", role_arn, principal, context)
    return evaluate(PolicySet(resource=trust, resource_must_allow=True), request).allowed
