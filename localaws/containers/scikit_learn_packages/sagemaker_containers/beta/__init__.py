"""Where sagemaker-containers keeps what scripts use."""
