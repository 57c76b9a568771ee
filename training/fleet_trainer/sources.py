"""Where cities' rows are before they are trained on: files, drawn houses, objects in S3."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from fleet.names import Prefix, check_entity
from training.fleet_trainer.recipe import ETAG, digest
from training.houses import Market
from training.table import Table
from training.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Source:
    """One city's CSV file, in few bytes: there may be a hundred thousand.

    ``folder`` is where the user has it, ``key_folder`` where the bucket has it. ``fingerprint``
    changes with the bytes. ``read`` is None where the bytes are in the bucket already; elsewhere
    they go there. ``title`` is what people call the city.
    """

    city: str
    folder: str
    key_folder: str
    fingerprint: str
    size: int
    read: Callable[[], bytes] | None = None
    title: str = ""

    @property
    def name(self) -> str:
        """The user's file."""
        return f"{self.folder}{self.city}.csv"

    @property
    def key(self) -> str:
        """Where the job finds it."""
        return f"{self.key_folder}{self.city}.csv"


def of_folder(folder: Path) -> dict[str, Source]:
    """Each ``<City>.csv`` of a folder."""
    sources = {}
    for path in sorted(folder.glob("*.csv")):
        data = path.read_bytes()
        sources[path.stem] = _local(check_entity(path.stem), f"{folder}/", data, path.read_bytes)
    return sources


def of_tables(tables: Mapping[str, Table], titles: Mapping[str, str]) -> dict[str, Source]:
    """The rows of each entity as they were read; ``titles`` are what people call them."""
    sources = {}
    for city, table in tables.items():
        data = table.to_csv().encode()
        source = _local(check_entity(city), "", data, partial(bytes, data))
        sources[city] = replace(source, title=titles.get(city, ""))
    return sources


def of_market(market: Market, cities: Mapping[str, int]) -> dict[str, Source]:
    """Houses drawn for each city, so many; drawn again for the upload, as they are many."""
    sources = {}
    for city, count in cities.items():
        read = partial(_drawn, market, check_entity(city), count)
        sources[city] = _local(city, "", read(), read)
    return sources


def _drawn(market: Market, city: str, count: int) -> bytes:
    return market.houses(city, count).to_csv().encode()


def of_prefix(workspace: Workspace, prefix: str) -> dict[str, Source]:
    """Each ``<City>.csv`` below a prefix of the bucket."""
    sources = {}
    pages = workspace.s3.get_paginator("list_objects_v2").paginate(
        Bucket=workspace.bucket, Prefix=prefix
    )
    for page in pages:
        for item in page.get("Contents", []):
            folder, slash, name = item["Key"].rpartition("/")
            if not name.endswith(".csv"):
                continue
            city = check_entity(name.removesuffix(".csv"))
            key_folder = sys.intern(folder + slash)
            url = sys.intern(workspace.url(key_folder))
            fingerprint = ETAG + item["ETag"].strip('"')
            sources[city] = Source(city, url, key_folder, fingerprint, item["Size"])
    return sources


def _local(city: str, folder: str, data: bytes, read: Callable[[], bytes]) -> Source:
    content = digest(data)
    return Source(city, folder, f"{Prefix.RAW}{content}/", content, len(data), read)
