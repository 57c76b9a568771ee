"""The ranges of hyperparameters that a tuning job searches.

https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-define-ranges.html
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

AUTO_IS_LOGARITHMIC_FROM = 100.0
"""ScalingType Auto is logarithmic where the greatest value is this many times the least: our
choice, since AWS does not say what it takes."""

GREATEST = 1e15
"""Whole numbers up to here are numbers of float64, with halves between them."""


class RangeError(ValueError):
    """A range that cannot be searched; the text names it and says what is allowed."""


N = TypeVar("N", int, float)


class Range(Protocol):
    """The values of one hyperparameter.

    ``value`` is the one at a position between 0 and 1, as it stands in a training job's
    HyperParameters; ``features`` is a value as a model of the objective sees it.
    """

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> float:
        """How many values there are."""

    def value(self, position: float) -> str: ...

    def features(self, value: str) -> Sequence[float]: ...


@dataclass(frozen=True)
class Scale:
    """A monotonous function that makes steps of a range equal, and its inverse."""

    to: Callable[[float], float]
    back: Callable[[float], float]


SCALES = {
    "Linear": Scale(float, float),
    "Logarithmic": Scale(math.log, math.exp),
    "ReverseLogarithmic": Scale(lambda x: -math.log1p(-x), lambda y: -math.expm1(-y)),
}


@dataclass(frozen=True)
class Interval:
    """Where numbers are taken from, and in which steps."""

    low: float
    high: float
    scale: Scale

    def at(self, position: float) -> float:
        """The number at a position between 0 and 1."""
        low, high = self.scale.to(self.low), self.scale.to(self.high)
        return min(self.high, max(self.low, self.scale.back(low + position * (high - low))))

    def position(self, number: float) -> float:
        """The position of a number, between 0 and 1."""
        low, high = self.scale.to(self.low), self.scale.to(self.high)
        return (self.scale.to(number) - low) / (high - low)


@dataclass(frozen=True)
class IntegerRange:
    """Whole numbers; each has what is nearest to it of the interval, which is half a step wider."""

    name: str
    low: int
    high: int
    interval: Interval

    @property
    def size(self) -> float:
        return self.high - self.low + 1

    def value(self, position: float) -> str:
        return str(min(self.high, max(self.low, round(self.interval.at(position)))))

    def features(self, value: str) -> Sequence[float]:
        return [self.interval.position(int(value))]


@dataclass(frozen=True)
class ContinuousRange:
    """Numbers between two."""

    name: str
    interval: Interval
    size: float = math.inf

    def value(self, position: float) -> str:
        return repr(self.interval.at(position))

    def features(self, value: str) -> Sequence[float]:
        return [self.interval.position(float(value))]


@dataclass(frozen=True)
class CategoricalRange:
    """One of some texts: two that differ are as far from each other as any other two."""

    name: str
    values: tuple[str, ...]

    @property
    def size(self) -> float:
        return len(self.values)

    def value(self, position: float) -> str:
        return self.values[min(int(position * len(self.values)), len(self.values) - 1)]

    def features(self, value: str) -> Sequence[float]:
        return [math.sqrt(0.5) * (value == each) for each in self.values]


def read_ranges(given: Mapping[str, Any]) -> list[Range]:
    """The ranges of a ParameterRanges.

    Raises
    ------
    RangeError
        Naming all ranges that cannot be searched.
    """
    ranges: list[Range] = []
    problems: list[str] = []
    for read, definition in _definitions(given):
        try:
            ranges.append(read(definition))
        except RangeError as error:
            problems.append(str(error))
    if problems:
        raise RangeError("; ".join(problems))
    return ranges


def _definitions(
    given: Mapping[str, Any],
) -> Iterator[tuple[Callable[[Mapping[str, Any]], Range], Mapping[str, Any]]]:
    for member, read in _READERS.items():
        for definition in given.get(member, []):
            yield read, definition


def _integer(definition: Mapping[str, Any]) -> IntegerRange:
    name = definition["Name"]
    if definition.get("ScalingType") == "ReverseLogarithmic":
        raise RangeError(
            f"ScalingType ReverseLogarithmic of {name} is for continuous ranges only; an integer"
            " range has Auto, Linear or Logarithmic"
        )
    low, high, scale = _bounds(definition, int, "an integer")
    return IntegerRange(name, low, high, Interval(low - 0.5, high + 0.5, scale))


def _continuous(definition: Mapping[str, Any]) -> ContinuousRange:
    return ContinuousRange(definition["Name"], Interval(*_bounds(definition, float, "a number")))


def _categorical(definition: Mapping[str, Any]) -> CategoricalRange:
    name, values = definition["Name"], definition["Values"]
    if len(set(values)) < len(values):
        raise RangeError(f"The values of {name} are not all different: {', '.join(values)}")
    return CategoricalRange(name, tuple(values))


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Range]] = {
    "IntegerParameterRanges": _integer,
    "ContinuousParameterRanges": _continuous,
    "CategoricalParameterRanges": _categorical,
}


def _bounds(
    definition: Mapping[str, Any], read: Callable[[str], N], kind: str
) -> tuple[N, N, Scale]:
    name = definition["Name"]
    low = _number(definition, "MinValue", read, kind)
    high = _number(definition, "MaxValue", read, kind)
    if not low < high:
        raise RangeError(f"MinValue of {name} is {low}: it must be less than MaxValue, {high}")
    scaling = definition.get("ScalingType", "Auto")
    if scaling == "Auto":
        spreads = low > 0 and high / low >= AUTO_IS_LOGARITHMIC_FROM
        scaling = "Logarithmic" if spreads else "Linear"
    if scaling == "Logarithmic" and low <= 0:
        raise RangeError(
            f"ScalingType Logarithmic of {name} is for values greater than 0; MinValue is {low}"
        )
    if scaling == "ReverseLogarithmic" and not (low >= 0 and high < 1):
        raise RangeError(
            f"ScalingType ReverseLogarithmic of {name} is for 0 <= x < 1; the range is {low} to"
            f" {high}"
        )
    return low, high, SCALES[scaling]


def _number(definition: Mapping[str, Any], member: str, read: Callable[[str], N], kind: str) -> N:
    text = definition[member]
    try:
        number = read(text)
        if abs(number) <= GREATEST:
            return number
    except ValueError:
        pass
    raise RangeError(
        f"{member} of {definition['Name']} is {text!r}: it must be {kind} of at most {GREATEST:.0e}"
    )
