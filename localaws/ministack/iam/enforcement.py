"""Puts this project's policy evaluation in the place of MiniStack's.

MiniStack knows no policy variables and words its denials without the resource. Its dispatcher asks
``enforce`` about every call and its STS asks ``evaluate_trust_policy``; both are answered here.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.iam_evaluator import AuthError, EvalContext
from ministack.core.responses import get_account_id
from ministack.core.router import extract_access_key_id
from ministack.core.sigv4 import SIGNATURE_MISMATCH
from ministack.services import sts

from iam_policy import ContextValue, PolicyError, PolicyType, parse_policy
from localaws.authorization import Authorizer, Caller, Credential, Identity, ResourcePolicy
from localaws.errors import AwsError
from localaws.ministack import patches
from localaws.ministack.iam.encryption import key_use
from localaws.ministack.iam.identities import MiniStackIdentities, parse

_UNDECIDED_HERE = frozenset({"sts:AssumeRole"})
"""Authenticated by ``enforce``, decided with the trust policy, session tags and all."""
_ALWAYS_ALLOWED = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})

_BY_TOKEN = frozenset({"sns:ConfirmSubscription", "sts:AssumeRoleWithWebIdentity"})
"""Not signed: the token is all that counts, and the service checks it."""

_caller: ContextVar[Credential | None] = ContextVar("caller", default=None)

form_signer: ContextVar[str] = ContextVar("form_signer", default="")
"""The access key whose signature under a browser's form S3 has checked itself."""


def current_caller() -> Credential | None:
    """Whose request is being answered."""
    return _caller.get()


class Enforcement:
    """Answers MiniStack's questions with ``Authorizer``."""

    def __init__(self, identities: MiniStackIdentities, authorizer: Authorizer) -> None:
        self._identities = identities
        self._authorizer = authorizer

    def install(self) -> None:
        """Replace MiniStack's functions; call once, before the first request."""
        patches.replace(iam_evaluator, "enforce", lambda _: self.enforce)
        patches.replace(iam_evaluator, "pin_request_caller", lambda _: self.pin_request_caller)
        patches.replace(
            iam_evaluator, "evaluate_trust_policy", lambda _: self.evaluate_trust_policy
        )
        for module in (iam_evaluator, sts):
            patches.replace(module, "validate_policy_document", lambda _: validate_policy_document)

    def enforce(
        self,
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: Mapping[str, Any] | None = None,
    ) -> AuthError | None:
        """None when the call is allowed, or the error to answer."""
        if iam_action in _BY_TOKEN and not access_key_id:
            return None
        if _is_form(access_key_id, iam_action, resource_arn):
            return None  # S3 looks at the form, and asks again for who signed it
        refused = None
        if not access_key_id or form_signer.get() != access_key_id:
            refused = _authenticate(access_key_id, iam_action, service, resource_arn)
        if refused is not None:
            return refused
        try:
            credential = self._authorizer.credential(access_key_id)
            if credential is None:
                return _unknown(access_key_id, iam_action, service)
            _caller.set(credential)
            if iam_action in _ALWAYS_ALLOWED:
                return None
            if iam_action in _UNDECIDED_HERE:
                return self._unknown_role(credential, iam_action, resource_arn)
            message = object_denial(
                self._authorizer,
                credential.identity,
                iam_action,
                resource_arn,
                _context(service_context or {}, resource_arn),
                region,
            )
        except AwsError as error:
            return _denied(service, error.message)
        return _denied(service, message) if message else None

    def pin_request_caller(
        self, headers: Mapping[str, str], query_params: Mapping[str, Any] | None = None
    ) -> None:
        """Remember whose request it is, for the policies that services evaluate themselves."""
        credential = self._authorizer.credential(extract_access_key_id(headers, query_params or {}))
        arn = "" if credential is None else credential.identity.principal.arn
        iam_evaluator._request_caller_arn.set(arn)

    def allows(
        self, caller: Caller, action: str, resource_arn: str, service_context: Mapping[str, Any]
    ) -> bool:
        """Whether a caller who is authenticated may; what is answered from here on is theirs."""
        _caller.set(self._authorizer.credential(caller.access_key_id))
        context = _context(service_context, resource_arn)
        region = caller.scope.region
        try:
            return not object_denial(
                self._authorizer, caller.identity, action, resource_arn, context, region
            )
        except AwsError:
            return False

    def _unknown_role(self, credential: Credential, action: str, role_arn: str) -> AuthError | None:
        """AWS does not tell a role that is not there from one that may not be assumed."""
        if self._identities.trust_policy(role_arn) is not None:
            return None
        caller = credential.identity.principal.arn
        return _denied(
            "sts", f"User: {caller} is not authorized to perform: {action} on resource: {role_arn}"
        )

    def evaluate_trust_policy(
        self, trust_document: str | Mapping[str, Any], caller_arn: str, asked: EvalContext
    ) -> bool:
        """Whether the caller may assume the role: by its own policies and the role's."""
        caller = _caller.get()
        if caller is None:
            return False
        context = _context(asked.service_context, None)
        context |= {f"aws:RequestTag/{key}": value for key, value in asked.request_tags.items()}
        context["aws:TagKeys"] = tuple(asked.tag_keys)
        try:
            trust = parse(trust_document, asked.resource_arn, PolicyType.TRUST)
        except AwsError:
            return False
        message = self._authorizer.denial(
            caller.identity,
            asked.action,
            asked.resource_arn,
            context,
            asked.region,
            ResourcePolicy(trust, asked.resource_arn.split(":")[4], must_allow=True),
        )
        return message is None


def object_denial(
    authorizer: Authorizer,
    identity: Identity,
    action: str,
    resource: str,
    context: Mapping[str, ContextValue],
    region: str,
) -> str | None:
    """Why an identity may not do something to a resource, its policy and its KMS key included.

    None when it may.
    """
    service = action.partition(":")[0]
    policy = resource_policy(service, resource)
    denial = authorizer.denial(identity, action, resource, context, region, policy)
    needed = key_use(action, resource, identity.principal.account_id, region)
    if denial is not None or needed is None:
        return denial
    key_policy = resource_policy("kms", needed.key_arn)
    return authorizer.denial(
        identity, needed.action, needed.key_arn, needed.context, region, key_policy
    )


def validate_policy_document(document: str | Mapping[str, Any]) -> str | None:
    """The fault of an identity-based policy, or None: what AWS refuses is never stored."""
    try:
        parse_policy(document, "document")
    except PolicyError as error:
        return str(error)
    return None


def _authenticate(
    access_key_id: str, action: str, service: str, resource_arn: str
) -> AuthError | None:
    """MiniStack's own check of time, session token and signature, presigned and chunked too."""
    pinned = iam_evaluator._signed_request.get()
    failure: AuthError | None = iam_evaluator._s3_scope_failure(service)
    if failure is not None:
        return failure
    if iam_evaluator._anonymous.get() and service != "s3":
        message = iam_actions.anonymous_denial_message(service, action, resource_arn)
        return AuthError("MissingAuthenticationToken", message)
    if not access_key_id:
        return None
    checked = iam_evaluator.authenticate(access_key_id, _account_id())
    if isinstance(checked, AuthError):
        return checked
    if pinned is not None and pinned.s3_scoped:
        # A presigned S3 URL: the S3 service checks its signature itself, after this.
        iam_evaluator._verified_key.set(access_key_id)
    if iam_evaluator._verified_key.get() != access_key_id:
        return AuthError("SignatureDoesNotMatch", SIGNATURE_MISMATCH)
    return None


def _is_form(access_key_id: str, action: str, resource_arn: str) -> bool:
    """Whether an object is put into a bucket under a key that the request does not name."""
    return not access_key_id and action == "s3:PutObject" and "/" not in resource_arn


def _unknown(access_key_id: str, action: str, service: str) -> AuthError:
    """No identity behind the request: a key that is gone, or an unsigned call of S3."""
    if access_key_id:
        text = "The security token included in the request is invalid."
        return AuthError("UnrecognizedClientException", text)
    return _denied(service, f"User: anonymous is not authorized to perform: {action}")


def resource_policy(service: str, resource_arn: str) -> ResourcePolicy | None:
    """The policy of a bucket, a key or another resource that carries its own."""
    found = iam_evaluator._resource_policy(service, resource_arn)
    if found is None:
        return None
    document, account_id = found
    if not document:
        return None
    policy = parse(document, resource_arn, PolicyType.RESOURCE)
    return ResourcePolicy(policy, account_id, must_allow=service == "kms")


def _context(keys: Mapping[str, Any], resource_arn: str | None) -> dict[str, ContextValue]:
    context: dict[str, ContextValue] = {}
    for key, value in keys.items():
        if isinstance(value, (list, tuple, set)):
            context[key] = tuple(str(item) for item in value)
        elif isinstance(value, bool):
            context[key] = str(value).lower()
        elif value is not None:
            context[key] = str(value)
    if resource_arn is not None:
        account_id = iam_evaluator._account_from_arn(resource_arn) or _account_id()
        context |= {"aws:ResourceAccount": account_id, "s3:ResourceAccount": account_id}
    return context


def _account_id() -> str:
    return str(get_account_id())


def _denied(service: str, message: str) -> AuthError:
    return AuthError(iam_actions._DENIED_CODES.get(service, "AccessDenied"), message)
