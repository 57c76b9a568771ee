"""Roles that may invoke some target models of an endpoint, and nothing else."""

import re
from collections.abc import Iterator, Sequence

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from sagemaker_mme.endpoint_base import MultiModelEndpointBase
from sagemaker_mme.iam_quotas import (
    fits_inline,
    managed_policy_parts,
    managed_policy_problems,
    quota_problems,
)
from sagemaker_mme.problems import is_token, raise_problems, seconds_problem
from sagemaker_mme.target_model import (
    CONDITION_KEY,
    WAYS_AROUND,
    folder_of,
    has_wildcard,
    pattern_problems,
)

_SESSION_SECONDS = (3600, 43200)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}")


class TargetModelInvokerRole(iam.Role):
    """A role that may invoke the target models that match its patterns.

    Behind the permission stand denials, so that a policy attached later cannot widen the role: of
    every target model that matches no pattern, of every other endpoint, and of what could get
    around the patterns (the invocations that name no target model, and assuming other roles).

    Parameters
    ----------
    endpoint
        The endpoint.
    target_models
        Patterns such as ``NewYork_NY/*``.
    assumed_by
        Who may assume the role. Default: principals of the same account whose own policies
        allow it.
    allow_wide
        Accept patterns with a wildcard before their first slash. Default: False.
    external_id
        What the caller must pass to assume the role. Default: nothing.
    max_session_duration
        1 to 12 hours. Default: 1 hour.
    role_name
        Default: made by CloudFormation.
    deny_other_target_models
        Deny what matches no pattern, so that nothing attached later allows it. That one statement
        has to hold all patterns, so about 10,000 characters of them are the limit; False leaves
        it out, and then ten managed policies hold about 57,000. Default: True.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: MultiModelEndpointBase,
        target_models: Sequence[str],
        assumed_by: iam.IPrincipal | None = None,
        allow_wide: bool = False,
        external_id: str | None = None,
        max_session_duration: cdk.Duration | None = None,
        role_name: str | None = None,
        deny_other_target_models: bool = True,
    ) -> None:
        raise_problems(
            scope,
            [
                *pattern_problems(target_models, allow_wide=allow_wide),
                *seconds_problem("max_session_duration", max_session_duration, *_SESSION_SECONDS),
                *_external_id_problems(external_id),
            ],
            subject=f"{type(self).__name__} '{construct_id}'",
        )
        super().__init__(
            scope,
            construct_id,
            assumed_by=assumed_by or iam.AccountRootPrincipal(),
            description=f"Invokes {', '.join(target_models)} of {endpoint.endpoint_name}"[:1000],
            external_ids=[external_id] if external_id else None,
            max_session_duration=max_session_duration,
            role_name=role_name,
        )
        self._allow(endpoint, target_models, allow_wide, copies=1 + deny_other_target_models)
        if deny_other_target_models:
            self.add_to_policy(
                iam.PolicyStatement(
                    sid="DenyOtherTargetModels",
                    effect=iam.Effect.DENY,
                    actions=["sagemaker:InvokeEndpoint"],
                    resources=["*"],
                    conditions={"StringNotLike": {CONDITION_KEY: list(target_models)}},
                )
            )
        self.add_to_policy(
            iam.PolicyStatement(
                sid="DenyOtherEndpoints",
                effect=iam.Effect.DENY,
                actions=["sagemaker:InvokeEndpoint"],
                not_resources=[endpoint.endpoint_arn],
            )
        )
        self.add_to_policy(
            iam.PolicyStatement(
                sid="DenyWaysAround",
                effect=iam.Effect.DENY,
                actions=list(WAYS_AROUND),
                resources=["*"],
            )
        )
        self._folders = list(dict.fromkeys(map(folder_of, target_models)))
        self._raise_quota_problems()

    def allow_own_items(self, table: dynamodb.ITable) -> None:
        """Let the role read items of a table whose partition key is the folder of a target model.

        By GetItem alone, and of the folders alone that its patterns name: a client so learns which
        of its models is the newest, and nothing of others.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
        """
        are_literal = not any(has_wildcard(folder) for folder in self._folders)
        self.add_to_policy(
            iam.PolicyStatement(
                sid="ReadOwnItems",
                actions=["dynamodb:GetItem"],
                resources=[table.table_arn],
                conditions={
                    f"ForAllValues:String{'Equals' if are_literal else 'Like'}": {
                        "dynamodb:LeadingKeys": self._folders
                    },
                    # Without the key ForAllValues would hold of every request.
                    "Null": {"dynamodb:LeadingKeys": "false"},
                },
            )
        )
        self._raise_quota_problems()

    def _allow(
        self,
        endpoint: MultiModelEndpointBase,
        target_models: Sequence[str],
        allow_wide: bool,
        *,
        copies: int,
    ) -> None:
        """Allow the patterns: inline where all fits, else in managed policies."""
        if fits_inline(target_models, copies):
            endpoint.grants.invoke(self, target_models=target_models, allow_wide=allow_wide)
            return
        parts = managed_policy_parts(target_models)
        raise_problems(
            self,
            managed_policy_problems(parts),
            subject=f"{type(self).__name__} '{self.node.id}'",
        )
        for number, part in enumerate(parts, start=1):
            policy = iam.ManagedPolicy(
                self,
                f"TargetModels{number}",
                description=f"Invokes target models {number} of {len(parts)}",
                statements=[
                    iam.PolicyStatement(
                        actions=["sagemaker:InvokeEndpoint"],
                        resources=[endpoint.endpoint_arn],
                        conditions={"StringLike": {CONDITION_KEY: part}},
                    )
                ],
            )
            self.add_managed_policy(policy)

    def _raise_quota_problems(self) -> None:
        subject = f"{type(self).__name__} '{self.node.id}'"
        raise_problems(self, quota_problems(self), subject=subject)


def _external_id_problems(external_id: str | None) -> Iterator[str]:
    if external_id is None or is_token(external_id):
        return
    if not _EXTERNAL_ID.fullmatch(external_id):
        yield (
            f"external_id '{external_id}' is not 2 to 1224 letters, digits or characters of"
            " _+=,.@:/-"
        )


class TenantInvokerRole(TargetModelInvokerRole):
    """One role for all tenants: a session may invoke the models below its own session tag.

    Whoever assumes the role passes the session tag ``City`` (or another, see ``tag_key``), which
    must be there, must be the only one, and holds for as long as the session does. A caller that
    has such a tag itself can pass no other value.


    The other parameters are those of ``TargetModelInvokerRole``.

    Parameters
    ----------
    tag_key
        The session tag. Default: ``City``.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: MultiModelEndpointBase,
        tag_key: str = "City",
        assumed_by: iam.PrincipalBase | None = None,
        external_id: str | None = None,
        max_session_duration: cdk.Duration | None = None,
        role_name: str | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            endpoint=endpoint,
            target_models=[f"${{aws:PrincipalTag/{tag_key}}}/*"],
            assumed_by=(assumed_by or iam.AccountRootPrincipal()).with_session_tags(),
            external_id=external_id,
            max_session_duration=max_session_duration,
            role_name=role_name,
        )
        if self.assume_role_policy is not None:
            self.assume_role_policy.add_statements(*_session_tag_denials(tag_key))
            self._raise_quota_problems()


def _session_tag_denials(tag_key: str) -> Iterator[iam.PolicyStatement]:
    """Sessions need the tag, with a value, have no other, and none but a tagged caller's own.

    As denials they hold for whoever else comes to be trusted.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
    """
    requested, own = f"aws:RequestTag/{tag_key}", f"aws:PrincipalTag/{tag_key}"
    denials: dict[str, dict[str, dict[str, str]]] = {
        "DenyWithoutSessionTag": {"StringNotLike": {requested: "?*"}},
        "DenyOtherSessionTags": {"ForAnyValue:StringNotEquals": {"aws:TagKeys": tag_key}},
        "DenyOtherThanOwnTag": {
            "StringNotEquals": {own: f"${{{requested}}}"},
            "Null": {own: "false"},
        },
    }
    for sid, conditions in denials.items():
        yield iam.PolicyStatement(
            sid=sid,
            effect=iam.Effect.DENY,
            principals=[iam.AnyPrincipal()],
            actions=["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
            conditions=conditions,
        )
