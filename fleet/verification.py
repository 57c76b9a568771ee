"""Whether registry, bucket and endpoint agree; what does not is named."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from fleet.names import Prefix, version_of
from fleet.registry_reader import RegistryReader
from fleet.versions import City

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def disagreements(
    registry: RegistryReader, s3: "S3Client", bucket: str, endpoint_preprocessor: str | None
) -> list[str]:
    """One sentence for each thing that does not fit the others."""
    cities = registry.cities()
    targets = _target_models(s3, bucket)
    return [
        *_without_model(cities, targets),
        *_unknown_models(cities, targets),
        *_other_preprocessor(cities, endpoint_preprocessor),
    ]


def _target_models(s3: "S3Client", bucket: str) -> set[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=Prefix.MODELS)
    return {
        item["Key"].removeprefix(Prefix.MODELS)
        for page in pages
        for item in page.get("Contents", ())
    }


def _without_model(cities: Sequence[City], targets: set[str]) -> Iterator[str]:
    for city in cities:
        target = city.target_model
        if target is not None and target not in targets:
            yield f"{city.city}: version {city.serving} serves, and {target} is not in the bucket"


def _unknown_models(cities: Sequence[City], targets: set[str]) -> Iterator[str]:
    """Models that the registry never numbered, and those of forgotten cities."""
    known = {city.city: city for city in cities}
    for target in sorted(targets):
        found = version_of(target)
        if found is None:
            continue
        name, number = found
        city = known.get(name)
        if city is None or number > city.last_version:
            yield f"{target}: in the bucket, and the registry knows nothing of it"
        elif city.forgotten:
            yield f"{target}: in the bucket, and {name} was forgotten"


def _other_preprocessor(cities: Sequence[City], url: str | None) -> Iterator[str]:
    if url is None:
        return
    for city in cities:
        if city.trained is not None and city.trained.preprocessor_url not in ("", url):
            yield f"{city.city}: version {city.serving} needs another preprocessor than runs"
