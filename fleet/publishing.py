"""From trained candidates to what serves: gate, copy, registry, for any number of cities.

The registry records a version once its bytes lie at the key that is served, and lets it serve in
the same transaction; a run that ends in between leaves a key that the next one takes for the same
bytes, and passes over for others.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from fleet.gate import GateRules, judge
from fleet.model_copies import THREADS, ModelCopies
from fleet.objections import conflict, forgotten
from fleet.registry import Draft, Registry
from fleet.registry_reader import RegistryConflictError, RegistryError
from fleet.table import ATTEMPTS, pause
from fleet.versions import Candidate, City, State, Version

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MOST_KEYS = 20
"""That are tried for a city whose next ones are taken: by models of before the registry, or by runs
that ended between the copy and its record."""


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
    """What became of one city's candidate, and which model serves its bytes, if one does."""

    city: str
    outcome: Outcome
    candidate: Candidate
    target_model: str | None = None
    version: Version | None = None
    reason: str = ""

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
        self._copies = ModelCopies(s3, bucket)
        self._rules = rules
        self._force = force

    def publish(self, candidates: Sequence[Candidate]) -> list[Publication]:
        """Publish what the gate lets pass, by city; one city's failure stops no other.

        Whoever publishes a city at the same time may be first: its bytes are left to serve where
        they are the same, and what was trained beside others is not put in their place.
        """
        batch = _Batch(candidates)
        waiting = candidates
        known = first = self._cities_of(waiting)
        for attempt in range(ATTEMPTS):
            self._publish_once(waiting, known, first, batch)
            waiting = batch.waiting()
            if not waiting:
                break
            pause(attempt)
            known = self._cities_of(waiting)
        for candidate in waiting:
            batch.finish(candidate.city, Outcome.FAILED, "others kept changing it meanwhile")
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
            objection = self._copies.copy(version).failure
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

    def _publish_once(
        self,
        candidates: Sequence[Candidate],
        known: Mapping[str, City],
        first: Mapping[str, City],
        batch: "_Batch",
    ) -> None:
        """Publish against what is ``known``; cities that change meanwhile go on waiting.

        A city that served something else at the ``first`` look is left to whoever changed it.
        """
        passed: list[Draft] = []
        refused: list[Draft] = []
        for candidate in candidates:
            city = known.get(candidate.city, City(candidate.city))
            serving = city.trained
            if city.forgotten:
                batch.finish(candidate.city, Outcome.FAILED, forgotten(city))
            elif serving is not None and serving.artifact_digest == candidate.artifact_digest:
                batch.finish(candidate.city, Outcome.UNCHANGED, target_model=city.target_model)
            elif city.serving != first.get(candidate.city, City(candidate.city)).serving:
                batch.finish(candidate.city, Outcome.FAILED, conflict(city))
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
            batch.finish(
                name, Outcome.PUBLISHED, version=version, target_model=version.target_model
            )
        for name, reason in introduced.refused.items():
            batch.finish(name, Outcome.FAILED, reason)

    def _cities_of(self, candidates: Iterable[Candidate]) -> dict[str, City]:
        return self._registry.some_cities(candidate.city for candidate in candidates)

    def _record(self, drafts: Sequence[Draft], batch: "_Batch") -> None:
        """Record what the gate refused: a person may let it serve."""
        recorded = self._registry.record(drafts)
        for city, version in recorded.versions.items():
            reasons = "; ".join(version.verdict.reasons)
            batch.finish(city, Outcome.REFUSED, reasons, version=version)
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
            taken = []
            for draft, version, copy in zip(
                drafts, versions, self._copies.copy_all(versions), strict=True
            ):
                if copy.failure is None:
                    copied.append(version)
                elif copy.key_is_taken:
                    taken.append(draft)
                else:
                    batch.finish(version.city, Outcome.FAILED, copy.failure)
            drafts = taken
            if not drafts:
                break
        for draft in drafts:
            batch.finish(draft.candidate.city, Outcome.FAILED, "its keys are taken by other models")
        return copied


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

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._waiting = {candidate.city: candidate for candidate in candidates}
        self._done: dict[str, Publication] = {}

    def finish(
        self,
        city: str,
        outcome: Outcome,
        reason: str = "",
        *,
        version: Version | None = None,
        target_model: str | None = None,
    ) -> None:
        """Note what became of a city."""
        candidate = self._waiting.pop(city)
        self._done[city] = Publication(city, outcome, candidate, target_model, version, reason)

    def waiting(self) -> list[Candidate]:
        """Those of which nothing is known yet."""
        return list(self._waiting.values())

    def publications(self) -> list[Publication]:
        """All, by city."""
        return [self._done[city] for city in sorted(self._done)]
