"""Sessions that an AWS service opens of a role, with keys, to act as its owner wants."""

import hashlib
import secrets
import time
from dataclasses import dataclass, field

from ministack.services import sts

from localaws.authorization import Authorizer, Identity, service_may_assume
from localaws.ministack.iam.identities import MiniStackIdentities


@dataclass(frozen=True)
class Keys:
    """The keys of a session."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)


class ServiceSessions:
    """Opens the sessions of one service, for example ``states.amazonaws.com``."""

    def __init__(
        self, service: str, identities: MiniStackIdentities, authorizer: Authorizer
    ) -> None:
        self._service = service
        self._identities = identities
        self._authorizer = authorizer
        self._drawn: dict[str, Keys] = {}

    def identity(
        self, role_arn: str, session_name: str, source_arn: str | None = None
    ) -> Identity | None:
        """The session of a role; None where the service may not assume it, or it is not there."""
        trust = self._identities.trust_policy(role_arn)
        if trust is None:
            return None
        if not service_may_assume(self._service, role_arn, trust, source_arn):
            return None
        return self._identities.role(role_arn, session_name)

    def keys(self, role_arn: str, session_name: str, owner: str) -> Keys | None:
        """Keys of such a session, the same for as long as ``owner`` (an ARN) asks."""
        identity = self.identity(role_arn, session_name)
        if identity is None:
            return None
        digest = hashlib.sha256(f"{owner} {role_arn}".encode()).hexdigest()
        key_id = f"ASIA{digest[:16].upper()}"
        if key_id not in self._drawn:
            self._drawn[key_id] = Keys(key_id, secrets.token_urlsafe(30), secrets.token_urlsafe(60))
        keys = self._drawn[key_id]
        sts.register_session(
            key_id,
            {
                "AccountId": identity.principal.account_id,
                "Arn": identity.principal.arn,
                "IssuedAt": time.time(),
                "PrincipalType": "AssumedRole",
                "SecretAccessKey": keys.secret_access_key,
                "SessionToken": keys.session_token,
                "UserId": identity.context["aws:userid"],
            },
        )
        return keys
