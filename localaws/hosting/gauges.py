"""What instances report of themselves: models loaded, memory, disk and CPU."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from localaws.hosting.instance import Instance
from localaws.hosting.settings import HostingSettings
from localaws.hosting.variant import HostedVariant

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


class Gauges:
    """Records the readings of instances when they changed or served requests, and every minute."""

    def __init__(
        self, settings: HostingSettings, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._now = now
        self._last: dict[str, _Report] = {}

    def record(self, variant: HostedVariant) -> None:
        """Record what the variant's instances have to report."""
        for instance in variant.instances:
            self._record(variant, instance)

    def _record(self, variant: HostedVariant, instance: Instance) -> None:
        now, reading = self._now(), self.read(instance)
        last = self._last.get(instance.id)
        busy = instance.usage.busy_seconds
        unchanged = last is not None and (last.reading, last.busy_seconds) == (reading, busy)
        if last and unchanged and now - last.moment < PERIOD_SECONDS:
            return
        self._last[instance.id] = _Report(reading, now, busy)
        metrics = variant.metrics
        metrics.memory_utilization.record(reading.memory_percent)
        metrics.disk_utilization.record(reading.disk_percent)
        metrics.cpu_utilization.record(
            100 * (busy - last.busy_seconds) / (now - last.moment) if last else 0.0
        )
        if instance.models is not None:
            metrics.loaded_model_count.record(reading.loaded_models)

    def read(self, instance: Instance) -> Reading:
        """The state of an instance now."""
        idle = self._settings.localaws_idle_memory_percent
        models = instance.models
        if models is None:
            return Reading(0, idle, 0.0)
        return Reading(
            loaded_models=models.loaded_count,
            memory_percent=idle + 100 * models.memory_used / instance.type.memory_bytes,
            disk_percent=100 * models.storage_used / instance.type.storage_bytes,
        )
