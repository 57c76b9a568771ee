"""A role for the endpoints that have the same tag as whoever uses it."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from sagemaker_mme.problems import raise_problems, seconds_problem
from sagemaker_mme.target_model import CONDITION_KEY, WAYS_AROUND, pattern_problems


class EndpointTagInvokerRole(iam.Role):
    """A role that may invoke the endpoints whose tag has the value of the session's own tag.

    An endpoint that is made later needs no change here: its tag decides. Invocations of endpoints
    with another value, or without the tag, are denied too, so that a policy attached later cannot
    widen the role. The endpoint's ``sagemaker:AddTags`` is then what has to be guarded.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/introduction_attribute-based-access-control.html

    Parameters
    ----------
    tag_key
        The key of both tags, ``Team`` for instance. Set the endpoint's with
        ``cdk.Tags.of(endpoint).add(tag_key, value)``; the session's is a principal tag of the role
        or a session tag.
    target_models
        Patterns such as ``shared/*``. Default: every model of those endpoints.
    allow_wide
        Accept patterns with a wildcard before their first slash. Default: False.
    assumed_by
        Who may assume the role, and pass the session tag. Default: principals of the same account
        whose own policies allow it.
    max_session_duration
        1 to 12 hours. Default: 1 hour.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        tag_key: str,
        target_models: Sequence[str] | None = None,
        allow_wide: bool = False,
        assumed_by: iam.PrincipalBase | None = None,
        max_session_duration: cdk.Duration | None = None,
    ) -> None:
        patterns = ["*"] if target_models is None else list(target_models)
        raise_problems(
            scope,
            [
                *pattern_problems(patterns, allow_wide=allow_wide or target_models is None),
                *seconds_problem("max_session_duration", max_session_duration, 3600, 43200),
            ],
            subject=f"{type(self).__name__} '{construct_id}'",
        )
        super().__init__(
            scope,
            construct_id,
            assumed_by=(assumed_by or iam.AccountRootPrincipal()).with_session_tags(),
            description=f"Invokes the endpoints whose tag {tag_key} is the session's",
            max_session_duration=max_session_duration,
        )
        own = f"${{aws:PrincipalTag/{tag_key}}}"
        endpoints = cdk.Stack.of(self).format_arn(
            service="sagemaker", resource="endpoint", resource_name="*"
        )
        self.add_to_policy(
            iam.PolicyStatement(
                actions=["sagemaker:InvokeEndpoint"],
                resources=[endpoints],
                conditions={
                    "StringEquals": {f"aws:ResourceTag/{tag_key}": own},
                    "StringLike": {CONDITION_KEY: patterns},
                },
            )
        )
        self.add_to_policy(
            iam.PolicyStatement(
                sid="DenyOtherTags",
                effect=iam.Effect.DENY,
                actions=["sagemaker:InvokeEndpoint"],
                resources=["*"],
                conditions={"StringNotEquals": {f"aws:ResourceTag/{tag_key}": own}},
            )
        )
        self.add_to_policy(
            iam.PolicyStatement(
                sid="DenyWaysAround",
                effect=iam.Effect.DENY,
                actions=["sagemaker:AddTags", *WAYS_AROUND],
                resources=["*"],
            )
        )
