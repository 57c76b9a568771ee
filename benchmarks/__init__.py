"""python -m benchmarks: the figures that this project states, measured again."""
