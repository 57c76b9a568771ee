"""Templates that CloudFormation refuses before it makes a stack of them."""

# ruff: noqa: E501 - one template a line

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localaws.cloudformation.references import check_references
from localaws.cloudformation.template import check_form
from localaws.cloudformation.template_error import TemplateError

PARAMETER = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}
TEMPLATE: dict[str, Any] = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Description": "all kinds of members",
    "Parameters": {"Stage": {"Type": "String", "Default": "dev", "AllowedValues": ["dev", "p"]}},
    "Mappings": {"Map": {"key": {"attribute": "value", "list": ["a"]}}},
    "Conditions": {"IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "p"]}},
    "Resources": {
        "Group": {"Type": "AWS::Logs::LogGroup", "DeletionPolicy": "RetainExceptOnCreate"},
        "Name": {
            "Type": "AWS::SSM::Parameter",
            "Condition": "IsProd",
            "DependsOn": "Group",
            "Properties": {
                "Type": "String",
                "Value": {"Fn::Sub": ["${Stage}-${Group}-${Other}", {"Other": "o"}]},
                "Name": {"Fn::Join": ["/", ["a", {"Ref": "AWS::Region"}]]},
            },
        },
        "Arn": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {
                "Type": "String",
                "Value": {"Fn::If": ["IsProd", {"Ref": "Name"}, {"Fn::GetAtt": ["Group", "Arn"]}]},
            },
        },
    },
    "Outputs": {
        "Arn": {"Value": {"Fn::GetAtt": "Group.Arn"}, "Export": {"Name": "arn"}},
        "Found": {"Value": {"Fn::FindInMap": ["Map", "key", "attribute"]}},
    },
}
ATTRIBUTES = {"AWS::Logs::LogGroup": frozenset({"Arn"})}


def check(template: Any) -> None:
    check_form(template)
    check_references(template, {"IsProd": False}, ATTRIBUTES.get)


def resources(**changes: Any) -> dict[str, Any]:
    return {"Resources": {"A": {**copy.deepcopy(PARAMETER), **changes}}}


def value(expression: Any) -> dict[str, Any]:
    return resources(Properties={"Type": "String", "Value": expression})


def test_a_template_with_everything_is_taken() -> None:
    check(TEMPLATE)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ({}, "At least one Resources member must be defined"),
        ({"Resources": {}}, "At least one Resources member must be defined"),
        ({"Resources": []}, "Resources must be an object"),
        ({"Resources": {"A": 1}}, "Any Resources member must be an object"),
        ({"Resources": {"A": {}}}, "must contain a Type member"),
        ({"Resources": {"A-B": PARAMETER}}, "Resource name A-B is non alphanumeric"),
        ({**TEMPLATE, "Ressources": {}}, "Invalid template property or properties [Ressources]"),
        ({**TEMPLATE, "AWSTemplateFormatVersion": "2012"}, "unsupported value"),
        ({**TEMPLATE, "Parameters": {"P": {}}}, "must contain a Type member"),
        ({**TEMPLATE, "Parameters": {"P": {"Type": "Text"}}}, "Unrecognized parameter type"),
        ({**TEMPLATE, "Mappings": {"M": {"a": 1}}}, "must be an object"),
        (resources(Properties={"Value": {"Fn::Transform": {"Name": "M"}}}), "No transform named M"),
        ({**TEMPLATE, "Mappings": {"M-1": {"a": {"b": "c"}}}}, "Mapping name M-1 is non alphan"),
        ({**TEMPLATE, "Outputs": {"O": {"Value": ["a"]}}}, "must evaluate to a String"),
        ({**TEMPLATE, "Outputs": {"O": {"Value": {"Fn::Select": [2, ["a"]]}}}}, "at index 2"),
        ({**TEMPLATE, "Outputs": {"O": {}}}, "must contain a Value object"),
        ({**TEMPLATE, "Outputs": {"O": {"Value": {"Ref": "Nope"}}}},
         "Unresolved resource dependencies [Nope] in the Outputs block"),
        (resources(Properties=1.5), "Properties must be an object"),
        (resources(Properties=None), "'null' values are not allowed in templates"),
        (resources(Nope=1), "Invalid template resource property 'Nope'"),
        (resources(DependsOn="B"), "Unresolved resource dependencies [B]"),
        (resources(DependsOn=1), "DependsOn must be a string or list of strings"),
        (resources(DependsOn="A"), "Circular dependency between resources: [A]"),
        (resources(Condition="C"), "Unresolved condition dependency C"),
        (resources(DeletionPolicy="Keep"), "Unrecognized DeletionPolicy Keep for resource A"),
        (resources(DeletionPolicy="Snapshot"), "does not support DeletionPolicy Snapshot"),
        (resources(UpdateReplacePolicy="RetainExceptOnCreate"), "UpdateReplacePolicy"),
        (value(None), "[/Resources/A/Properties/Value] 'null' values"),
        (value({"Ref": "Nope"}), "Unresolved resource dependencies [Nope]"),
        (value({"Ref": 1}), "Every Ref must be a string"),
        (value({"Fn::GetAtt": ["Nope", "Arn"]}), "references undefined resource Nope"),
        (value({"Fn::GetAtt": ["A"]}), "requires 2 arguments"),
        (value({"Fn::Sub": "${Nope}"}), "Unresolved resource dependencies [Nope]"),
        (value({"Fn::Sub": "${a b}"}), "variable names in Fn::Sub"),
        (value({"Fn::Sub": [1, 2, 3]}), "expected arguments"),
        (value({"Fn::Nope": 1}), "Encountered unsupported function: Fn::Nope"),
        (value({"Fn::Join": "a"}), "requires 2 arguments"),
        (value({"Fn::If": ["C"]}), "requires 3 arguments"),
        (value({"Fn::Select": ["x", ["a"]]}), "arguments of the wrong types"),
        (value({"Fn::Select": [0, {"Ref": "AWS::Region"}]}), "requires a list"),
        (value({"Fn::Join": ["", ["a", ["b"]]]}), "arguments of the wrong types"),
        (value({"Fn::Base64": ["a"]}), "String-typed value"),
        (value({"Fn::If": ["Nope", "a", "b"]}), "Unresolved condition dependency Nope"),
        (value({"Fn::Equals": ["a", "b"]}), "in Conditions and Rules alone"),
        ({**TEMPLATE, "Conditions": {"C": {"Fn::Equals": [{"Ref": "Group"}, "a"]}}}, "Cannot reference resources in the Conditions"),
        ({**TEMPLATE, "Outputs": {"O": {"Value": "x", "Nope": 1}}}, "Invalid template output property"),
        ({**TEMPLATE, "Outputs": {"O": {"Value": "x", "Export": {"Name": {"Ref": "Group"}}}}}, "cannot depend on a resource"),
        ({**TEMPLATE, "Outputs": {n: {"Value": "x", "Export": {"Name": "e"}} for n in "OP"}}, "Duplicate Export names"),
        ({**TEMPLATE, "Parameters": {**TEMPLATE["Parameters"], "Group": {"Type": "String"}}}, "unique names"),
    ],
)  # fmt: skip
def test_a_faulty_template_is_refused_in_cloudformations_words(template: Any, reason: str) -> None:
    with pytest.raises(TemplateError) as refused:
        check(template)
    assert reason in str(refused.value)


def test_an_attribute_that_the_type_does_not_have() -> None:
    template = copy.deepcopy(TEMPLATE)
    template["Outputs"]["Arn"]["Value"] = {"Fn::GetAtt": ["Group", "Nope"]}
    with pytest.raises(TemplateError, match="Group does not support attribute type Nope"):
        check(template)


def test_a_resource_that_is_not_made_cannot_be_referred_to() -> None:
    template = copy.deepcopy(TEMPLATE)
    template["Resources"]["Arn"]["Properties"]["Value"] = {"Ref": "Name"}
    with pytest.raises(TemplateError, match=r"Unresolved resource dependencies \[Name\]"):
        check(template)


def test_aliases_that_unfold_without_end_are_refused() -> None:
    bomb: Any = "x"
    for _ in range(60):
        bomb = [bomb, bomb]
    with pytest.raises(TemplateError, match="localaws takes at most"):
        check({**TEMPLATE, "Metadata": {"Bomb": bomb}})


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    children = node.items() if isinstance(node, dict) else enumerate(node)
    if isinstance(node, dict | list):
        for key, child in children:
            yield from places(child, (*path, key))


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    st.just({}),
    st.just([]),
    st.lists(st.integers() | st.text(max_size=3), max_size=3),
    st.sampled_from(
        [{"Ref": "Group"}, {"Ref": "x"}, {"Fn::If": [1]}, {"Fn::Sub": "${"}, {"Fn::x": 1}]
    ),
    st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
)


@settings(max_examples=300)
@given(st.sampled_from([p for p in places(TEMPLATE) if p]), VALUES)
def test_a_mutated_template_raises_nothing_but_template_errors(
    place: tuple[Any, ...], replacement: Any
) -> None:
    template = copy.deepcopy(TEMPLATE)
    node = template
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = replacement
    with contextlib.suppress(TemplateError):
        check(template)
