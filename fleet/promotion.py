"""Brings what serves in one stage to another: the same models, with the same preprocessor.

Bytes are read with the one stage's credentials and written with the other's, so that the stages may
be in different accounts. The target's own gate judges every model again, and its registry numbers
them; what serves there already is left alone.
"""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from fleet.deployment import Deployment
from fleet.errors import HousingError
from fleet.gate import GateRules
from fleet.names import Prefix
from fleet.publishing import Publication, Publisher
from fleet.registry import Registry
from fleet.versions import Candidate, Version

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_s3 import S3Client

THREADS = 16
PROMOTED = f"{Prefix.JOBS}promoted/"
_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict")


class PromotionError(HousingError):
    """Nothing can be brought over."""


@dataclass(frozen=True)
class Side:
    """A stage, and the session that reads or writes it."""

    session: "boto3.Session"
    deployment: Deployment

    @property
    def bucket(self) -> str:
        """The model store."""
        return self.deployment.require("bucket_name")

    @property
    def registry(self) -> Registry:
        """Which versions serve."""
        table = self.deployment.require("registry_table_name")
        return Registry(self.session.client("dynamodb"), table)

    @property
    def s3(self) -> "S3Client":
        """S3 as the stage's session."""
        return self.session.client("s3")


@dataclass(frozen=True)
class Promotion:
    """From one stage to another, whose gate has ``rules``."""

    source: Side
    target: Side
    rules: GateRules

    def run(self) -> list[Publication]:
        """Bring everything over.

        The preprocessor is served after the target's next deployment of hosting.

        Raises
        ------
        PromotionError
            The source has no preprocessor, or nothing serves there.
        """
        url = self._preprocessor_url()
        versions = self._serving(url)
        if not versions:
            raise PromotionError(f"no model serves in stage {self.source.deployment.stage}")
        target_url = self._copy_preprocessor(url)
        source, target = self.source.s3, self.target.s3

        def copy(version: Version) -> Candidate:
            key = f"{PROMOTED}{version.trained.artifact_digest}/{version.city}/model.tar.gz"
            body = source.get_object(Bucket=self.source.bucket, Key=version.key)["Body"].read()
            _put_if_absent(target, self.target.bucket, key, body)
            return replace(
                version.trained,
                artifact_key=key,
                preprocessor_url=target_url,
                metrics={"mae": version.trained.metrics.get("mae", math.inf)},
                compared_with="",
            )

        with ThreadPoolExecutor(THREADS) as threads:
            candidates = list(threads.map(copy, versions))
        publisher = Publisher(self.target.registry, target, self.target.bucket, self.rules)
        return publisher.publish(candidates)

    def _preprocessor_url(self) -> str:
        ssm = self.source.session.client("ssm")
        name = self.source.deployment.preprocessor_parameter
        try:
            return ssm.get_parameter(Name=name)["Parameter"]["Value"]
        except ssm.exceptions.ParameterNotFound:
            stage = self.source.deployment.stage
            raise PromotionError(f"stage {stage} has no preprocessor; nothing to promote") from None

    def _serving(self, preprocessor_url: str) -> Sequence[Version]:
        """What serves with the source's preprocessor; versions of another one stay behind."""
        registry = self.source.registry
        serving = [
            registry.version(city.city, city.serving)
            for city in registry.cities()
            if city.serving is not None
        ]
        return [version for version in serving if version.fits(preprocessor_url)]

    def _copy_preprocessor(self, url: str) -> str:
        key = url.removeprefix(f"s3://{self.source.bucket}/")
        body = self.source.s3.get_object(Bucket=self.source.bucket, Key=key)["Body"].read()
        _put_if_absent(self.target.s3, self.target.bucket, key, body)
        target_url = f"s3://{self.target.bucket}/{key}"
        self.target.session.client("ssm").put_parameter(
            Name=self.target.deployment.preprocessor_parameter,
            Value=target_url,
            Type="String",
            Overwrite=True,
        )
        return target_url


def _put_if_absent(s3: "S3Client", bucket: str, key: str, body: bytes) -> None:
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=body, IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] not in _TAKEN:
            raise
