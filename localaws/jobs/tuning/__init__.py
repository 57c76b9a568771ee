"""How a hyperparameter tuning job chooses what its next training job tries."""
