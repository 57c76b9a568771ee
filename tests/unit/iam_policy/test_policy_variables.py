"""Policy variables, as documented.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

import pytest

from iam_policy import Effect, PolicyError, parse_policy
from tests.unit.iam_policy.builders import allow, condition_holds, document, effect, statement

TEAM = "aws:PrincipalTag/team"
BUCKET = "arn:aws:s3:::amzn-s3-demo-bucket"


def test_a_variable_in_a_resource_takes_the_value_of_the_request() -> None:
    home = allow(Resource=f"{BUCKET}/${{aws:username}}/*")
    assert (
        effect(home, context={"aws:username": "Ana"}, resource=f"{BUCKET}/Ana/x").value == "allowed"
    )
    assert (
        effect(home, context={"aws:username": "Bo"}, resource=f"{BUCKET}/Ana/x")
        is not Effect.ALLOWED
    )


def test_names_of_variables_do_not_mind_case() -> None:
    assert condition_holds(
        "StringEquals",
        "s3:prefix",
        "${AWS:UserName}/",
        {"s3:prefix": "Ana/", "aws:username": "Ana"},
    )


@pytest.mark.parametrize(
    ("tag", "bucket", "allowed"),
    [("yellow", "yellow", True), ("yellow", "company-wide", False), (None, "company-wide", True)],
    ids=["its team's bucket", "the default's bucket with a team", "the default without a team"],
)
def test_default_value(tag: str | None, bucket: str, allowed: bool) -> None:
    """The example of the section "Specifying default values"."""
    team = allow(Resource=f"{BUCKET}-${{{TEAM}, 'company-wide'}}")
    context = {TEAM: tag} if tag else {}
    found = effect(team, context=context, resource=f"{BUCKET}-{bucket}")
    assert (found is Effect.ALLOWED) is allowed


def test_a_resource_with_a_variable_without_value_matches_nothing() -> None:
    assert (
        effect(allow(Resource=f"{BUCKET}/${{{TEAM}}}*"), resource=f"{BUCKET}/")
        is not Effect.ALLOWED
    )


def test_a_not_resource_with_a_variable_without_value_excepts_nothing() -> None:
    denied = statement("Deny", Action="*", NotResource=f"{BUCKET}/${{{TEAM}}}/*")
    policy = parse_policy(document(statement(), denied))
    assert effect(policy, resource=f"{BUCKET}/x") is Effect.EXPLICIT_DENY


@pytest.mark.parametrize("operator", ["StringEquals", "StringLike", "ArnLike"])
def test_a_variable_without_value_equals_nothing_and_is_like_nothing(operator: str) -> None:
    assert not condition_holds(operator, "s3:prefix", "${aws:username}", {"s3:prefix": ""})


@pytest.mark.parametrize("operator", ["StringNotEquals", "StringNotLike", "ArnNotLike"])
def test_inverted_operators_match_a_variable_without_value(operator: str) -> None:
    """The section "Policy variables with no value"."""
    assert condition_holds(operator, "s3:prefix", "${aws:username}", {"s3:prefix": "x"})


def test_a_key_with_several_values_is_no_variable() -> None:
    tags = {"aws:TagKeys": ["a"], "s3:prefix": "a"}
    assert not condition_holds("StringEquals", "s3:prefix", "${aws:TagKeys}", tags)


@pytest.mark.parametrize("value", ["*", "?????", "a*"])
def test_wildcards_in_the_value_of_a_variable_are_ordinary_characters(value: str) -> None:
    context = {"s3:prefix": "alice", TEAM: value}
    assert not condition_holds("StringLike", "s3:prefix", f"${{{TEAM}}}", context)
    assert condition_holds(
        "StringLike", "s3:prefix", f"${{{TEAM}}}", {**context, "s3:prefix": value}
    )


@pytest.mark.parametrize("character", ["*", "?", "$"])
def test_special_characters(character: str) -> None:
    """The section "Special characters"."""
    wanted = f"a${{{character}}}c"
    assert condition_holds("StringLike", "s3:prefix", wanted, {"s3:prefix": f"a{character}c"})
    assert not condition_holds("StringLike", "s3:prefix", wanted, {"s3:prefix": "abc"})


def test_an_arn_may_be_given_whole_by_a_variable() -> None:
    arn = "arn:aws:iam::111122223333:role/r"
    context = {"aws:PrincipalArn": arn, "aws:SourceArn": arn}
    assert condition_holds("ArnEquals", "aws:SourceArn", "${aws:PrincipalArn}", context)


def test_what_is_no_arn_equals_no_arn_even_through_a_variable() -> None:
    context = {"aws:PrincipalArn": "arn:aws:iam", "aws:SourceArn": "arn:aws:iam"}
    assert not condition_holds("ArnEquals", "aws:SourceArn", "${aws:PrincipalArn}", context)


@pytest.mark.parametrize("version", ["2008-10-17", None])
def test_the_old_version_takes_variables_for_text(version: str | None) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html"""
    old = document(statement(Resource=f"{BUCKET}/${{aws:username}}"))
    if version:
        old["Version"] = version
    else:
        del old["Version"]
    policy = parse_policy(old)
    assert (
        effect(policy, context={"aws:username": "Ana"}, resource=f"{BUCKET}/Ana")
        is not Effect.ALLOWED
    )
    assert effect(policy, resource=f"{BUCKET}/${{aws:username}}") is Effect.ALLOWED


@pytest.mark.parametrize("resource", ["arn:aws:s3:${aws:Region}::b", "arn:${aws:x}:s3:::b"])
def test_a_variable_before_the_fifth_colon_is_an_error(resource: str) -> None:
    with pytest.raises(PolicyError, match="before its fifth colon"):
        allow(Resource=resource)


@pytest.mark.parametrize("text", ["${aws:username", "${}", "${username}", "${aws:x, default}"])
def test_a_malformed_variable_is_an_error(text: str) -> None:
    with pytest.raises(PolicyError, match="policy variable"):
        allow(Condition={"StringLike": {"s3:prefix": text}})


@pytest.mark.parametrize(
    ("operator", "value"),
    [("NumericEquals", "${a:b}"), ("DateEquals", "${a:b}"), ("Bool", "${a:b}")],
)
def test_other_operators_take_no_variables(operator: str, value: str) -> None:
    with pytest.raises(PolicyError, match=operator):
        allow(Condition={operator: {"aws:x": value}})
