"""Who may invoke which model: every way in which a policy can name target models.

The pages: https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoint-security.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from typing import Any

import pytest

from iam_policy import Effect
from tests.unit.iam_policy.builders import ENDPOINT, TARGET_MODEL, Statement, effect, policy

Context = dict[str, str | list[str]]
NEW_YORK: Context = {TARGET_MODEL: "NewYork_NY/x.tar.gz"}
CHICAGO: Context = {TARGET_MODEL: "Chicago_IL/x.tar.gz"}
NEITHER: Context = {}
BOTH: Context = {TARGET_MODEL: ["Chicago_IL/a", "NewYork_NY/b"]}


def invoke(effect: str = "Allow", condition: object = None, **elements: object) -> Statement:
    block = {"Effect": effect, "Action": "sagemaker:InvokeEndpoint", "Resource": ENDPOINT}
    return {**block, **({"Condition": condition} if condition else {}), **elements}


def only(operator: str, *values: str) -> Statement:
    return invoke(condition={operator: {TARGET_MODEL: list(values)}})


def but_deny(operator: str, value: str) -> list[Statement]:
    return [invoke(), invoke("Deny", {operator: {TARGET_MODEL: value}})]


LIKE_NEW_YORK = only("StringLike", "NewYork_NY/*")


def with_model(name: str) -> Context:
    return {TARGET_MODEL: name}


@pytest.mark.parametrize(
    ("statement", "context", "allowed"),
    [
        pytest.param(LIKE_NEW_YORK, NEW_YORK, True, id="StringLike allows a model of the city"),
        pytest.param(LIKE_NEW_YORK, CHICAGO, False, id="StringLike refuses another city"),
        pytest.param(LIKE_NEW_YORK, NEITHER, False, id="StringLike refuses a missing target model"),
        pytest.param(
            LIKE_NEW_YORK, with_model("newyork_ny/x"), False, id="StringLike minds upper case"
        ),
        pytest.param(
            invoke(condition={"StringLike": {"SageMaker:targetmodel": "NewYork_NY/*"}}),
            NEW_YORK,
            True,
            id="condition keys do not mind case",
        ),
        pytest.param(
            LIKE_NEW_YORK, with_model("NewYork_NY/a/b.tar.gz"), True, id="a star spans slashes"
        ),
        pytest.param(
            LIKE_NEW_YORK, with_model("NewYork_NYX/x"), False, id="the slash ends the city's name"
        ),
        pytest.param(
            LIKE_NEW_YORK, with_model("NewYork_NY/x\n"), True, id="a star spans line ends"
        ),
        pytest.param(
            LIKE_NEW_YORK, with_model("x\nNewYork_NY/x"), False, id="a pattern starts at the start"
        ),
        pytest.param(
            only("StringLike", "NewYork_N?/x.tar.gz"),
            NEW_YORK,
            True,
            id="a question mark is one character",
        ),
        pytest.param(
            only("StringLike", "NewYork_?/x.tar.gz"),
            NEW_YORK,
            False,
            id="a question mark is not two characters",
        ),
        pytest.param(
            only("StringLike", "[N]ewYork_NY/*"),
            NEW_YORK,
            False,
            id="brackets are ordinary characters",
        ),
        pytest.param(
            only("StringEquals", "NewYork_NY/*"),
            NEW_YORK,
            False,
            id="StringEquals knows no wildcards",
        ),
        pytest.param(
            only("StringEquals", "NewYork_NY/*"),
            with_model("NewYork_NY/*"),
            True,
            id="StringEquals takes a star for a star",
        ),
        pytest.param(
            only("StringEquals", "NewYork_NY/x.tar.gz"),
            NEW_YORK,
            True,
            id="StringEquals allows the same text",
        ),
        pytest.param(
            only("StringLikeIfExists", "NewYork_NY/*"),
            NEITHER,
            True,
            id="IfExists lets a missing target model through",
        ),
        pytest.param(
            only("StringLikeIfExists", "NewYork_NY/*"),
            CHICAGO,
            False,
            id="IfExists still refuses another city",
        ),
        pytest.param(
            only("ForAnyValue:StringLike", "NewYork_NY/*"),
            BOTH,
            True,
            id="ForAnyValue needs one match",
        ),
        pytest.param(
            only("ForAnyValue:StringLike", "NewYork_NY/*"),
            NEITHER,
            False,
            id="ForAnyValue refuses a missing key",
        ),
        pytest.param(
            only("ForAllValues:StringLike", "NewYork_NY/*"),
            BOTH,
            False,
            id="ForAllValues needs all to match",
        ),
        pytest.param(
            only("ForAllValues:StringLike", "NewYork_NY/*"),
            NEITHER,
            True,
            id="ForAllValues lets a missing key through",
        ),
        pytest.param(only("Null", "true"), NEITHER, True, id="Null true asks for a missing key"),
        pytest.param(only("Null", "true"), NEW_YORK, False, id="Null true refuses a present key"),
        pytest.param(only("Null", "false"), NEW_YORK, True, id="Null false asks for the key"),
        pytest.param(only("Null", "false"), NEITHER, False, id="Null false refuses a missing key"),
        pytest.param(
            only("StringLike", "Chicago_IL/*", "NewYork_NY/*"),
            NEW_YORK,
            True,
            id="one of several values is enough",
        ),
        pytest.param(
            only("StringNotLike", "Chicago_IL/*", "NewYork_NY/*"),
            NEW_YORK,
            False,
            id="a negated operator refuses each of its values",
        ),
        pytest.param(
            invoke(
                condition={
                    "StringLike": {TARGET_MODEL: "NewYork_NY/*"},
                    "StringEquals": {"aws:RequestedRegion": "eu-west-1"},
                }
            ),
            {**NEW_YORK, "aws:RequestedRegion": "us-east-1"},
            False,
            id="all conditions have to hold",
        ),
    ],
)
def test_target_model(statement: Statement, context: Context, allowed: bool) -> None:
    assert (effect(policy(statement), context=context) is Effect.ALLOWED) is allowed


@pytest.mark.parametrize(
    ("statements", "context", "expected"),
    [
        pytest.param(
            but_deny("StringLike", "NewYork_NY/*"), NEW_YORK, Effect.EXPLICIT_DENY, id="deny wins"
        ),
        pytest.param(
            but_deny("StringLike", "NewYork_NY/*"),
            CHICAGO,
            Effect.ALLOWED,
            id="a deny about another model does not apply",
        ),
        pytest.param(
            but_deny("StringNotLike", "NewYork_NY/*"),
            NEITHER,
            Effect.EXPLICIT_DENY,
            id="deny with StringNotLike hits a missing target model",
        ),
        pytest.param(
            but_deny("StringNotLikeIfExists", "NewYork_NY/*"),
            NEITHER,
            Effect.EXPLICIT_DENY,
            id="so it does with IfExists",
        ),
        pytest.param(
            but_deny("ForAnyValue:StringNotLike", "NewYork_NY/*"),
            NEITHER,
            Effect.ALLOWED,
            id="but not with ForAnyValue",
        ),
        pytest.param(
            but_deny("Null", "true"),
            NEITHER,
            Effect.EXPLICIT_DENY,
            id="deny with Null hits a missing target model",
        ),
    ],
)
def test_deny_behind_an_allow(
    statements: list[Statement], context: Context, expected: Effect
) -> None:
    assert effect(policy(*statements), context=context) is expected


@pytest.mark.parametrize(
    ("elements", "asked", "allowed"),
    [
        pytest.param({}, {"resource": ENDPOINT + "2"}, False, id="another endpoint"),
        pytest.param(
            {"Resource": "arn:aws:sagemaker:*:111122223333:endpoint/housing-*"},
            {},
            True,
            id="an endpoint that a wildcard covers",
        ),
        pytest.param(
            {"Resource": ENDPOINT.replace("housing", "HOUSING")},
            {},
            False,
            id="resources mind case",
        ),
        pytest.param({"Action": "SageMaker:invoke*"}, {}, True, id="actions do not mind case"),
        pytest.param({"Action": "sagemaker:InvokeEndpointAsync"}, {}, False, id="another action"),
    ],
)
def test_action_and_resource(
    elements: dict[str, Any], asked: dict[str, Any], allowed: bool
) -> None:
    statement = {**LIKE_NEW_YORK, **elements}
    found = effect(policy(statement), context=NEW_YORK, **asked)
    assert (found is Effect.ALLOWED) is allowed


@pytest.mark.parametrize(
    ("tags", "allowed"),
    [
        ({"aws:PrincipalTag/City": "NewYork_NY"}, True),
        ({"aws:PrincipalTag/City": "Chicago_IL"}, False),
        ({"aws:PrincipalTag/City": "*"}, False),
        ({"aws:PrincipalTag/City": ""}, False),
        ({}, False),
    ],
    ids=["its own city", "another city", "a star as city", "an empty city", "no city"],
)
def test_one_role_for_all_tenants_reads_the_city_from_the_session_tag(
    tags: dict[str, str], allowed: bool
) -> None:
    tenants = policy(only("StringLike", "${aws:PrincipalTag/City}/*"))
    assert (effect(tenants, context={**NEW_YORK, **tags}) is Effect.ALLOWED) is allowed
