"""Users, roles and sessions as MiniStack's IAM and STS keep them."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam, sts

from iam_policy import (
    ContextValue,
    Policy,
    PolicyError,
    PolicySet,
    PolicyType,
    Principal,
    parse_policy,
)
from localaws.authorization import Credential, Identity
from localaws.errors import AwsError


class MiniStackIdentities:
    """Finds the identity behind an access key or a role ARN."""

    def credential(self, access_key_id: str) -> Credential | None:
        """The owner of an active access key, or None."""
        session = sts._sessions.get(access_key_id)
        if session is not None:
            return _session_credential(session)
        for (account_id, key_id), record in list(iam._access_keys._data.items()):
            if key_id == access_key_id and record["Status"] == "Active":
                identity = _user(account_id, record["UserName"])
                return Credential(record["SecretAccessKey"], identity) if identity else None
        return None

    def role(self, role_arn: str, session_name: str) -> Identity | None:
        """A session of a role as a service opens it, without any keys; None without the role."""
        account_id = role_arn.split(":")[4]
        name = role_arn.rsplit("/", 1)[-1]
        role = iam._roles.get_scoped(account_id, None, name)
        if role is None or role["Arn"] != role_arn:
            return None
        arn = f"arn:aws:sts::{account_id}:assumed-role/{name}/{session_name}"
        principal = Principal(arn, account_id, role_arn)
        user_id = f"{role['RoleId']}:{session_name}"
        context = _describe("AssumedRole", principal, user_id, role.get("Tags"))
        return Identity(principal, _role_policies(role, account_id), context)

    def simulated(self, arn: str) -> Identity | None:
        """A user or role as itself, for a simulation; None when it does not exist."""
        account_id, _, resource = arn.partition(":iam::")[2].partition(":")
        name = resource.rpartition("/")[2]
        if resource.startswith("user/"):
            return _user(account_id, name)
        role = iam._roles.get_scoped(account_id, None, name)
        if role is None or not resource.startswith("role/"):
            return None
        principal = Principal(role["Arn"], account_id)
        context = _describe("AssumedRole", principal, role["RoleId"], role.get("Tags"))
        return Identity(principal, _role_policies(role, account_id), context)

    def trust_policy(self, role_arn: str) -> Policy | None:
        """Who may assume a role; None without the role."""
        if role_arn.count(":") < 5:
            return None
        role = iam._roles.get_scoped(role_arn.split(":")[4], None, role_arn.rsplit("/", 1)[-1])
        if role is None:
            return None
        return parse(role["AssumeRolePolicyDocument"], role_arn, PolicyType.TRUST)


def parse(document: str | Mapping[str, Any], name: str, kind: PolicyType) -> Policy:
    """Parse a policy document once, however often it is read.

    Raises
    ------
    AwsError
        AccessDeniedException for one that AWS would not have taken: what it was meant to deny
        is unknown, so nothing is allowed.
    """
    text = document if isinstance(document, str) else json.dumps(document)
    try:
        return _parse(text, name, kind)
    except PolicyError as error:
        raise AwsError("AccessDeniedException", str(error), 403) from error


_parse = lru_cache(maxsize=4096)(parse_policy)


def _user(account_id: str, name: str) -> Identity | None:
    user = iam._users.get_scoped(account_id, None, name)
    if user is None:
        return None
    principal = Principal(user["Arn"], account_id)
    context = _describe("User", principal, user["UserId"], user.get("Tags"))
    context["aws:username"] = name
    return Identity(principal, _user_policies(user, account_id), context)


def _session_credential(session: Mapping[str, Any]) -> Credential | None:
    identity = _session_identity(session)
    if identity is None:
        return None
    return Credential(
        session["SecretAccessKey"], identity, session["SessionToken"], session.get("Expiration")
    )


def _session_identity(session: Mapping[str, Any]) -> Identity | None:
    account_id = session["AccountId"]
    resource = session["Arn"].split(":", 5)[5]
    if session["PrincipalType"] == "AssumedRole":
        role = iam._roles.get_scoped(account_id, None, resource.split("/")[1])
        if role is None:
            return None
        principal = Principal(session["Arn"], account_id, role["Arn"])
        owner, policies = role, _role_policies(role, account_id)
    else:
        name = session.get("PrincipalName") or resource.rsplit("/", 1)[-1]
        user = iam._users.get_scoped(account_id, None, name)
        if user is None:
            return None
        federated = session["PrincipalType"] == "FederatedUser"
        principal = Principal(session["Arn"], account_id, user["Arn"] if federated else None)
        owner, policies = user, _user_policies(user, account_id)
    tags = [*(owner.get("Tags") or []), *(session.get("SessionTags") or [])]
    context = _describe(session["PrincipalType"], principal, session.get("UserId", ""), tags)
    issued = datetime.fromtimestamp(session["IssuedAt"], UTC)
    context["aws:TokenIssueTime"] = issued.strftime("%Y-%m-%dT%H:%M:%SZ")
    context["aws:MultiFactorAuthPresent"] = "false"
    return Identity(principal, _limited(policies, session, account_id), context)


def _limited(policies: PolicySet, session: Mapping[str, Any], account_id: str) -> PolicySet:
    """The policies of the owner, limited by the session policies."""
    passed = session.get("SessionPolicies")
    if passed is None:
        return policies
    documents = [("session policy", passed["Policy"])] if passed.get("Policy") else []
    documents += [(arn, _managed(arn, account_id)) for arn in passed.get("PolicyArns", [])]
    session_policies = tuple(parse(d, name, PolicyType.SESSION) for name, d in documents)
    return PolicySet(policies.identity, boundary=policies.boundary, session=session_policies)


def _role_policies(role: Mapping[str, Any], account_id: str) -> PolicySet:
    return _policy_set(role, role.get("InlinePolicies") or {}, (), account_id)


def _user_policies(user: Mapping[str, Any], account_id: str) -> PolicySet:
    name = user["UserName"]
    inline = dict(iam._user_inline_policies.get_scoped(account_id, None, name) or {})
    attached: list[str] = []
    for (owner, group_name), group in list(iam._groups._data.items()):
        if owner == account_id and name in group.get("Users", []):
            policies = iam._group_inline_policies.get_scoped(account_id, None, group_name) or {}
            inline |= {f"{group_name}/{key}": document for key, document in policies.items()}
            attached += group.get("AttachedPolicies", [])
    return _policy_set(user, inline, attached, account_id)


def _policy_set(
    owner: Mapping[str, Any],
    inline: Mapping[str, str | Mapping[str, Any]],
    further: Iterable[str],
    account_id: str,
) -> PolicySet:
    documents = dict(inline)
    for arn in (*(owner.get("AttachedPolicies") or ()), *further):
        documents[arn] = _managed(arn, account_id)
    identity = tuple(parse(d, name, PolicyType.IDENTITY) for name, d in documents.items())
    boundary = owner.get("PermissionsBoundary")
    if not boundary:
        return PolicySet(identity)
    document = _managed(boundary, account_id)
    return PolicySet(identity, boundary=parse(document, boundary, PolicyType.BOUNDARY))


def _managed(arn: str, account_id: str) -> str | dict[str, Any]:
    document: str | dict[str, Any] | None = iam_evaluator._resolve_managed_policy_document(
        arn, account_id
    )
    if document is None:
        raise AwsError("AccessDeniedException", f"The attached policy {arn} does not exist", 403)
    return document


def _describe(
    kind: str, principal: Principal, user_id: str, tags: Iterable[Mapping[str, str]] | None
) -> dict[str, ContextValue]:
    context: dict[str, ContextValue] = {
        "aws:PrincipalAccount": principal.account_id,
        "aws:PrincipalArn": principal.role_arn or principal.arn,
        "aws:PrincipalIsAWSService": "false",
        "aws:PrincipalType": kind,
        "aws:userid": user_id,
    }
    return context | {f"aws:PrincipalTag/{tag['Key']}": tag["Value"] for tag in tags or ()}
