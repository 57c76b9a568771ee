"""Which version of a city's model serves: every change conditional on what was read.

The table has one item a city (sort key 0: the highest number drawn, which version serves since
when) and one a version. A number is drawn and its version recorded in one transaction, so that no
number is ever given twice, whatever is deleted; what passes the gate is recorded and serves in one
(``introduce``), once its bytes lie at its key.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fleet.objections import conflict, forgotten, objections_to
from fleet.project import spelled
from fleet.registry_changes import (
    deletion,
    draw,
    introduction,
    promotion,
    readmission,
    tombstone,
)
from fleet.registry_reader import RegistryConflictError, RegistryError, RegistryReader
from fleet.table import ATTEMPTS, Change, pause
from fleet.versions import Candidate, City, State, Verdict, Version, served_before

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class Draft:
    """A candidate that is to be recorded, and what the gate said of it."""

    candidate: Candidate
    verdict: Verdict


@dataclass(frozen=True)
class Changes:
    """What a batch did: the versions that changed, and why the others did not, by city."""

    versions: Mapping[str, Version]
    refused: Mapping[str, str]


class Registry(RegistryReader):
    """The registry of one stage.

    Parameters
    ----------
    client
        DynamoDB; may be used by several threads at once.
    table_name
        The output ``RegistryTableName`` of the storage stack.
    now
        Seconds since the epoch.
    """

    def __init__(
        self, client: "DynamoDBClient", table_name: str, now: Callable[[], float] = time.time
    ) -> None:
        super().__init__(client, table_name)
        self._now = now

    def record(self, drafts: Sequence[Draft]) -> Changes:
        """Draw a number for each draft and record it as a candidate; one draft a city.

        Forgotten cities are refused: a person has to readmit them.

        Raises
        ------
        ValueError
        """
        waiting = {draft.candidate.city: draft for draft in drafts}
        if len(waiting) != len(drafts):
            raise ValueError("two drafts of one city: record them one after the other")
        recorded: dict[str, Version] = {}
        refused: dict[str, str] = {}
        for attempt in range(ATTEMPTS):
            known = self.some_cities(waiting)
            refused |= {name: forgotten(city) for name, city in known.items() if city.forgotten}
            drawn = [
                self.numbered(draft, known.get(name, City(name)).last_version + 1)
                for name, draft in waiting.items()
                if name not in refused
            ]
            lost = self._table.transact([draw(self._table.name, version) for version in drawn])
            recorded |= {version.city: version for version in drawn if version.city not in lost}
            waiting = {name: waiting[name] for name in lost}
            if not waiting:
                break
            pause(attempt)
        refused |= {name: f"{name}: others kept drawing versions meanwhile" for name in waiting}
        return Changes(recorded, refused)

    def numbered(self, draft: Draft, number: int) -> Version:
        """A draft as the version of a number; nothing is recorded."""
        return Version(
            number=number,
            state=State.CANDIDATE,
            trained=draft.candidate,
            verdict=draft.verdict,
            recorded=self._time(),
        )

    def introduce(
        self, versions: Sequence[Version], known: Mapping[str, City], *, force: bool = False
    ) -> Changes:
        """Record new versions and let them serve, in one step, one a city.

        Their cities must still be as they were ``known`` when the numbers were chosen: those that
        somebody changed meanwhile are left as they are, neither changed nor refused. With ``force``
        a version that the gate refused may serve, too, and that is recorded.
        """
        before = {version.city: known.get(version.city, City(version.city)) for version in versions}
        refused = objections_to(before, versions, force=force)
        serving = {
            version.city: self._serving(version, _overruled(version.verdict, force=force))
            for version in versions
            if version.city not in refused
        }
        # Each is made while those before it are under way.
        changes = (
            introduction(self._table.name, before[city], version)
            for city, version in serving.items()
        )
        lost = self._table.transact(changes)
        return Changes({name: v for name, v in serving.items() if name not in lost}, refused)

    def objections(self, versions: Sequence[Version], *, force: bool = False) -> dict[str, str]:
        """Why some of these versions may not serve, by city."""
        known = self.some_cities(version.city for version in versions)
        return objections_to(known, versions, force=force)

    def promote(self, versions: Sequence[Version], *, force: bool = False) -> Changes:
        """Let these versions serve, one a city, where what serves is still what was just read.

        With ``force`` a version that the gate refused may serve, too, and that is recorded.
        """
        known = self.some_cities(version.city for version in versions)
        refused = objections_to(known, versions, force=force)
        changes: list[Change] = []
        promoted: dict[str, Version] = {}
        for version in versions:
            if version.city in refused:
                continue
            city = known[version.city]
            verdict = _overruled(version.verdict, force=force)
            promoted[version.city] = self._serving(version, verdict)
            changes.append(promotion(self._table.name, city, promoted[version.city], version.state))
        lost = self._table.transact(changes)
        refused |= {name: conflict(known[name]) for name in lost}
        return Changes({name: v for name, v in promoted.items() if name not in lost}, refused)

    def rollback(self, city: str, *, serving: int | None = None) -> Version:
        """Let the version serve that did before, and withdraw the one that serves now.

        Raises
        ------
        RegistryError
            Where there is none, or where another than ``serving`` serves: somebody was first.
        RegistryConflictError
        """
        item = self._known(city)
        if serving not in (None, item.serving):
            raise RegistryConflictError(f"version {item.serving} of {city} serves, not {serving}")
        versions = {version.number: version for version in self.versions(city)}
        target = versions.get(item.previous or 0)
        if item.serving is None or target is None or target.state is not State.RETIRED:
            raise RegistryError(f"{city} has no earlier version to roll back to")
        promoted = self._serving(target, target.verdict)
        previous = served_before(target, versions.values())
        change = promotion(
            self._table.name,
            replace(item, previous=None if previous is None else previous.number),
            promoted,
            target.state,
            withdraw=True,
        )
        if self._table.transact([change]):
            raise RegistryConflictError(conflict(item))
        return promoted

    def delete_version(self, version: Version) -> None:
        """Note that a version's model is deleted; never the serving one's.

        Raises
        ------
        RegistryError
            Where it serves, or where somebody else was first.
        RegistryConflictError
        """
        name = f"version {version.number} of {version.city}"
        if version.state is State.SERVING:
            another = spelled(f"housing models rollback {version.city}")
            raise RegistryError(f"{name} serves; first let another: {another}")
        if self._table.transact([deletion(self._table.name, version)]):
            raise RegistryConflictError(f"{name} was changed by somebody else; look again")

    def forget(self, city: str) -> City:
        """Delete the items of all versions; a tombstone keeps the highest number drawn.

        Raises
        ------
        RegistryConflictError
        """
        for attempt in range(ATTEMPTS):
            item = self._known(city)
            dead = City(city, item.last_version, forgotten=item.forgotten or self._time())
            if not self._table.transact([tombstone(self._table.name, dead)]):
                self._table.delete((city, version.number) for version in self.versions(city))
                return dead
            pause(attempt)
        raise RegistryConflictError(f"others kept drawing versions of {city}; try again")

    def readmit(self, city: str) -> None:
        """Let a forgotten city be recorded again; its numbers go on where they ended.

        Raises
        ------
        RegistryConflictError
        """
        item = self._known(city)
        if item.forgotten is None:
            return
        if self._table.transact([readmission(self._table.name, item)]):
            raise RegistryConflictError(f"{city} was changed by somebody else; look again")

    def _known(self, city: str) -> City:
        item = self.city(city)
        if item is None:
            raise RegistryError(f"the registry has no city {city}")
        return item

    def _serving(self, version: Version, verdict: Verdict) -> Version:
        return replace(
            version, state=State.SERVING, verdict=verdict, promoted=self._time(), withdrawn=False
        )

    def _time(self) -> str:
        return datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="milliseconds")


def _overruled(verdict: Verdict, *, force: bool) -> Verdict:
    """With ``force``, what the gate refused is marked as what a person let pass."""
    return replace(verdict, forced=True) if force and not verdict.passed else verdict
