"""A kind of jobs: their records, how failures are told, what an earlier run left of them."""

import logging
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from localaws.backend import Scope
from localaws.containers.contract import JobError, client_error, internal_error
from localaws.errors import AwsError
from localaws.jobs.executor import JobExecutor
from localaws.jobs.processes import JobAbortedError
from localaws.sagemaker.listing import Listing
from localaws.sagemaker.resources import Request, ResourceFamily, Response
from localaws.sagemaker.store import ResourceStore

INTERRUPTED = "localaws stopped while the job was running. Create the job again."

Record = dict[str, Any]

logger = logging.getLogger(__name__)


class JobRecords:
    """Jobs of one kind in the store, whose names are not told apart by case.

    A job's own thread and requests may change them at once.
    """

    def __init__(self, store: ResourceStore, kind: str) -> None:
        self._store = store
        self._kind = kind
        self._lock = threading.Lock()
        store.lower_names(kind)  # an earlier version kept them as they were given

    def find(self, scope: Scope, name: str) -> Record | None:
        """The record, or None."""
        return self._store.get(self._kind, scope, name.lower())

    def add(self, scope: Scope, name: str, record: Record) -> bool:
        """Keep a new record; False when there is one of that name."""
        with self._lock:
            if self.find(scope, name) is not None:
                return False
            self._store.put(self._kind, scope, name.lower(), record)
            return True

    def change(self, scope: Scope, name: str, change: Callable[[Record], None]) -> None:
        """Let ``change`` work on the record, and keep what it made of it unless it raised.

        Raises
        ------
        LookupError
        """
        with self._lock:
            record = self.find(scope, name)
            if record is None:
                raise LookupError(f"{self._kind} {name} is gone")
            change(record)
            self._store.put(self._kind, scope, name.lower(), record)

    def remove(self, scope: Scope, name: str, check: Callable[[Record], None]) -> None:
        """Drop the record unless ``check`` raises."""
        with self._lock:
            record = self.find(scope, name)
            if record is not None:
                check(record)
                self._store.delete(self._kind, scope, name.lower())

    def summaries(self, scope: Scope, members: Sequence[str]) -> list[Record]:
        """These members of all records of a scope."""
        return self._store.members(self._kind, scope, members)

    def everywhere(self, members: Sequence[str]) -> Iterator[tuple[Scope, Record]]:
        """These members of all records of all scopes."""
        for scope in self._store.scopes(self._kind):
            for record in self.summaries(scope, members):
                yield scope, record


def failure_of(error: Exception) -> JobError:
    """What a job's owner is told of an exception that ended the job."""
    if isinstance(error, JobError):
        return error
    if isinstance(error, JobAbortedError):
        return internal_error(INTERRUPTED)
    if isinstance(error, AwsError):
        return client_error(error.message)
    logger.error("a job failed", exc_info=error)
    return internal_error(f"{type(error).__name__}: {error}")


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
        for scope, record in self._records.everywhere((self._name, self._status)):
            if record[self._status] in UNFINISHED:
                self._fail(scope, record[self._name], internal_error(INTERRUPTED))

    def stop(self) -> None:
        """End what runs; those jobs fail."""
        self._executor.shut_down()

    def discard_interrupted(self, scope: Scope, request: Request) -> None:
        """Drop the job of a Create request of this kind if it failed as ``start`` says."""
        name = request.get(self._name, "")
        record = self._records.find(scope, name)
        if record is not None and INTERRUPTED in record.get("FailureReason", ""):
            self._records.remove(scope, name, lambda record: None)

    def _fail(self, scope: Scope, name: str, failure: JobError) -> None:
        """Keep of a job that it has failed, and why."""
        raise NotImplementedError

    def _directory(self, scope: Scope, name: str) -> Path:
        """A new one each time: what an earlier job of the name left may still be on its way out."""
        folder = f"{name}.{secrets.token_hex(4)}"
        return self._work_directory / scope.account_id / scope.region / folder

    def _page(self, scope: Scope, request: Request, members: Sequence[str]) -> Response:
        return self._listing.page(self._records.summaries(scope, members), request)
