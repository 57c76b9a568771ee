"""The SageMaker API: models, endpoint configs, endpoints, jobs, tags, scaling targets."""
