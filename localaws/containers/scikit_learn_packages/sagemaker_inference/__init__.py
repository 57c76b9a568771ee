"""The part of sagemaker-inference that scripts use."""
