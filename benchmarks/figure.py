"""The value that every benchmark returns."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured number.

    ``beside`` says what it was measured against in the same run, with that one's number; None where
    nothing comparable runs on the same machine.
    """

    name: str
    value: float
    unit: str
    beside: str | None = None
