"""AssumeRoleWithWebIdentity: whether a provider's token opens a role.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
"""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import iam, sts

from iam_policy import ContextValue, PolicySet, Principal, Request, evaluate
from localaws.errors import AwsError
from localaws.identity_tokens import TokenIssuer
from localaws.ministack import patches
from localaws.ministack.iam.identities import MiniStackIdentities

ACTION = "sts:AssumeRoleWithWebIdentity"
_CLAIMS = ("aud", "sub", "amr")
"""Of a token, those that are condition keys."""


_claims: ContextVar[Mapping[str, Any]] = ContextVar("claims")
"""What the token of the request that is being answered says."""


class WebIdentity:
    """Decides in the place of MiniStack, which checks no token."""

    def __init__(self, identities: MiniStackIdentities, issuer: TokenIssuer) -> None:
        self._identities = identities
        self._issuer = issuer

    def install(self) -> None:
        """Replace MiniStack's functions."""
        patches.replace(sts, "_web_identity_trust_denied", lambda _: self.denied)
        patches.replace(sts, "_xml", _with_subject)

    def denied(self, role_arn: str, parameters: Mapping[str, Any], use_json: bool) -> Any:
        """The error to answer, or None."""
        try:
            claims = self._issuer.claims(sts._p(parameters, "WebIdentityToken"))
            self._check(role_arn, claims)
            _claims.set(claims)
        except AwsError as error:
            if use_json:
                return sts.error_response_json(error.code, error.message, error.status)
            return sts._error(error.status, error.code, error.message, ns="sts")
        return None

    def _check(self, role_arn: str, claims: Mapping[str, Any]) -> None:
        account_id = role_arn.split(":")[4]
        host = str(claims["iss"]).partition("://")[2]
        arn = f"arn:aws:iam::{account_id}:oidc-provider/{host}"
        provider = iam._oidc_providers.get_scoped(account_id, None, arn)
        if provider is None:
            raise AwsError(
                "InvalidIdentityToken",
                f"No OpenIDConnect provider found in your account for {claims['iss']}",
            )
        if claims["aud"] not in provider["ClientIDList"]:
            raise AwsError("InvalidIdentityToken", "Incorrect token audience")
        context: dict[str, ContextValue] = {
            f"{host}:{name}": str(claims[name]) for name in _CLAIMS if name in claims
        }
        trust = self._identities.trust_policy(role_arn)
        asked = Request(ACTION, role_arn, Principal(arn, account_id, federated=arn), context)
        policies = PolicySet(resource=trust, resource_must_allow=True)
        if trust is None or not evaluate(policies, asked).allowed:
            raise AwsError("AccessDenied", f"Not authorized to perform {ACTION}", 403)


def _with_subject(write: Callable[..., Any]) -> Callable[..., Any]:
    """MiniStack names another subject and another provider than the token."""

    def handle(status: int, root_tag: str, inner: str, **named: Any) -> Any:
        if root_tag == "AssumeRoleWithWebIdentityResponse":
            said = _claims.get()
            for tag, wrong, right in (
                ("SubjectFromWebIdentityToken", "test-subject", said["sub"]),
                ("Provider", "sts.amazonaws.com", said["iss"]),
                ("Audience", "sts.amazonaws.com", said["aud"]),
            ):
                inner = inner.replace(f"<{tag}>{wrong}<", f"<{tag}>{escape(str(right))}<")
        return write(status, root_tag, inner, **named)

    return handle
