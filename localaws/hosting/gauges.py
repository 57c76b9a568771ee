"""What instances report of themselves: models loaded, memory, disk and CPU."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from localaws.hosting.endpoint import HostedVariant, Instance
from localaws.hosting.settings import HostingSettings

PERIOD_SECONDS = 60.0
"""How often SageMaker reports; here an instance also does so whenever it is used or changes."""

SIMULATED_METRICS = ("CPUUtilization", "DiskUtilization", "MemoryUtilization")
"""What is computed of a simulated instance, not measured on this machine."""


@dataclass(frozen=True)
class Reading:
    """The state of an instance; percentages of what its type offers."""

    loaded_models: int
    memory_percent: float
    disk_percent: float


@dataclass(frozen=True)
class _Report:
    reading: Reading
    moment: float
    busy_seconds: float

    def adds_nothing_to(self, last: "_Report") -> bool:
        unchanged = (self.reading, self.busy_seconds) == (last.reading, last.busy_seconds)
        return unchanged and self.moment - last.moment < PERIOD_SECONDS


class Gauges:
    """Records the readings of instances when they changed or served requests, and every minute."""

    def __init__(
        self, settings: HostingSettings, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._now = now
        self._reports: dict[str, _Report] = {}

    def record(self, variants: Iterable[HostedVariant]) -> None:
        """Record what the instances of all variants have to report."""
        self._reports = {
            instance.id: self._record(variant, instance)
            for variant in variants
            for instance in variant.instances
        }

    def _record(self, variant: HostedVariant, instance: Instance) -> _Report:
        report = _Report(self.read(instance), self._now(), instance.busy_seconds)
        last = self._reports.get(instance.id)
        if last is not None and report.adds_nothing_to(last):
            return last
        reading = report.reading
        metrics = variant.metrics
        metrics.memory_utilization.record(reading.memory_percent)
        metrics.disk_utilization.record(reading.disk_percent)
        metrics.cpu_utilization.record(_cpu_percent(last, report))
        if instance.models is not None:
            metrics.loaded_model_count.record(reading.loaded_models)
        return report

    def read(self, instance: Instance) -> Reading:
        """The state of an instance now."""
        idle = self._settings.idle_memory_percent
        models = instance.models
        if models is None:
            return Reading(0, idle, 0.0)
        return Reading(
            loaded_models=models.loaded_count,
            memory_percent=idle + 100 * models.memory_used / instance.type.memory_bytes,
            disk_percent=100 * models.storage_used / instance.type.storage_bytes,
        )


def _cpu_percent(last: _Report | None, report: _Report) -> float:
    """The share of time in which containers worked; above 100 where several did at once."""
    if last is None or report.moment <= last.moment:
        return 0.0
    return 100 * (report.busy_seconds - last.busy_seconds) / (report.moment - last.moment)
