"""SageMaker's control plane: a module a kind of resource, and what these share."""
