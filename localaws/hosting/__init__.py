"""The endpoint runtime: pipeline, model cache, metrics."""
