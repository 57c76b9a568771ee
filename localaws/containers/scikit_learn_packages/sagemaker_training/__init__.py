"""The part of sagemaker-training that scripts use."""
