"""CDK constructs for SageMaker multi-model endpoints behind an inference pipeline."""
