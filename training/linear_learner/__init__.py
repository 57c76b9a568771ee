"""SageMaker's Linear Learner re-created in numpy: artifact, trainer, predictor, wire formats."""
