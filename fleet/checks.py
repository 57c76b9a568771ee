"""Lists of checks: each is made, whatever became of the others, and says what to do."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from enum import StrEnum

from botocore.exceptions import BotoCoreError, ClientError

from fleet.errors import HousingError


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """What a check found; ``advice`` is what to do about it, empty where nothing is to be done."""

    outcome: Outcome
    detail: str
    advice: str = ""


@dataclass(frozen=True)
class Checked:
    """A check that was made."""

    name: str
    finding: Finding
    seconds: float

    def as_json(self) -> dict[str, object]:
        """For ``--json`` and reports."""
        return {"check": self.name, **asdict(self.finding), "seconds": round(self.seconds, 3)}

    def __str__(self) -> str:
        mark = {Outcome.PASSED: "ok  ", Outcome.WARNED: "note", Outcome.FAILED: "FAIL"}
        advice = f"\n        {self.finding.advice}" if self.finding.advice else ""
        return f"{mark[self.finding.outcome]}  {self.name}: {self.finding.detail}{advice}"


def passed(detail: str) -> Finding:
    """All is well."""
    return Finding(Outcome.PASSED, detail)


def warned(detail: str, advice: str = "") -> Finding:
    """Good to know, and in nothing's way."""
    return Finding(Outcome.WARNED, detail, advice)


def failed(detail: str, advice: str) -> Finding:
    """Something that has to be mended."""
    return Finding(Outcome.FAILED, detail, advice)


def make(
    checks: Mapping[str, Callable[[], Finding]],
    told: Callable[[Checked], object],
    busy: Callable[[str], AbstractContextManager[None]] = lambda name: nullcontext(),
) -> Sequence[Checked]:
    """Make all checks; an error of AWS fails its check alone.

    Parameters
    ----------
    checks
        By name.
    told
        Hears of each as it ends.
    busy
        Is entered with the name of each while it is made.
    """
    made = []
    for name, check in checks.items():
        began = time.perf_counter()
        try:
            with busy(name):
                finding = check()
        except (BotoCoreError, ClientError, HousingError) as error:
            finding = failed(" ".join(str(error).split()), "see the message")
        checked = Checked(name, finding, time.perf_counter() - began)
        made.append(checked)
        told(checked)
    return made


def all_passed(made: Sequence[Checked]) -> bool:
    """Whether nothing failed."""
    return all(checked.finding.outcome is not Outcome.FAILED for checked in made)
