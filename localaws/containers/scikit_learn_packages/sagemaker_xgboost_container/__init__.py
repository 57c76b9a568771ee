"""What the XGBoost container does with a model that brings no script of its own."""
