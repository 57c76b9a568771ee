from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.errors import AwsError
from localaws.sagemaker.listing import Listing

LISTING = Listing(member="Endpoints", name="EndpointName", status="EndpointStatus")


def summary(name: str, created: float = 1.0, **members: Any) -> dict[str, Any]:
    return {
        "EndpointName": name,
        "CreationTime": created,
        "LastModifiedTime": created,
        "EndpointStatus": "InService",
        **members,
    }


def names(summaries: list[dict[str, Any]], **request: Any) -> list[str]:
    return [found["EndpointName"] for found in LISTING.page(summaries, request)["Endpoints"]]


def test_the_newest_come_first() -> None:
    assert names([summary("a", 1), summary("b", 3), summary("c", 2)]) == ["b", "c", "a"]


def test_order_and_key_can_be_chosen() -> None:
    summaries = [summary("b", 1), summary("a", 2), summary("c", 3)]
    assert names(summaries, SortBy="Name", SortOrder="Ascending") == ["a", "b", "c"]


def test_status_sorts_too() -> None:
    summaries = [summary("a", EndpointStatus="InService"), summary("b", EndpointStatus="Failed")]
    assert names(summaries, SortBy="Status", SortOrder="Ascending") == ["b", "a"]


def test_a_name_contains_in_any_case() -> None:
    assert names([summary("Housing-Dev"), summary("other")], NameContains="dev") == ["Housing-Dev"]


def test_a_status_is_matched() -> None:
    summaries = [summary("a"), summary("b", EndpointStatus="Failed")]
    assert names(summaries, StatusEquals="Failed") == ["b"]


@pytest.mark.parametrize("member", ["CreationTime", "LastModifiedTime"])
def test_times_are_bounded_without_the_bounds_themselves(member: str) -> None:
    summaries = [summary(str(moment), moment) for moment in (1, 2, 3, 4)]
    request = {f"{member}After": 1, f"{member}Before": 4}
    assert sorted(names(summaries, **request)) == ["2", "3"]


def test_ten_are_a_page_unless_told_otherwise() -> None:
    page = LISTING.page([summary(f"{number:02}") for number in range(11)], {})
    assert (len(page["Endpoints"]), "NextToken" in page) == (10, True)


def test_the_last_page_has_no_token() -> None:
    assert "NextToken" not in LISTING.page([summary("a")], {"MaxResults": 1})


@given(count=st.integers(0, 30), size=st.integers(1, 100))
def test_pages_together_hold_everything_once(count: int, size: int) -> None:
    summaries = [summary(f"{number:02}", number % 3) for number in range(count)]
    found: list[str] = []
    request: dict[str, Any] = {"MaxResults": size}
    while True:
        page = LISTING.page(summaries, request)
        found += [item["EndpointName"] for item in page["Endpoints"]]
        if "NextToken" not in page:
            break
        request["NextToken"] = page["NextToken"]
    assert found == names(summaries, MaxResults=100)


@pytest.mark.parametrize("token", ["abc", "e30=", "eyJvZmZzZXQiOiAtMX0=", "ÿ"])
def test_a_made_up_token_is_refused(token: str) -> None:
    with pytest.raises(AwsError, match="NextToken"):
        LISTING.page([], {"NextToken": token})
