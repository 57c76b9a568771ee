"""What a fleet of any size takes by AWS's published limits: computed and simulated, not measured.

docs/scale.md has the sources of the limits. Nothing here runs on AWS: times are least times, at
which the limit itself would be reached.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.figure import Figure
from fleet.capacity.lru import Popularity
from fleet.capacity.plan import Workload
from fleet.capacity.prices import read_prices
from fleet.versions import SHARDS

SIZES = (10_000, 1_000_000, 100_000_000)
INSTANCE_TYPE = "ml.r5.xlarge"
INSTANCES = 64
ZIPF = 1.0


@dataclass(frozen=True)
class Limits:
    """Requests and units a second.

    Attributes
    ----------
    trained
        Cities a second and core, parse to artifact: a round number below what is measured.
    publishers
        Copies a second that one core of a client asks for.
    s3_writes, s3_reads
        Of a partitioned prefix.
    new_table, table, partition
        Write units of an on-demand table that is new, of any, and of one partition key.
    """

    trained: float = 200
    publishers: float = 500
    s3_writes: float = 3_500
    s3_reads: float = 5_500
    new_table: float = 4_000
    table: float = 40_000
    partition: float = 1_000


UNITS_A_CITY = 8
"""Write units of a first version: a transaction, which counts twice, of an item of 3 KB and one of
1 KB; of a later version 6 more."""
INDEX_UNITS_A_CITY = 1


def run() -> list[Figure]:
    """Least seconds of each stage, and the warm requests of one endpoint, by size."""
    return [figure for size in SIZES for figure in _figures(size, Limits())]


def _figures(cities: int, limits: Limits) -> Iterator[Figure]:
    name = f"{cities:,} cities"
    hours = cities / limits.trained / 3600
    yield Figure(
        f"{name}, training", hours, "core-hours", f"{limits.trained:.0f} a second and core"
    )
    stages = {
        "reading the files, one prefix": limits.s3_reads,
        "writing or copying artifacts, one prefix": limits.s3_writes,
        "copies asked for by one core": limits.publishers,
        "registry, new table": limits.new_table / UNITS_A_CITY,
        "registry, table at its quota": limits.table / UNITS_A_CITY,
        "registry, its index of cities": limits.partition * SHARDS / INDEX_UNITS_A_CITY,
    }
    for stage, rate in stages.items():
        yield Figure(f"  {stage}", cities / rate / 60, "minutes", f"{rate:,.0f} cities a second")
    instance = read_prices().instances[INSTANCE_TYPE]
    held = Workload(cities, 100).models_on(instance) * INSTANCES
    warm = Popularity.zipf(cities, ZIPF).hit_ratio(held)
    beside = f"{INSTANCES} {INSTANCE_TYPE} hold {min(held, cities):,}; Zipf({ZIPF:g})"
    yield Figure("  warm requests of one endpoint, simulated", warm * 100, "%", beside)
