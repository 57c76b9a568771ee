"""Application Auto Scaling of endpoint variants: targets, policies, scaler."""
