import pytest

from fleet.capacity.lru import Popularity
from fleet.capacity.plan import Option, Plan, Target, Workload, make_plan
from fleet.capacity.prices import Instance, PriceList, read_prices
from localaws.hosting.instance_types import GIBIBYTE, instance_type
from localaws.hosting.settings import HostingSettings

PRICES = PriceList(
    region="nowhere-1",
    date="2026-01-01",
    source="made up",
    serverless_gib_second=0.00002,
    instances={"ml.small": Instance(2, 16, 0.1), "ml.large": Instance(8, 64, 0.5)},
)
WORKLOAD = Workload(models=1_000, requests_per_second=10)


def plan(workload: Workload = WORKLOAD, target: Target | None = None) -> Plan:
    hit_ratio = Popularity.zipf(workload.models, 0.9).hit_ratio
    return make_plan(workload, hit_ratio, PRICES, target or Target())


def option(instance: str, count: int, workload: Workload = WORKLOAD) -> Option:
    options = plan(workload).options
    return next(o for o in options if (o.instance_type, o.count) == (instance, count))


def test_an_instance_holds_as_many_models_as_the_notebooks_chart_shows() -> None:
    assert WORKLOAD.models_on(Instance(4, 16, 0.24)) == 121


def test_instances_hold_models_together() -> None:
    assert option("ml.small", 4).models_held == 4 * 121


def test_no_more_instances_are_offered_than_hold_all_models() -> None:
    counts = [o.count for o in plan().options if o.instance_type == "ml.large"]
    assert counts == [1, 2, 3]


def test_cold_requests_are_the_share_that_misses() -> None:
    small = option("ml.small", 1)
    assert small.cold_per_minute == pytest.approx((1 - small.hit_ratio) * 10 * 60)


def test_one_cold_request_in_a_hundred_decides_p99() -> None:
    assert option("ml.small", 1).p99 == pytest.approx(1.65)
    assert option("ml.large", 3).p99 == 0.05


def test_the_cheapest_option_that_reaches_the_hit_ratio_is_chosen() -> None:
    cheapest = plan(target=Target(hit_ratio=0.7)).cheapest
    assert cheapest is not None
    others = [o for o in plan().options if o.hit_ratio >= 0.7]
    assert cheapest.monthly == min(o.monthly for o in others)


def test_an_option_whose_processors_are_too_busy_is_never_chosen() -> None:
    busy = Workload(models=100, requests_per_second=2_000)
    assert [o for o in plan(busy).options if not o.is_too_busy] == []
    assert plan(busy).cheapest is None


def test_the_alternatives_are_priced_beside_it() -> None:
    priced = plan()
    assert priced.endpoint_a_model == pytest.approx(1_000 * 0.1 * 730)
    assert priced.serverless == pytest.approx(10 * 730 * 3600 * 0.05 * 0.00002)


def test_an_instance_too_small_for_one_model_holds_none() -> None:
    huge = Workload(models=10, requests_per_second=1, model_mib=20_000)
    assert option("ml.small", 1, huge).hit_ratio == 0.0


@pytest.mark.parametrize("name", sorted(read_prices().instances))
def test_shipped_instances_have_the_memory_that_the_embedded_endpoint_gives_them(name: str) -> None:
    shipped, embedded = read_prices().instances[name], instance_type(name)
    assert (shipped.vcpus, shipped.memory_gib) == (
        embedded.vcpus,
        embedded.memory_bytes / GIBIBYTE,
    )


def test_memory_is_planned_with_the_figures_of_the_embedded_endpoint() -> None:
    embedded = HostingSettings()
    assert (WORKLOAD.idle_percent, WORKLOAD.limit_percent) == (
        embedded.idle_memory_percent,
        embedded.memory_limit_percent,
    )
