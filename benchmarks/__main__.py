"""Runs all benchmarks, or those that are named, and prints their figures."""

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pkgutil import iter_modules

from benchmarks.figure import Figure
from fleet.console import Console


def find_benchmarks() -> dict[str, Callable[[], list[Figure]]]:
    """The function ``run`` of each module in this folder that has one."""
    names = sorted(module.name for module in iter_modules(import_module("benchmarks").__path__))
    modules = {name: import_module(f"benchmarks.{name}") for name in names if name != "__main__"}
    return {name: module.run for name, module in modules.items() if hasattr(module, "run")}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    benchmarks = find_benchmarks()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog="example:\n  python -m benchmarks houses preprocessor",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(benchmarks)} (default: all)"
    )
    names: list[str] = parser.parse_args(arguments).names
    unknown = [name for name in names if name not in benchmarks]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are: {', '.join(benchmarks)}")
    console = Console()
    for name in names or benchmarks:
        with console.step(name):
            figures = benchmarks[name]()
        console.table(name, ["figure", "value", "unit", "beside"], [_row(f) for f in figures])
    return 0


def _row(figure: Figure) -> list[str]:
    digits = 0 if abs(figure.value) >= 100 else 2
    return [figure.name, f"{figure.value:,.{digits}f}", figure.unit, figure.beside or ""]


if __name__ == "__main__":
    sys.exit(main())
