"""What the scripts print: tables and progress on a terminal, plain lines otherwise."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console as RichConsole
from rich.table import Table

from training.job import JobEvent


class Console:
    """Writes to a stream; decoration appears on terminals alone."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._rich = RichConsole(file=stream, highlight=False, soft_wrap=True)

    @property
    def is_terminal(self) -> bool:
        """Whether somebody watches."""
        return self._rich.is_terminal

    def say(self, line: str = "") -> None:
        """Print one line."""
        self._rich.print(line, markup=False)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table; all columns but the first are numbers and align right."""
        if not self.is_terminal:
            self._plain_table(title, columns, rows)
            return
        table = Table(title=title, title_justify="left", header_style="bold")
        for index, column in enumerate(columns):
            table.add_column(column, justify="right" if index else "left")
        for row in rows:
            table.add_row(*row)
        self._rich.print(table)

    def _plain_table(
        self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]
    ) -> None:
        lines = [columns, *rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
        self.say(title)
        for first, *others in lines:
            cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
            self.say("  ".join([first.ljust(widths[0]), *cells]).rstrip())

    @contextmanager
    def step(self, name: str) -> Iterator["Step"]:
        """Say what is done now, and how long it took."""
        step = Step(self, name)
        begin = time.perf_counter()
        with self._working(name):
            yield step
        step.seconds = time.perf_counter() - begin
        detail = f"  {step.detail}" if step.detail else ""
        self._rich.print(f"{step.seconds:6.1f} s  {name}{detail}", markup=False)

    @contextmanager
    def _working(self, name: str) -> Iterator[None]:
        if self.is_terminal:
            with self._rich.status(name):
                yield
        else:
            yield


class Step:
    """One step of a longer command; ``detail`` is added to the line that ends it."""

    def __init__(self, console: Console, name: str) -> None:
        self._console = console
        self.name = name
        self.detail = ""
        self.seconds = 0.0


class JobReporter:
    """Prints each change of a job, with how many are done."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, event: JobEvent) -> None:
        seconds = f" after {event.seconds:.1f} s" if event.seconds else ""
        self._console.say(f"          {event.label}: {event.what}{seconds}  ({event.name})")
