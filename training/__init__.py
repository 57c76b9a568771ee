"""Makes the artifacts that the stacks reference: data, preprocessor, one model per city."""
