"""What holds for all policies, not only for those that somebody thought of."""

import fnmatch
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iam_policy import PolicyError, PolicySet, evaluate, parse_policy
from iam_policy.conditions import OPERATORS
from iam_policy.statement import Policy
from tests.unit.iam_policy.builders import condition_holds, document, policy, request
from tests.unit.iam_policy.test_condition_operators import POSITIVE, example

CITIES = ["NewYork_NY", "Chicago_IL", "NewYork_NYC"]
KEYS = ["sagemaker:TargetModel", "aws:PrincipalTag/City", "aws:SourceIp"]
ACTIONS = ["sagemaker:InvokeEndpoint", "sagemaker:*", "sagemaker:InvokeEndpointAsync", "*"]
RESOURCES = ["*", "arn:aws:sagemaker:*:*:endpoint/housing-dev", "arn:aws:s3:::bucket/*"]
STRING_OPERATORS = [
    f"{prefix}{name}{suffix}"
    for prefix in ("", "ForAllValues:", "ForAnyValue:")
    for name in OPERATORS
    if name.startswith("String")
    for suffix in ("", "IfExists")
]

values = st.sampled_from([*CITIES, "*", "${aws:PrincipalTag/City}/*", "New*", "", "a/b"])
conditions = st.dictionaries(
    st.sampled_from(STRING_OPERATORS),
    st.dictionaries(st.sampled_from(KEYS), st.lists(values, max_size=3), min_size=1),
    max_size=2,
)
contexts = st.dictionaries(
    st.sampled_from(KEYS), st.sampled_from([*CITIES, "", "a/b"]) | st.lists(st.sampled_from(CITIES))
)


@st.composite
def statements(draw: st.DrawFn, effect: str | None = None) -> dict[str, Any]:
    action = draw(st.sampled_from(["Action", "NotAction"]))
    resource = draw(st.sampled_from(["Resource", "NotResource"]))
    return {
        "Effect": effect or draw(st.sampled_from(["Allow", "Deny"])),
        action: draw(st.lists(st.sampled_from(ACTIONS), min_size=1)),
        resource: draw(st.lists(st.sampled_from(RESOURCES), min_size=1)),
        "Condition": draw(conditions),
    }


policies = st.lists(statements(), min_size=1, max_size=4).map(lambda blocks: policy(*blocks))


def allowed(context: dict[str, Any], *identity: Policy, **kinds: Any) -> bool:
    return evaluate(PolicySet(identity=identity, **kinds), request(context)).allowed


@given(policies, statements(effect="Allow"), contexts)
def test_adding_an_allow_never_removes_access(
    held: Policy, added: dict[str, Any], context: dict[str, Any]
) -> None:
    assert allowed(context, held) <= allowed(context, held, policy(added))


@given(policies, statements(effect="Deny"), contexts)
def test_adding_a_deny_never_adds_access(
    held: Policy, added: dict[str, Any], context: dict[str, Any]
) -> None:
    assert allowed(context, held, policy(added)) <= allowed(context, held)


@given(policies, policies, contexts)
def test_boundary_and_session_policies_never_add_access(
    held: Policy, limit: Policy, context: dict[str, Any]
) -> None:
    assert allowed(context, held, boundary=limit) <= allowed(context, held)
    assert allowed(context, held, session=(limit,)) <= allowed(context, held)


@given(st.lists(statements(), min_size=1, max_size=4), st.randoms(), contexts)
def test_the_order_of_statements_does_not_matter(
    blocks: list[dict[str, Any]], shuffle: Any, context: dict[str, Any]
) -> None:
    shuffled = blocks.copy()
    shuffle.shuffle(shuffled)
    assert allowed(context, policy(*blocks)) == allowed(context, policy(*shuffled))


@given(st.sampled_from(POSITIVE), st.sampled_from(["", "ForAnyValue:"]))
def test_a_missing_key_never_satisfies_a_positive_operator(operator: str, prefix: str) -> None:
    assert not condition_holds(prefix + operator, "aws:Key", example(operator)[0], {})


@given(st.lists(values), st.lists(st.sampled_from(CITIES), min_size=1))
def test_a_negated_set_operator_is_the_negation_of_the_other_one(
    wanted: list[str], found: list[str]
) -> None:
    context = {"aws:Key": found}
    any_like = condition_holds("ForAnyValue:StringLike", "aws:Key", wanted, context)
    all_not_like = condition_holds("ForAllValues:StringNotLike", "aws:Key", wanted, context)
    assert any_like is not all_not_like


@given(
    st.text("ab*?", max_size=8).filter(lambda pattern: "[" not in pattern),
    st.text("ab\n", max_size=10),
)
def test_string_like_is_the_wildcard_match_of_the_shell(pattern: str, value: str) -> None:
    expected = fnmatch.fnmatchcase(value, pattern)
    assert condition_holds("StringLike", "aws:Key", pattern, {"aws:Key": value}) is expected


@given(st.text(max_size=20))
def test_a_city_never_reaches_beyond_its_own_prefix(city: str) -> None:
    """Whatever a session tag holds, its pattern is the tag itself and a slash."""
    context = {"aws:PrincipalTag/City": city, "sagemaker:TargetModel": "NewYork_NY/m.tar.gz"}
    wanted = "${aws:PrincipalTag/City}/*"
    holds = condition_holds("StringLike", "sagemaker:TargetModel", wanted, context)
    assert holds is (city == "NewYork_NY")


@given(st.sampled_from(sorted(OPERATORS)), st.text(string.printable, max_size=30))
def test_any_text_is_a_condition_value_or_a_policy_error(operator: str, value: str) -> None:
    block = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    try:
        parsed = policy({**block, "Condition": {operator: {"aws:Key": value}}})
    except PolicyError:
        return
    evaluate(PolicySet((parsed,)), request({"aws:Key": value}))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
ELEMENTS = ["Effect", "Action", "NotAction", "Resource", "Condition", "Principal", "Sid"]


@given(st.dictionaries(st.sampled_from(ELEMENTS), json_values))
def test_garbage_is_refused(block: dict[str, Any]) -> None:
    with pytest.raises(PolicyError):
        parse_policy(document(block))
