"""The deployment config: what may be written in cdk.json, and what is said about mistakes."""

import json
from pathlib import Path
from typing import Any

import pytest

from fleet.config import (
    Assumer,
    AutoScaling,
    ConfigError,
    DeploymentConfig,
    RestrictedRole,
    load_config,
)

ROOT = Path(__file__).parents[3]
ROLE = {"targetModels": ["NewYork_NY/*"]}


def faults(**stage: Any) -> list[str]:
    with pytest.raises(ConfigError) as error:
        load_config({"dev": stage}, "dev")
    where, *lines = str(error.value).splitlines()
    assert where == "housing.dev in cdk.json:"
    return [line.removeprefix("  - ") for line in lines]


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_the_config_in_cdk_json_is_valid(stage: str) -> None:
    housing = json.loads((ROOT / "cdk.json").read_text())["context"]["housing"]
    assert {"NewYork", "Chicago"} <= set(load_config(housing, stage).restricted_roles)


def test_an_empty_stage_is_careful() -> None:
    config = load_config({"dev": {}}, "dev")
    assert config.removal_policy == "RETAIN"
    assert config.termination_protection
    assert config.network_isolation
    assert config.restricted_roles == {}


def test_an_unknown_stage_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(ConfigError, match=r"stage 'test' is not in .* stages: dev, prod"):
        load_config({"dev": {}, "prod": {}}, "test")


def test_no_stage_begins_with_the_name_of_another() -> None:
    """Their jobs and logs are told apart by their names' beginning."""
    with pytest.raises(ConfigError, match="stages 'dev' and 'dev-eu' of cdk"):
        load_config({"dev": {}, "dev-eu": {}}, "dev")
    load_config({"dev": {}, "developer": {}}, "dev")


def test_a_missing_context_is_told_as_such() -> None:
    with pytest.raises(ConfigError, match="stages: none"):
        load_config(None, "dev")


def test_unknown_keys_are_refused_with_the_nearest_right_name() -> None:
    assert faults(instanceTyp="ml.m5.xlarge", zzz=1) == [
        "instanceTyp is unknown; did you mean instanceType?",
        "zzz is unknown",
    ]


def test_all_faults_are_told_at_once() -> None:
    found = faults(
        instanceCount=0,
        account="12",
        logRetention="WEEK",
        modelCache="on",
        removalPolicy="delete",
        autoScaling={"minCapacity": 1},
        restrictedRoles={"new york": ROLE, "Empty": {"targetModels": []}},
    )
    assert [fault.split(": ")[0] for fault in found] == [
        "account",
        "instanceCount",
        "autoScaling.maxCapacity is missing",
        "autoScaling.invocationsPerInstance is missing",
        "modelCache",
        "logRetention",
        "removalPolicy",
        "restrictedRoles.new york.[key]",
        "restrictedRoles.Empty.targetModels",
    ]


def test_numbers_are_not_guessed_from_text() -> None:
    (fault,) = faults(instanceCount="1")
    assert fault == "instanceCount: Input should be a valid integer; it is '1'"


@pytest.mark.parametrize(
    "assumer",
    [
        {"account": "123456789012"},
        {"role": "arn:aws:iam::123456789012:role/app"},
        {"service": "lambda.amazonaws.com"},
        {"oidcProvider": "token.actions.githubusercontent.com", "subject": "repo:example/*"},
        {
            "oidcProvider": "oidc.eks.us-east-1.amazonaws.com/id/ABC123",
            "subject": "system:serviceaccount:default:web",
        },
    ],
)
def test_ways_to_assume_a_role(assumer: dict[str, str]) -> None:
    config = load_config(
        {"dev": {"restrictedRoles": {"A": ROLE | {"assumedBy": [assumer]}}}}, "dev"
    )
    assert len(config.restricted_roles["A"].assumed_by) == 1


@pytest.mark.parametrize(
    ("assumer", "fault"),
    [
        ({}, "needs exactly one of account, role, service, oidcProvider"),
        (
            {"account": "123456789012", "service": "lambda.amazonaws.com"},
            "needs exactly one of account, role, service, oidcProvider",
        ),
        ({"oidcProvider": "idp.example.com"}, "oidcProvider and subject belong together"),
    ],
)
def test_an_assumer_is_one_thing(assumer: dict[str, str], fault: str) -> None:
    (found,) = faults(restrictedRoles={"A": ROLE | {"assumedBy": [assumer]}})
    assert found.startswith(f"restrictedRoles.A.assumedBy.0: {fault}")


def test_services_cannot_pass_an_external_id() -> None:
    assumers = [{"service": "lambda.amazonaws.com"}]
    (fault,) = faults(restrictedRoles={"A": ROLE | {"assumedBy": assumers, "externalId": "abc"}})
    assert "services and OIDC providers pass no externalId" in fault


@pytest.mark.parametrize("hours", [0, 13])
def test_sessions_last_1_to_12_hours(hours: int) -> None:
    (fault,) = faults(tenantRole={"maxSessionHours": hours})
    assert fault.startswith("tenantRole.maxSessionHours: Input should be")


def test_every_key_is_documented() -> None:
    documented = (ROOT / "docs" / "deployment-config.md").read_text()
    keys = [
        field.alias
        for section in (DeploymentConfig, AutoScaling, RestrictedRole, Assumer)
        for field in section.model_fields.values()
    ]
    assert [
        key for key in keys if f"`{key}`" not in documented and f'"{key}"' not in documented
    ] == []
