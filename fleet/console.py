"""What the commands print: tables and progress on a terminal, plain lines otherwise."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

from rich.console import Console as RichConsole
from rich.markup import escape


class Console:
    """Writes to a stream; decoration appears on terminals alone."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._rich = RichConsole(file=stream, highlight=False, soft_wrap=True, emoji=False)
        self._status = self._rich.status("")
        self._steps: list[Step] = []

    @property
    def is_terminal(self) -> bool:
        """Whether somebody watches."""
        return self._rich.is_terminal

    @property
    def is_unicode(self) -> bool:
        """Whether the stream can write signs such as ✓."""
        return self._rich.encoding.startswith("utf")

    @property
    def width(self) -> int:
        """Columns of the terminal; without one, as many as may be."""
        return self._rich.width if self.is_terminal else sys.maxsize

    def say(self, line: str = "") -> None:
        """Print one line."""
        self._rich.print(line, markup=False)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table; all columns but the first are numbers and align right.

        Where a terminal is not as wide, each cell has a line, so that none is cut off.
        """
        lines = list(_aligned([columns, *rows]))
        if max(map(len, lines)) > self.width:
            lines = list(_records(columns, rows))
        self._rich.print(title, style="bold", markup=False)
        # Past rich, and all at once: of 10,000 cities it would take a second.
        print("\n".join(lines), file=self._rich.file)

    @contextmanager
    def step(self, name: str) -> Iterator["Step"]:
        """Say what is done now, and how long it took; steps may hold steps."""
        step = Step(name)
        self._steps.append(step)
        self.show(name)
        begin = time.perf_counter()
        try:
            yield step
        finally:
            self._steps.pop()
            self.show(self._steps[-1].name if self._steps else None)
        step.seconds = time.perf_counter() - begin
        detail = f"  {step.detail}" if step.detail else ""
        self.say(f"{step.seconds:6.1f} s  {name}{detail}")

    @contextmanager
    def busy(self, text: str) -> Iterator[None]:
        """Show beside a spinner what goes on; on terminals alone, and it leaves nothing behind."""
        self.show(text)
        try:
            yield
        finally:
            self.show(None)

    @property
    def current_step(self) -> "Step":
        """The innermost step."""
        return self._steps[-1] if self._steps else Step("")

    def show(self, text: str | None) -> None:
        """Show beside a spinner what is going on, until it is replaced; None ends it."""
        if not self.is_terminal:
            return
        if text is None:
            self._status.stop()
        else:
            self._status.update(escape(text))
            self._status.start()


def _aligned(lines: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for first, *others in lines:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        yield "  ".join([first.ljust(widths[0]), *cells]).rstrip()


def _records(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    width = max(map(len, columns[1:]), default=0)
    for first, *others in rows:
        yield f"{columns[0]} {first}".lstrip()
        for column, cell in zip(columns[1:], others, strict=True):
            yield f"  {column.ljust(width)}  {cell}".rstrip()


@dataclass
class Step:
    """One step of a longer command; ``detail`` is added to the line that ends it."""

    name: str
    detail: str = ""
    seconds: float = 0.0
    running: set[str] = field(default_factory=set)
    ended: int = 0
