"""What a job of the fleet trainer reads, written to the bucket; and the job's request.

Two manifests: the cities' files, and the models that serve these cities now, which the job measures
on the validation rows of their successors.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fleet.names import Prefix
from fleet.versions import City
from training.fleet_trainer.recipe import Recipe, digest
from training.fleet_trainer.reports import FINGERPRINTS, MANIFEST
from training.fleet_trainer.request import Cluster, fleet_request, source
from training.workspace import Workspace

SERVING_MANIFEST = "serving.manifest"
LISTED_ONE_BY_ONE = 50
"""Cities; of more, all keys below ``models/`` are listed, a thousand at a time."""


@dataclass(frozen=True)
class InputFile:
    """A city's file in the bucket; ``fingerprint`` changes with its bytes."""

    city: str
    key: str
    fingerprint: str
    size: int


def comparable(cities: Iterable[City], preprocessor_url: str) -> dict[str, str]:
    """The target models that serve and take the features of this preprocessor, by city.

    One that takes those of another cannot score the same rows.
    """
    return {
        city.city: city.target_model
        for city in cities
        if city.target_model is not None
        and city.trained is not None
        and city.trained.preprocessor_url in ("", preprocessor_url)
    }


def job_request(
    workspace: Workspace,
    folder: str,
    files: Sequence[InputFile],
    *,
    image: str,
    preprocessor_url: str,
    recipe: Recipe,
    cluster: Cluster,
) -> dict[str, Any]:
    """Write what the job reads below ``folder``; the request to make it, without its name."""
    ordered = sorted(files, key=lambda each: each.city)
    archive = source()
    source_key = f"{Prefix.JOBS}source/{digest(archive)}/sourcedir.tar.gz"
    workspace.write(source_key, archive)
    _write_manifest(workspace, folder + MANIFEST, [each.key for each in ordered])
    fingerprints = {each.city: each.fingerprint for each in ordered}
    workspace.write(folder + FINGERPRINTS, json.dumps(fingerprints).encode())
    serving = list(_serving_keys(workspace, fingerprints, preprocessor_url))
    if serving:
        _write_manifest(workspace, folder + SERVING_MANIFEST, serving)
    return fleet_request(
        image=image,
        role_arn=workspace.role_arn,
        region=workspace.region,
        source_url=workspace.url(source_key),
        cities_url=workspace.url(folder + MANIFEST),
        serving_url=workspace.url(folder + SERVING_MANIFEST) if serving else None,
        preprocessor_url=preprocessor_url,
        output_url=workspace.url(Prefix.JOBS.removesuffix("/")),
        recipe=recipe,
        cluster=cluster,
        data_bytes=sum(each.size for each in ordered),
        key_arn=workspace.key_arn,
    )


def _serving_keys(
    workspace: Workspace, cities: Collection[str], preprocessor_url: str
) -> Iterator[str]:
    """Those that are in the bucket: a job cannot begin without a file of its manifest."""
    targets = comparable(workspace.registry.each_of(cities), preprocessor_url)
    few = len(targets) <= LISTED_ONE_BY_ONE
    prefixes = [f"{Prefix.MODELS}{city}/" for city in targets] if few else [Prefix.MODELS]
    there = {key for prefix in prefixes for key in workspace.keys(prefix)}
    return (key for target in targets.values() if (key := Prefix.MODELS + target) in there)


def _write_manifest(workspace: Workspace, key: str, keys: Sequence[str]) -> None:
    """As https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html has it."""
    manifest: list[Mapping[str, str] | str] = [{"prefix": workspace.url("")}, *keys]
    workspace.write(key, json.dumps(manifest).encode())
