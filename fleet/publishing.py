"""From trained candidates to what serves: gate, copy, registry, for any number of cities.

The bytes go from the job's output to the key that is served by a server-side copy, conditional on
the key being free. A multi-model endpoint may hold the old bytes of a key that was overwritten
(AWS: "Don't overwrite model artifacts in Amazon S3",
https://docs.aws.amazon.com/sagemaker/latest/dg/add-models-to-endpoint.html), so that no key is ever
written twice, and the bucket's policy refuses to. The registry records a version once its bytes lie
there, and lets it serve in the same transaction; a run that ends in between leaves a key that the
next one takes for the same bytes, and passes over for others.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from fleet.gate import GateRules, judge
from fleet.objections import forgotten
from fleet.registry import Draft, Registry
from fleet.registry_reader import RegistryConflictError, RegistryError
from fleet.versions import Candidate, City, State, Version

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

THREADS = 16
DIGEST_METADATA = "sha256"
PREPROCESSOR_METADATA = "preprocessor"
MOST_KEYS = 20
"""That are tried for a city whose next ones are taken: by models of before the registry, or by runs
that ended between the copy and its record."""
KEY_TAKEN = "its key is taken"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict")
_ABSENT = ("NoSuchKey", "404")


class Outcome(StrEnum):
    """What became of a candidate."""

    PUBLISHED = "published"
    UNCHANGED = "unchanged"
    """Its bytes are those that serve: nothing was written."""
    REFUSED = "refused"
    """By the gate; it stays a candidate."""
    FAILED = "failed"


@dataclass(frozen=True)
class Publication:
    """What became of one city's candidate; ``before`` is the city's item as it was."""

    city: str
    outcome: Outcome
    candidate: Candidate
    before: City | None
    version: Version | None = None
    reason: str = ""

    @property
    def target_model(self) -> str | None:
        """What serves the candidate's bytes; None where nothing does."""
        if self.outcome is Outcome.PUBLISHED and self.version is not None:
            return self.version.target_model
        if self.outcome is Outcome.UNCHANGED and self.before is not None:
            return self.before.target_model
        return None

    @property
    def failure(self) -> str | None:
        """Why the candidate does not serve; None where it does."""
        match self.outcome:
            case Outcome.REFUSED:
                return f"refused by the gate: {self.reason}"
            case Outcome.FAILED:
                return self.reason
        return None


def summary(publications: Iterable[Publication], untouched: int = 0) -> str:
    """For example ``9 published, 1 refused``; of ``untouched`` cities nothing was trained anew."""
    counts = Counter(publication.outcome for publication in publications)
    counts[Outcome.UNCHANGED] += untouched
    return ", ".join(f"{counts[outcome]:,} {outcome}" for outcome in Outcome if counts[outcome])


class Publisher:
    """Publishes to one bucket and registry.

    Parameters
    ----------
    force
        Let versions serve that the gate refuses; recorded as such.
    """

    def __init__(
        self,
        registry: Registry,
        s3: "S3Client",
        bucket: str,
        rules: GateRules,
        *,
        force: bool = False,
    ) -> None:
        self._registry = registry
        self._s3 = s3
        self._bucket = bucket
        self._rules = rules
        self._force = force

    def publish(self, candidates: Sequence[Candidate]) -> list[Publication]:
        """Publish what the gate lets pass, by city; one city's failure stops no other."""
        known = self._registry.some_cities(candidate.city for candidate in candidates)
        batch = _Batch({candidate.city: candidate for candidate in candidates}, known)
        passed: list[Draft] = []
        refused: list[Draft] = []
        for candidate in candidates:
            city = known.get(candidate.city, City(candidate.city))
            serving = city.trained
            if city.forgotten:
                batch.finish(candidate.city, Outcome.FAILED, forgotten(city))
            elif serving is not None and serving.artifact_digest == candidate.artifact_digest:
                batch.finish(candidate.city, Outcome.UNCHANGED)
            elif candidate.compared_with not in ("", city.target_model) and not self._force:
                reason = f"{city.target_model} began to serve meanwhile; train again to compare"
                batch.finish(candidate.city, Outcome.FAILED, reason)
            else:
                draft = Draft(candidate, judge(candidate, self._rules))
                may_serve = draft.verdict.passed or self._force
                (passed if may_serve else refused).append(draft)
        self._record(refused, batch)
        copied = self._copy_all(passed, known, batch)
        introduced = self._registry.introduce(copied, known, force=self._force)
        for name, version in introduced.versions.items():
            batch.finish(name, Outcome.PUBLISHED, version=version)
        for name, reason in introduced.refused.items():
            batch.finish(name, Outcome.FAILED, reason)
        return batch.publications()

    def expire(self, cities: Iterable[str], keep: int) -> list[Version]:
        """Delete the models of all but the newest versions; what was deleted.

        The one that serves stays, and the one before it, for a roll-back. What somebody else
        changes meanwhile is left to the next time.
        """
        known = self._registry.some_cities(cities)
        many = [name for name, city in known.items() if city.last_version > keep]
        with ThreadPoolExecutor(THREADS) as threads:
            versions = list(threads.map(self._registry.versions, many))
        old = [
            version
            for name, of_city in zip(many, versions, strict=True)
            for version in expired(known[name], of_city, keep)
        ]
        with ThreadPoolExecutor(THREADS) as threads:
            deleted = list(threads.map(self._delete, old))
        return [version for version, is_gone in zip(old, deleted, strict=True) if is_gone]

    def promote(self, version: Version) -> Version:
        """Let one version serve, copied first if it never served.

        Raises
        ------
        RegistryError
            Where it may not, or where its bytes are gone.
        """
        objection = self._registry.objections([version], force=self._force).get(version.city)
        if objection is None:
            objection = self._copy(version)
        if objection is None:
            changes = self._registry.promote([version], force=self._force)
            objection = changes.refused.get(version.city)
        if objection is not None:
            raise RegistryError(objection)
        return changes.versions[version.city]

    def _delete(self, version: Version) -> bool:
        try:
            self._registry.delete_version(version)
        except RegistryConflictError:
            return False
        self._s3.delete_object(Bucket=self._bucket, Key=version.key)
        return True

    def _record(self, drafts: Sequence[Draft], batch: "_Batch") -> None:
        """Record what the gate refused: a person may let it serve."""
        recorded = self._registry.record(drafts)
        for city, version in recorded.versions.items():
            reasons = "; ".join(version.verdict.reasons)
            batch.finish(city, Outcome.REFUSED, reasons, version)
        for city, reason in recorded.refused.items():
            batch.finish(city, Outcome.FAILED, reason)

    def _copy_all(
        self, drafts: Sequence[Draft], known: Mapping[str, City], batch: "_Batch"
    ) -> list[Version]:
        """Copy each to the key of its city's next number, or of the first one that is free."""
        copied: list[Version] = []
        for skipped in range(MOST_KEYS):
            versions = [
                self._registry.numbered(draft, _last_version(known, draft) + 1 + skipped)
                for draft in drafts
            ]
            with ThreadPoolExecutor(THREADS) as threads:
                failures = list(threads.map(self._copy, versions))
            taken = []
            for draft, version, failure in zip(drafts, versions, failures, strict=True):
                if failure is None:
                    copied.append(version)
                elif failure == KEY_TAKEN:
                    taken.append(draft)
                else:
                    batch.finish(version.city, Outcome.FAILED, failure)
            drafts = taken
            if not drafts:
                break
        for draft in drafts:
            batch.finish(draft.candidate.city, Outcome.FAILED, "its keys are taken by other models")
        return copied

    def _copy(self, version: Version) -> str | None:
        """Copy a candidate to its key; why that failed, or None. Copying it twice is no failure."""
        if version.state is not State.CANDIDATE:
            return None
        trained = version.trained
        try:
            self._s3.copy_object(
                Bucket=self._bucket,
                Key=version.key,
                CopySource={"Bucket": self._bucket, "Key": trained.artifact_key},
                IfNoneMatch="*",
                MetadataDirective="REPLACE",
                Metadata={
                    DIGEST_METADATA: trained.artifact_digest,
                    PREPROCESSOR_METADATA: trained.preprocessor_url,
                },
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _TAKEN:
                there = self._s3.head_object(Bucket=self._bucket, Key=version.key)["Metadata"]
                return None if there.get(DIGEST_METADATA) == trained.artifact_digest else KEY_TAKEN
            if code in _ABSENT:
                return f"s3://{self._bucket}/{trained.artifact_key} is gone; train the city again"
            return f"{version.key}: {error}"
        return None


def expired(city: City, versions: Sequence[Version], keep: int) -> list[Version]:
    """Those of a city's versions, in ascending order, that are older than the newest ``keep``."""
    there = [version for version in versions if version.state is not State.DELETED]
    needed = {city.serving, city.previous}
    return [version for version in there[:-keep] if version.number not in needed]


def _last_version(known: Mapping[str, City], draft: Draft) -> int:
    city = known.get(draft.candidate.city)
    return 0 if city is None else city.last_version


class _Batch:
    """What became of the cities so far."""

    def __init__(self, candidates: Mapping[str, Candidate], before: Mapping[str, City]) -> None:
        self._candidates = candidates
        self._before = before
        self._done: dict[str, Publication] = {}

    def finish(
        self, city: str, outcome: Outcome, reason: str = "", version: Version | None = None
    ) -> None:
        """Note what became of a city."""
        candidate, before = self._candidates[city], self._before.get(city)
        self._done[city] = Publication(city, outcome, candidate, before, version, reason)

    def publications(self) -> list[Publication]:
        """All, by city."""
        return [self._done[city] for city in sorted(self._done)]
