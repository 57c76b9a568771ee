"""The registry against DynamoDB's API: what serves, and who is told that they came second."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from fleet.registry import Registry
from fleet.registry_reader import RegistryConflictError, RegistryError
from fleet.versions import State, Verdict, Version
from localaws.testing import LocalAws
from tests.local.registry.conftest import candidate, draft

REFUSED = Verdict(passed=False, reasons=("worse than the median",))


def record(registry: Registry, city: str, digest: str = "1") -> Version:
    return registry.record([draft(city, digest)]).versions[city]


def serve(registry: Registry, city: str, digest: str = "1") -> Version:
    version = record(registry, city, digest)
    return registry.promote([version]).versions[city]


def test_a_recorded_candidate_is_read_back_as_it_was_written(registry: Registry) -> None:
    written = candidate(
        "Read_AA",
        metrics={"mae": 20_123.456, "serving_mae": float("inf")},
        columns={"SQUARE_FEET": {"edges": [0.0, 1.5], "shares": [0.25, 0.75]}},
    )
    version = registry.record([draft("Read_AA")]).versions["Read_AA"]
    assert version.number == 1
    assert registry.version("Read_AA", 1) == version
    second = registry.record([type(draft("x"))(written, REFUSED)]).versions["Read_AA"]
    read = registry.version("Read_AA", 2)
    assert read == second
    assert read.trained == written
    assert read.verdict == REFUSED


def test_the_first_version_has_the_notebooks_key_and_later_ones_their_number(
    registry: Registry,
) -> None:
    assert record(registry, "Keys_AA").key == "models/Keys_AA/Keys_AA.tar.gz"
    assert record(registry, "Keys_AA").target_model == "Keys_AA/Keys_AA-v2.tar.gz"


def test_numbers_drawn_at_once_are_all_different(registry: Registry) -> None:
    with ThreadPoolExecutor(8) as threads:
        drawn = list(threads.map(lambda _: record(registry, "Race_AA").number, range(24)))
    assert sorted(drawn) == list(range(1, 25))


def test_a_batch_of_more_cities_than_a_transaction_holds_is_recorded_and_promoted(
    registry: Registry,
) -> None:
    names = [f"Batch{number:03}_AA" for number in range(130)]
    recorded = registry.record([draft(name) for name in names])
    assert recorded.refused == {}
    promoted = registry.promote(list(recorded.versions.values()))
    assert promoted.refused == {}
    listed = {city.city: city for city in registry.cities()}
    assert {listed[name].serving for name in names} == {1}
    assert registry.some_cities(names).keys() == set(names)


def test_promoting_retires_what_served_and_says_since_when(registry: Registry) -> None:
    serve(registry, "Promote_AA")
    second = serve(registry, "Promote_AA", "2")
    city = registry.city("Promote_AA")
    assert city is not None
    assert (city.serving, city.previous, city.since) == (2, 1, second.promoted)
    assert city.trained is not None
    assert city.trained.artifact_digest == "2"
    states = [version.state for version in registry.versions("Promote_AA")]
    assert states == [State.RETIRED, State.SERVING]


def test_a_promotion_after_somebody_elses_is_told_so_and_changes_nothing(
    registry: Registry,
) -> None:
    seen = record(registry, "Two_AA")
    registry.promote([seen])
    serve(registry, "Two_AA", "2")
    assert "somebody else" in registry.promote([seen]).refused["Two_AA"]
    city = registry.city("Two_AA")
    assert city is not None
    assert city.serving == 2


def test_what_serves_is_not_promoted_again(registry: Registry) -> None:
    version = serve(registry, "Again_AA")
    assert registry.promote([version]).refused == {
        "Again_AA": "version 1 of Again_AA serves already"
    }


def test_a_refused_candidate_serves_by_force_alone_and_that_is_recorded(
    registry: Registry,
) -> None:
    version = registry.record([draft("Gate_AA", verdict=REFUSED)]).versions["Gate_AA"]
    refusal = registry.promote([version]).refused["Gate_AA"]
    assert refusal == "version 1 of Gate_AA was refused by the gate: worse than the median"
    registry.promote([version], force=True)
    assert registry.version("Gate_AA", 1).verdict == Verdict(False, REFUSED.reasons, forced=True)


def test_one_city_that_cannot_be_promoted_stops_no_other(registry: Registry) -> None:
    served = serve(registry, "Mixed_AA")
    fresh = record(registry, "Mixed_BB")
    changes = registry.promote([served, fresh])
    assert changes.refused.keys() == {"Mixed_AA"}
    assert changes.versions.keys() == {"Mixed_BB"}


def test_a_rollback_returns_to_the_version_before_and_never_forward_again(
    registry: Registry,
) -> None:
    for digest in "123":
        serve(registry, "Back_AA", digest)
    assert registry.rollback("Back_AA", serving=3).number == 2
    with pytest.raises(RegistryConflictError, match="version 2 of Back_AA serves, not 3"):
        registry.rollback("Back_AA", serving=3)
    assert registry.rollback("Back_AA").number == 1
    with pytest.raises(RegistryError, match="no earlier version"):
        registry.rollback("Back_AA")
    withdrawn = [version.number for version in registry.versions("Back_AA") if version.withdrawn]
    assert withdrawn == [2, 3]


def test_after_a_rollback_the_next_version_gets_a_number_of_its_own(registry: Registry) -> None:
    for digest in "123":
        serve(registry, "Number_AA", digest)
    registry.rollback("Number_AA")
    registry.delete_version(registry.version("Number_AA", 3))
    assert record(registry, "Number_AA", "4").number == 4


def test_the_serving_version_is_not_deleted(registry: Registry) -> None:
    version = serve(registry, "Keep_AA")
    with pytest.raises(RegistryError, match="serves"):
        registry.delete_version(version)


def test_a_deletion_after_somebody_elses_change_is_refused(registry: Registry) -> None:
    seen = record(registry, "Late_AA")
    registry.promote([seen])
    with pytest.raises(RegistryConflictError):
        registry.delete_version(seen)


def test_a_missing_version_is_named_with_those_that_are_there(registry: Registry) -> None:
    record(registry, "Miss_AA")
    with pytest.raises(RegistryError, match="Miss_AA has no version 7; it has 1"):
        registry.version("Miss_AA", 7)


def test_a_forgotten_city_is_refused_until_readmitted_and_goes_on_counting(
    registry: Registry,
) -> None:
    serve(registry, "Gone_AA")
    registry.forget("Gone_AA")
    assert registry.versions("Gone_AA") == []
    assert "was forgotten" in registry.record([draft("Gone_AA")]).refused["Gone_AA"]
    registry.readmit("Gone_AA")
    assert record(registry, "Gone_AA").number == 2


def test_a_tenant_reads_its_own_citys_item_and_no_other(
    localaws: LocalAws, registry: Registry, table: str
) -> None:
    serve(registry, "Own_AA")
    serve(registry, "Other_AA")
    iam = localaws.session().client("iam")
    account = localaws.state.account_id
    arn = f"arn:aws:dynamodb:us-east-1:{account}:table/{table}"
    statement = {
        "Effect": "Allow",
        "Action": ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:BatchGetItem"],
        "Resource": arn,
        "Condition": {
            "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["Own_AA"]},
            "Null": {"dynamodb:LeadingKeys": "false"},
        },
    }
    trust = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        RoleName="registry-tenant",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust}),
    )["Role"]["Arn"]
    iam.put_role_policy(
        RoleName="registry-tenant",
        PolicyName="own",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statement}),
    )
    tenant = Registry(localaws.session_as(role).client("dynamodb"), table)
    assert tenant.city("Own_AA") is not None
    for attempt in (
        lambda: tenant.city("Other_AA"),
        lambda: tenant.versions("Other_AA"),
        lambda: tenant.some_cities(["Own_AA", "Other_AA"]),
        tenant.cities,
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()
