"""Watching the model cache of a multi-model endpoint: traffic, runner, metrics, results, charts."""
