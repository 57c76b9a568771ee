"""Training and batch transform jobs: what SageMaker does between CreateXJob and its last status."""
