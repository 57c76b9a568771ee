"""Draws docs/images/demo.svg and docs/images/dashboard.svg, of what really ran here.

    python -m benchmarks.pictures [demo] [dashboard]

The demo runs as a person runs it, on a terminal. The dashboard is that of a deployed stage whose
model cache `housing cache-experiment` fills.
"""

import os
import sys
import tempfile
from pathlib import Path

from benchmarks.pictures import dashboard, terminal
from fleet.deployment import find_deployment
from localaws.profile import OVERRIDING
from localaws.testing import temporary_localaws
from localaws.testing.terminal import on_terminal

PROJECT = Path(__file__).resolve().parents[2]
IMAGES = PROJECT / "docs" / "images"
HOUSING = str(Path(sys.executable).with_name("housing"))
COLUMNS = 80
PASSES = "60,60,200,200"
MINUTES, PERIOD = 1.5, 1


def draw_demo() -> None:
    """Run the demo as `make demo` does, and draw its terminal."""
    environment = {name: value for name, value in os.environ.items() if name not in OVERRIDING}
    with tempfile.TemporaryDirectory() as folder:
        environment["TMPDIR"] = folder  # as everything that is printed, it may be anywhere
        command = [HOUSING, "demo"]
        shown = on_terminal(command, COLUMNS, environment=environment, folder=PROJECT)
    if shown.status:
        sys.exit(shown.plain)
    IMAGES.joinpath("demo.svg").write_text(terminal.draw(shown, "housing demo", COLUMNS))


def draw_dashboard() -> None:
    """Deploy the stage, fill the cache, and draw what CloudWatch has of it."""
    with temporary_localaws() as aws, tempfile.TemporaryDirectory() as folder:
        assembly = str(Path(folder) / "cdk.out")
        aws.cdk("bootstrap", aws.target, cwd=Path(folder))
        aws.cdk("synth", "--quiet", "--output", assembly)
        deploy = ("deploy", "--app", assembly, "--require-approval", "never")
        aws.cdk(*deploy, "housing-dev-storage")
        aws.run(HOUSING, "train")
        aws.cdk(*deploy, "--all")
        aws.run(HOUSING, "cache-experiment", "--passes", PASSES, "--output", folder)
        name = find_deployment(aws.session(), "dev").require("dashboard_name")
        file = IMAGES / "dashboard.svg"
        dashboard.draw(aws.session(), name, MINUTES, PERIOD, file)


DRAWN = {"demo": draw_demo, "dashboard": draw_dashboard}

if __name__ == "__main__":
    for asked in sys.argv[1:] or DRAWN:
        DRAWN[asked]()
