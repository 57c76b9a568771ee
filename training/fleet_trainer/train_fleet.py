"""The script of the training job; it travels at the top of its source, beside ``training/``."""

import os

# Before numpy is imported: each worker has a core of its own, and a product that is cut by threads
# would be summed in another order on another number of cores.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

from training.fleet_trainer.program import main  # noqa: E402

if __name__ == "__main__":
    main()
