"""What localaws promises, under load and kills; exit status 1 when a promise was broken."""

import argparse
import tempfile
from pathlib import Path

from benchmarks.soak.evictions import evictions
from benchmarks.soak.kills import kills
from benchmarks.soak.signatures import signatures
from benchmarks.soak.templates import stacks


def main() -> None:
    """Parse the arguments, run, and say what was broken."""
    parser = argparse.ArgumentParser(description="What localaws promises, under load and kills.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=600, help="of the many connections")
    parser.add_argument("--templates", type=int, default=500)
    parser.add_argument("--signatures", type=int, default=20_000)
    options = parser.parse_args()
    faults = signatures(options.signatures)
    print(f"{options.signatures} signatures: {len(faults)} taken or refused wrongly", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        if options.seconds:
            undisturbed = evictions(Path(folder) / "all fit", 64, 300, 300, options.seconds / 10)
            seen = evictions(Path(folder) / "evictions", 64, 300, 50, options.seconds)
            print(f"all fit: {undisturbed}\nroom for 50: {seen}", flush=True)
            faults += seen.faults(undisturbed)
        if options.templates:
            faults += stacks(Path(folder) / "templates", options.templates)
        if options.kills:
            faults += kills(Path(folder) / "kills", options.kills, seconds=14, hours=1)
    print("\n".join(faults) or "every promise was kept")
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    main()
