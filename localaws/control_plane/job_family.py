"""A kind of jobs: what an earlier run left of them, where they work, how they are listed."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from localaws.backend import Scope
from localaws.control_plane.job_records import INTERRUPTED, JobRecords
from localaws.control_plane.listing import Listing
from localaws.control_plane.resources import Request, ResourceFamily, Response
from localaws.control_plane.store import ResourceStore
from localaws.jobs.executor import JobExecutor
from localaws.jobs.failure import JobError, internal_error

UNFINISHED = ("InProgress", "Stopping")


class JobFamily(ResourceFamily):
    """``entity`` begins the names of the members, for example ``TrainingJob``."""

    def __init__(
        self,
        kind: str,
        entity: str,
        store: ResourceStore,
        executor: JobExecutor,
        work_directory: Path,
    ) -> None:
        self._records = JobRecords(store, kind)
        self._name, self._status = f"{entity}Name", f"{entity}Status"
        self._listing = Listing(f"{entity}Summaries", name=self._name, status=self._status)
        self._executor = executor
        self._work_directory = work_directory

    def start(self) -> None:
        """A job that an earlier run left in progress has failed."""
        shutil.rmtree(self._work_directory, ignore_errors=True)
        for scope, record in self._records.everywhere():
            if record[self._status] in UNFINISHED:
                self._fail(scope, record[self._name], internal_error(INTERRUPTED))

    def stop(self) -> None:
        """End what runs; those jobs fail."""
        self._executor.shut_down()

    def _fail(self, scope: Scope, name: str, failure: JobError) -> None:
        """Keep of a job that it has failed, and why."""
        raise NotImplementedError

    def _directory(self, scope: Scope, name: str) -> Path:
        return self._work_directory / scope.account_id / scope.region / name

    def _page(self, scope: Scope, request: Request, members: Sequence[str]) -> Response:
        summaries = (
            {member: record[member] for member in members if member in record}
            for record in self._records.in_scope(scope)
        )
        return self._listing.page(summaries, request)
