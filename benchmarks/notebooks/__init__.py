"""AWS's own notebooks on localaws, word for word: ``python -m benchmarks.notebooks``."""
